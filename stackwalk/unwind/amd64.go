package unwind

import (
	"context"

	md "socorro/stackwalk/minidump"
)

// reasonableFrame is the largest gap between frame pointers that scans believe.
// Larger frames are rare, and a wrong frame pointer ruins the rest of the walk.
const reasonableFrame = 128 << 10

// amd64 and x86 are nearly the same, and kept apart on purpose: their scans and
// frame pointers differ in what they distrust, and each detail has its history.
func amd64() *arch {
	return &arch{
		cpu: md.AMD64, word: 8, back: 1,
		// rdi and rsi are saved on Windows too, which no peer makes use of.
		saved:        bit(md.RBX, md.RBP, md.R12, md.R13, md.R14, md.R15),
		framePointer: amd64FramePointer,
		scan:         amd64Scan,
		onward:       spGrows,
	}
}

// canonical says whether bits 47 to 63 are equal, as the CPU wants them.
func canonical(addr uint64) bool {
	return addr <= 0x0000_7fff_ffff_ffff || addr >= 0xffff_8000_0000_0000
}

// amd64FramePointer expects at rbp the caller's rbp and the return address.
func amd64FramePointer(s *Stack, f *Frame) (md.Registers, bool) {
	bp, ok1 := f.Registers.Get(md.RBP)
	lastSP, ok2 := f.Registers.Get(md.RSP)
	if !ok1 || !ok2 {
		return md.Registers{}, false
	}
	// On Windows rbp may point up to 240 bytes into the frame, in steps of 16, and
	// only UNWIND_INFO, which no dump has, would say how far. Try each.
	tries := uint64(1)
	if s.OS == md.Windows {
		tries = 16
	}
	for i := range tries {
		at := bp + 16*i
		sp := at + 16
		ip, ok := s.read(at+8, 8)
		if !ok {
			return md.Registers{}, false
		}
		callerBP, ok := s.read(at, 8)
		if !ok {
			return md.Registers{}, false
		}
		if sp <= bp || callerBP < sp {
			continue
		}
		if _, ok := s.read(callerBP, 8); !ok {
			return md.Registers{}, false
		}
		if _, ok := s.read(sp, 8); !ok || sp <= lastSP || !canonical(ip) {
			continue
		}
		return registers(md.AMD64, [2]uint64{md.RIP, ip}, [2]uint64{md.RSP, sp}, [2]uint64{md.RBP, callerBP}), true
	}
	return md.Registers{}, false
}

func amd64Scan(ctx context.Context, s *Stack, f *Frame) (md.Registers, bool) {
	last, ok := f.Registers.Get(md.RSP)
	if !ok {
		return md.Registers{}, false
	}
	lastBP, haveBP := f.Registers.Get(md.RBP)
	for i := range scanReach(f.Trust) {
		at := last + 8*i
		ip, ok := s.read(at, 8)
		if !ok || at < last {
			return md.Registers{}, false
		}
		if ip == 0 || !canonical(ip) || !s.looksLikeReturn(ctx, ip) {
			continue
		}
		sp := at + 8
		caller := registers(md.AMD64, [2]uint64{md.RIP, ip}, [2]uint64{md.RSP, sp})
		// The caller's rbp is the word before the return address when the callee
		// pushed it there and rbp still points at it, or else the callee's own when
		// that lies in the caller's frame: then the callee does not use rbp.
		if haveBP && i > 0 {
			slot := at - 8
			bp, _ := s.read(slot, 8)
			if lastBP == slot && bp > at && bp-slot <= reasonableFrame {
				if _, ok := s.read(bp, 8); ok {
					caller.Set(md.RBP, bp)
				}
			} else if lastBP >= sp {
				caller.Set(md.RBP, lastBP)
			}
		}
		return caller, true
	}
	return md.Registers{}, false
}
