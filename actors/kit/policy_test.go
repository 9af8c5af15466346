package kit_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"socorro"
	"socorro/actors/kit"
)

func TestBackoffDoublesUpToItsCap(t *testing.T) {
	b := kit.Backoff{Initial: time.Second, Max: 10 * time.Second, Jitter: -1}
	for failures, want := range []time.Duration{0, 1 * time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		if got := b.Delay(failures, nil); got != want {
			t.Errorf("Delay(%d) = %s; want %s", failures, got, want)
		}
	}
	if got := b.Delay(math.MaxInt, nil); got != b.Max {
		t.Errorf("Delay(MaxInt) = %s; want the cap", got)
	}
}

func TestBackoffStaysBetweenItsJitterAndItsCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := kit.Backoff{
			Initial: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "initial")),
			Max:     time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "max")),
			Factor:  rapid.Float64Range(-1, 10).Draw(t, "factor"),
			Jitter:  rapid.Float64Range(-1, 2).Draw(t, "jitter"),
		}
		chance := rapid.Float64Range(0, 0.999).Draw(t, "chance")
		failures := rapid.IntRange(1, 1<<40).Draw(t, "failures")
		got := b.Delay(failures, func() float64 { return chance })
		limit := b.Max
		if limit == 0 {
			limit = 5 * time.Minute
		}
		if got < 0 || got > limit {
			t.Fatalf("%+v.Delay(%d) = %s; want 0 to %s", b, failures, got, limit)
		}
	})
}

func TestPoliciesAreSocorrosTransactionExecutors(t *testing.T) {
	type try struct {
		failures int
		delay    time.Duration
		again    bool
	}
	for _, tc := range []struct {
		name, delays string
		want         []try
	}{
		{"socorro.database.transaction_executor.TransactionExecutor", "", []try{{1, 0, false}}},
		{"TransactionExecutorWithLimitedBackoff", "10, 30", []try{{1, 10 * time.Second, true}, {2, 30 * time.Second, true}, {3, 0, false}}},
		{"WithLimitedBackoff", "[0.5]", []try{{1, time.Second / 2, true}, {2, 0, false}}},
		{"TransactionExecutorWithInfiniteBackoff", "", []try{{1, 10 * time.Second, true}, {5, 300 * time.Second, true}, {500, 300 * time.Second, true}}},
		{"infinite", "7", []try{{1, 7 * time.Second, true}, {9, 7 * time.Second, true}}},
	} {
		p, err := kit.ParsePolicy(tc.name, tc.delays)
		if err != nil {
			t.Errorf("ParsePolicy(%q, %q) = %v", tc.name, tc.delays, err)
			continue
		}
		for _, want := range tc.want {
			if d, again := p.Next(want.failures, nil); d != want.delay || again != want.again {
				t.Errorf("%s %q: Next(%d) = %s, %t; want %s, %t", tc.name, tc.delays, want.failures, d, again, want.delay, want.again)
			}
		}
	}
	if d, again := (kit.Policy{}).Next(1, nil); d != time.Second || !again || (kit.Policy{}).Ends() {
		t.Errorf("the zero policy: Next(1) = %s, %t; want 1s, for ever", d, again)
	}
}

func TestParsePolicyRefusesNonsense(t *testing.T) {
	for _, tc := range [][2]string{{"WithSomeBackoff", ""}, {"infinite", "10, soon"}, {"limited", "-1"}, {"limited", "1e400"}} {
		if _, err := kit.ParsePolicy(tc[0], tc[1]); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("ParsePolicy(%q, %q) = %v; want ErrInvalid", tc[0], tc[1], err)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add("TransactionExecutorWithLimitedBackoff", "10, 30, 60, 120, 300")
	f.Add("a.b.WithInfiniteBackoff", "[1,2]")
	f.Fuzz(func(t *testing.T, name, delays string) {
		p, err := kit.ParsePolicy(name, delays)
		if err != nil {
			if !errors.Is(err, socorro.ErrInvalid) {
				t.Fatalf("ParsePolicy(%q, %q) = %v; want ErrInvalid", name, delays, err)
			}
			return
		}
		for failures := range 10 {
			if d, _ := p.Next(failures, nil); d < 0 {
				t.Fatalf("ParsePolicy(%q, %q).Next(%d) = %s", name, delays, failures, d)
			}
		}
		if again, err := kit.ParsePolicy(p.String(), delays); err != nil || again.Ends() != p.Ends() {
			t.Fatalf("ParsePolicy(%q) of its own name = %v, %v", p, again, err)
		}
	})
}
