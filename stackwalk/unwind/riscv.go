package unwind

import (
	"context"

	md "socorro/stackwalk/minidump"
)

func riscv64() *arch {
	saved := bit(md.RISCVS0, md.RISCVS1)
	for r := md.RISCVS2; r <= md.RISCVS11; r++ {
		saved |= bit(r)
	}
	return &arch{
		cpu: md.RISCV64, word: 8, back: 2, // a compressed instruction; calls of 4 bytes include it
		saved:        saved,
		framePointer: riscvFramePointer,
		scan:         riscvScan,
		onward:       spGrowsAfterLeaf,
	}
}

// riscvFramePointer expects the return address and the caller's s0 below the
// address that s0 holds, which is the caller's stack pointer: the calling
// convention has it so, unlike arm64's. Breakpad looks above. s0 is a general
// register in code without frame pointers, so what it leads to must be code.
func riscvFramePointer(s *Stack, f *Frame) (md.Registers, bool) {
	fp, ok1 := f.Registers.Get(md.RISCVS0)
	sp, ok2 := f.Registers.Get(md.RISCVSP)
	if !ok1 || !ok2 || fp < sp+16 || fp < 16 || fp%8 != 0 {
		return md.Registers{}, false
	}
	pc, ok1 := s.read(fp-8, 8)
	callerFP, ok2 := s.read(fp-16, 8)
	if !ok1 || !ok2 {
		return md.Registers{}, false
	}
	if _, _, ok := s.Code.ModuleAt(pc - 1); !ok && !s.Code.MadeAt(pc-1) {
		return md.Registers{}, false
	}
	return registers(md.RISCV64, [2]uint64{md.RISCVPC, pc}, [2]uint64{md.RISCVSP, fp}, [2]uint64{md.RISCVS0, callerFP}), true
}

func riscvScan(ctx context.Context, s *Stack, f *Frame) (md.Registers, bool) {
	last, ok := f.Registers.Get(md.RISCVSP)
	if !ok {
		return md.Registers{}, false
	}
	for i := range scanReach(f.Trust) {
		at := last + 8*i
		pc, ok := s.read(at, 8)
		if !ok || at < last {
			return md.Registers{}, false
		}
		if pc >= 0x1000 && s.looksLikeReturn(ctx, pc) {
			return registers(md.RISCV64, [2]uint64{md.RISCVPC, pc}, [2]uint64{md.RISCVSP, at + 8}), true
		}
	}
	return md.Registers{}, false
}
