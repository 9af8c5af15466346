package unwind

import (
	"context"
	"math"

	md "socorro/stackwalk/minidump"
)

func x86() *arch {
	return &arch{
		cpu: md.X86, word: 4, back: 1,
		saved:        bit(md.EBP, md.EBX, md.EDI, md.ESI),
		framePointer: x86FramePointer,
		scan:         x86Scan,
		onward:       spGrows,
	}
}

// x86FramePointer expects at ebp the caller's ebp and the return address. Unlike
// on amd64 nothing is checked: code without symbols that keeps ebp is the rule on
// 32-bit Windows, and a wrong guess ends the walk at the next frame.
func x86FramePointer(s *Stack, f *Frame) (md.Registers, bool) {
	bp, ok := f.Registers.Get(md.EBP)
	if !ok || bp >= math.MaxUint32-8 {
		return md.Registers{}, false
	}
	ip, ok1 := s.read(bp+4, 4)
	callerBP, ok2 := s.read(bp, 4)
	if !ok1 || !ok2 {
		return md.Registers{}, false
	}
	return registers(md.X86, [2]uint64{md.EIP, ip}, [2]uint64{md.ESP, bp + 8}, [2]uint64{md.EBP, callerBP}), true
}

func x86Scan(ctx context.Context, s *Stack, f *Frame) (md.Registers, bool) {
	last, ok := f.Registers.Get(md.ESP)
	if !ok {
		return md.Registers{}, false
	}
	lastBP, haveBP := f.Registers.Get(md.EBP)
	for i := range scanReach(f.Trust) {
		at := last + 4*i
		ip, ok := s.read(at, 4)
		if !ok || at+4 > math.MaxUint32 {
			return md.Registers{}, false
		}
		if ip == 0 || !s.looksLikeReturn(ctx, ip) {
			continue
		}
		sp := at + 4
		caller := registers(md.X86, [2]uint64{md.EIP, ip}, [2]uint64{md.ESP, sp})
		// The word before the return address is the caller's ebp when it points a
		// little up the stack; or else the callee's ebp when it does.
		if i > 0 {
			slot := at - 4
			bp, _ := s.read(slot, 4)
			if bp > at && bp-slot <= reasonableFrame {
				if _, ok := s.read(bp, 4); ok {
					caller.Set(md.EBP, bp)
				}
			} else if haveBP && lastBP >= sp {
				if _, ok := s.read(lastBP, 4); ok {
					caller.Set(md.EBP, lastBP)
				}
			}
		}
		return caller, true
	}
	return md.Registers{}, false
}
