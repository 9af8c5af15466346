package unwind

import (
	"context"
	"math"
	"math/bits"

	md "socorro/stackwalk/minidump"
)

func arm64(cpu md.CPU) *arch {
	saved := bit(md.FP)
	for r := md.X19; r <= md.X28; r++ {
		saved |= bit(r)
	}
	return &arch{
		cpu: cpu, word: 8, back: 4,
		saved:        saved,
		framePointer: arm64FramePointer,
		scan:         arm64Scan,
		clean:        arm64Clean,
		onward:       arm64Onward,
		guessedLink:  true,
	}
}

// address takes a pointer's signature away. Which bits of a signed pointer are
// address depends on the system, so believe that code lies where the modules do,
// and at least the 47 bits that Apple's systems use.
func (s *Stack) address(signed uint64) uint64 {
	top := max(s.CodeEnd, 1<<47-1)
	if top > 1<<63 {
		return signed
	}
	if bits.OnesCount64(top) == 1 {
		return signed & (top - 1)
	}
	return signed & (1<<bits.Len64(top) - 1)
}

func arm64Clean(s *Stack, r *md.Registers) {
	for _, n := range [...]int{md.PC, md.LR, md.FP} {
		if v, ok := r.Get(n); ok {
			r.Set(n, s.address(v))
		}
	}
}

// arm64Code says whether an address can be code at all.
func arm64Code(pc uint64) bool { return pc >= 0x1000 && pc <= 0x000f_ffff_ffff_ffff }

// arm64FramePointer expects at fp the caller's fp and the return address. fp is 0
// at the end of the chain. The link register that the caller had comes from the
// frame record above it.
func arm64FramePointer(s *Stack, f *Frame) (md.Registers, bool) {
	fp, ok1 := f.Registers.Get(md.FP)
	_, ok2 := f.Registers.Get(md.SP)
	if !ok1 || !ok2 || fp >= math.MaxUint64-16 || fp == 0 {
		return md.Registers{}, false
	}
	callerFP, ok1 := s.read(fp, 8)
	pc, ok2 := s.read(fp+8, 8)
	if !ok1 || !ok2 {
		return md.Registers{}, false
	}
	callerFP, pc = s.address(callerFP), s.address(pc)
	if !arm64Code(pc) {
		return md.Registers{}, false
	}
	caller := registers(f.Registers.CPU, [2]uint64{md.PC, pc}, [2]uint64{md.SP, fp + 16}, [2]uint64{md.FP, callerFP})
	if callerFP != 0 && callerFP <= math.MaxUint64-8 {
		if lr, ok := s.read(callerFP+8, 8); ok {
			caller.Set(md.LR, s.address(lr))
		}
	}
	return caller, true
}

func arm64Scan(ctx context.Context, s *Stack, f *Frame) (md.Registers, bool) {
	last, ok := f.Registers.Get(md.SP)
	if !ok {
		return md.Registers{}, false
	}
	for i := range scanReach(f.Trust) {
		at := last + 8*i
		pc, ok := s.read(at, 8)
		if !ok || at < last {
			return md.Registers{}, false
		}
		if arm64Code(pc) && s.looksLikeReturn(ctx, pc) {
			return registers(f.Registers.CPU, [2]uint64{md.PC, pc}, [2]uint64{md.SP, at + 8}), true
		}
	}
	return md.Registers{}, false
}

// arm64Onward allows a caller at its callee's stack pointer when the program
// counter moved and either the callee was interrupted before it used any stack or
// the rules say so.
func arm64Onward(callee, caller *Frame) bool {
	sp, last := caller.Registers.SP(), callee.Registers.SP()
	if sp != last {
		return sp > last
	}
	return caller.Registers.IP() != callee.Registers.IP() && (callee.Trust == Context || caller.Trust == CFI)
}
