package unwind

import (
	"context"
	"math"

	md "socorro/stackwalk/minidump"
)

func arm() *arch {
	saved := bit(md.ARMFP)
	for r := md.ARMR4; r <= md.ARMR10; r++ {
		saved |= bit(r)
	}
	return &arch{
		cpu: md.ARM, word: 4, back: 2, // a Thumb instruction; calls of 4 bytes include it
		saved:        saved,
		framePointer: armFramePointer,
		scan:         armScan,
		onward:       spGrowsAfterLeaf,
	}
}

// armFramePointer works on iOS only: elsewhere r11 is a general register as often
// as not, and Thumb code uses r7.
func armFramePointer(s *Stack, f *Frame) (md.Registers, bool) {
	fp, ok1 := f.Registers.Get(md.ARMFP)
	sp, ok2 := f.Registers.Get(md.ARMSP)
	if s.OS != md.IOS || !ok1 || !ok2 || fp >= math.MaxUint32-8 {
		return md.Registers{}, false
	}
	if fp == 0 {
		// The end of the chain. An instruction pointer of 0 ends the walk here, where
		// a scan would find leftovers.
		return registers(md.ARM, [2]uint64{md.ARMPC, 0}, [2]uint64{md.ARMSP, sp}, [2]uint64{md.ARMFP, 0}), true
	}
	callerFP, ok1 := s.read(fp, 4)
	pc, ok2 := s.read(fp+4, 4)
	if !ok1 || !ok2 {
		return md.Registers{}, false
	}
	return registers(md.ARM, [2]uint64{md.ARMPC, pc}, [2]uint64{md.ARMSP, fp + 8}, [2]uint64{md.ARMFP, callerFP}), true
}

func armScan(ctx context.Context, s *Stack, f *Frame) (md.Registers, bool) {
	last, ok := f.Registers.Get(md.ARMSP)
	if !ok {
		return md.Registers{}, false
	}
	for i := range scanReach(f.Trust) {
		at := last + 4*i
		pc, ok := s.read(at, 4)
		if !ok || at+4 > math.MaxUint32 {
			return md.Registers{}, false
		}
		if s.looksLikeReturn(ctx, pc) {
			return registers(md.ARM, [2]uint64{md.ARMPC, pc}, [2]uint64{md.ARMSP, at + 4}), true
		}
	}
	return md.Registers{}, false
}
