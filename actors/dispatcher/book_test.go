package dispatcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"socorro"
	"socorro/actors/crash"
)

var dawn = time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)

func claimOf(n int) socorro.Claim {
	return socorro.Claim{ID: socorro.CrashID(fmt.Sprintf("crash-%02d", n)), Epoch: int64(n)}
}

func TestCreditsComeBackWithTheAnswer(t *testing.T) {
	b := newBook(2)
	b.take([]socorro.Claim{claimOf(1), claimOf(2)}, dawn)
	if b.free() != 0 {
		t.Errorf("free = %d with two of two taken; want 0", b.free())
	}
	if added := b.take([]socorro.Claim{claimOf(1)}, dawn); len(added) != 0 {
		t.Errorf("taken twice: %v; want it ignored", added)
	}
	one := crash.KeyOf(claimOf(1))
	if !b.settled(one) || b.settled(one) {
		t.Error("an answer counts once")
	}
	if b.free() != 1 {
		t.Errorf("free = %d after one answer; want 1", b.free())
	}
	if b.gone(one) {
		t.Error("gone after its answer = unanswered; want answered")
	}
	if !b.gone(crash.KeyOf(claimOf(2))) || b.free() != 2 {
		t.Errorf("gone without an answer: free = %d; want it noticed, and 2", b.free())
	}
}

func TestAnsweredCrashesThatDoNotEndMayNotPileUp(t *testing.T) {
	b := newBook(3)
	for n := range 100 {
		if b.free() == 0 {
			if n != 6 {
				t.Errorf("stopped after %d hung crashes; want after twice the credits", n)
			}
			return
		}
		b.take([]socorro.Claim{claimOf(n)}, dawn)
		b.settled(crash.KeyOf(claimOf(n)))
	}
	t.Error("a hundred hung crashes and still free credits")
}

func TestLeasesRunOutByOurOwnClock(t *testing.T) {
	b := newBook(9)
	b.take([]socorro.Claim{claimOf(1), claimOf(2), claimOf(3)}, dawn.Add(time.Minute))
	b.renewed([]socorro.Claim{claimOf(2)}, dawn.Add(time.Hour))
	if got := b.lose([]socorro.Claim{claimOf(1)}, []socorro.CrashID{"crash-01", "crash-03"}); !cmp.Equal(got, []crash.Key{crash.KeyOf(claimOf(1))}) {
		t.Errorf("lost = %v; want only what was asked for", got)
	}
	if got := b.expired(dawn); len(got) != 0 {
		t.Errorf("expired before their time: %v", got)
	}
	if got := b.expired(dawn.Add(time.Minute)); !cmp.Equal(got, []crash.Key{crash.KeyOf(claimOf(3))}) {
		t.Errorf("expired = %v; want the third: the first is known lost, the second renewed", got)
	}
	if got := b.renewable(); !cmp.Equal(got, []socorro.Claim{claimOf(2)}) {
		t.Errorf("renewable = %v; want the second", got)
	}
	if b.free() != 6 {
		t.Errorf("free = %d; want 6: lost ones count until they answer", b.free())
	}
}

func TestTheBookNeverOverdraws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		credits := rapid.IntRange(1, 5).Draw(t, "credits")
		b := newBook(credits)
		next := 0
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			key := crash.KeyOf(claimOf(rapid.IntRange(0, next).Draw(t, "crash")))
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				for range rapid.IntRange(0, b.free()).Draw(t, "take") {
					b.take([]socorro.Claim{claimOf(next)}, dawn)
					next++
				}
			case 1:
				b.settled(key)
			case 2:
				b.gone(key)
			case 3:
				b.expired(dawn)
			}
			if len(b.open) > credits || b.free() < 0 || len(b.open)+len(b.zombies) > 2*credits {
				t.Fatalf("open %d, hung %d, free %d of %d credits", len(b.open), len(b.zombies), b.free(), credits)
			}
		}
	})
}

func TestTheBreakerOpensAfterOutagesInARowAndProbesWithOne(t *testing.T) {
	b := breaker{limit: 3}
	for i, tc := range []struct {
		outcome crash.Outcome
		paused  bool
		pause   bool
		allow   int // of 8 free credits with nothing running
	}{
		{crash.Unavailable, false, false, 8},
		{crash.Unavailable, false, false, 8},
		{crash.Committed, false, false, 8},
		{crash.Unavailable, false, false, 8},
		{crash.Retry, false, false, 8}, // a panic says nothing about the stores
		{crash.Failed, false, false, 8},
		{crash.Unavailable, false, true, 1},
		{crash.Unavailable, true, false, 1}, // of the same outage
		{crash.Unavailable, false, true, 1},
		{crash.Parked, false, false, 8}, // it could be loaded, or at least was answered for
	} {
		if got := b.note(tc.outcome, tc.paused); got != tc.pause {
			t.Errorf("%d: %s: pause = %t; want %t", i, tc.outcome, got, tc.pause)
		}
		if got := b.allow(8, 0); got != tc.allow {
			t.Errorf("%d: %s: allow = %d; want %d", i, tc.outcome, got, tc.allow)
		}
	}
	b = breaker{limit: 1, outages: 1}
	if got := b.allow(8, 1); got != 0 {
		t.Errorf("allow while the probe runs = %d; want 0", got)
	}
}
