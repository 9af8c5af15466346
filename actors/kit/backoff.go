package kit

import (
	"math"
	"time"
)

// Backoff is a wait that grows with every failure up to a cap. The zero value
// waits about 1s, 2s, 4s … 5m.
type Backoff struct {
	Initial time.Duration // after the first failure; 0 = 1s
	Max     time.Duration // 0 = 5m
	Factor  float64       // 0 = 2; less than 1 counts as 1
	Jitter  float64       // share of the wait that is left to chance, 0 to 1; 0 = 0.2, negative = none
}

func (b Backoff) withDefaults() Backoff {
	if b.Initial <= 0 {
		b.Initial = time.Second
	}
	if b.Max <= 0 {
		b.Max = 5 * time.Minute
	}
	if b.Factor == 0 {
		b.Factor = 2
	}
	b.Factor = max(b.Factor, 1)
	switch {
	case b.Jitter == 0:
		b.Jitter = 0.2
	case b.Jitter < 0:
		b.Jitter = 0
	}
	b.Jitter = min(b.Jitter, 1)
	return b
}

// Delay is the wait after so many failures in a row. chance gives numbers in
// [0, 1); nil means 0.5, which is the middle of the jitter. The result is never
// longer than Max and never less than the un-jittered wait less Jitter/2.
func (b Backoff) Delay(failures int, chance func() float64) time.Duration {
	if failures <= 0 {
		return 0
	}
	b = b.withDefaults()
	// In floating point the power overflows to +Inf, which min turns into Max.
	wait := min(float64(b.Initial)*math.Pow(b.Factor, float64(failures-1)), float64(b.Max))
	c := 0.5
	if chance != nil {
		c = chance()
	}
	wait *= 1 + b.Jitter*(c-0.5)
	return time.Duration(min(wait, float64(b.Max)))
}
