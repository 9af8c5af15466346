package unwind

import (
	"context"
	"math"

	md "socorro/stackwalk/minidump"
)

func mips(cpu md.CPU) *arch {
	saved := bit(md.MIPSGP, md.MIPSSP, md.MIPSFP)
	for r := md.MIPSS0; r <= md.MIPSS7; r++ {
		saved |= bit(r)
	}
	return &arch{
		cpu: cpu, word: cpu.PointerSize(), back: 8, // the call and its delay slot
		saved:  saved,
		scan:   mipsScan,
		onward: spGrowsAfterLeaf,
	}
}

// mipsScan looks at 1024 bytes of the stack. A caller's frame of the 32-bit ABI
// begins with room for four arguments, which may be anything.
func mipsScan(ctx context.Context, s *Stack, f *Frame) (md.Registers, bool) {
	const reach = 1024
	last, ok := f.Registers.Get(md.MIPSSP)
	if !ok {
		return md.Registers{}, false
	}
	word := uint64(f.Registers.CPU.PointerSize())
	words := reach / word
	if word == 4 {
		last &= math.MaxUint32
		if f.Trust != Context {
			last, words = last+4*word, words-4
		}
	}
	for i := range words {
		at := last + word*i
		pc, ok := s.read(at, int(word))
		if !ok || at < last || word == 4 && at+4 > math.MaxUint32 {
			return md.Registers{}, false
		}
		if pc >= 0x1000 && s.looksLikeReturn(ctx, pc) {
			return registers(f.Registers.CPU, [2]uint64{md.MIPSPC, pc}, [2]uint64{md.MIPSSP, at + word}), true
		}
	}
	return md.Registers{}, false
}
