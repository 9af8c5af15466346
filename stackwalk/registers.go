package stackwalk

import (
	"math/bits"

	"socorro/stackwalk/minidump"
)

// frameRegisters are the known registers of a frame. There are a few of them,
// where [minidump.Registers] has room for forty: an overflowed stack has 30,000
// frames.
type frameRegisters struct {
	cpu    minidump.CPU
	valid  uint64
	values []uint64 // of the bits set in valid, in order
}

// Registers are the registers as they were in the frame, as far as they are known.
func (f *Frame) Registers() minidump.Registers {
	r := minidump.Registers{CPU: f.registers.cpu, Valid: f.registers.valid}
	for i, left := 0, r.Valid; left != 0; i, left = i+1, left&(left-1) {
		r.Value[bits.TrailingZeros64(left)] = f.registers.values[i]
	}
	return r
}

// A registerSlab keeps registers close together. What it gave out stays valid.
type registerSlab struct{ free []uint64 }

const slabWords = 4096

func (s *registerSlab) keep(r *minidump.Registers) frameRegisters {
	n := bits.OnesCount64(r.Valid)
	if n == 0 {
		return frameRegisters{cpu: r.CPU}
	}
	if len(s.free) < n {
		s.free = make([]uint64, min(slabWords, max(n, 2*cap(s.free))))
	}
	kept := frameRegisters{r.CPU, r.Valid, s.free[:n:n]}
	s.free = s.free[n:]
	for i, left := 0, r.Valid; left != 0; i, left = i+1, left&(left-1) {
		kept.values[i] = r.Value[bits.TrailingZeros64(left)]
	}
	return kept
}
