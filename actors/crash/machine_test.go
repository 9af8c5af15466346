package crash

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"socorro"
	"socorro/actors/kit"
)

const id = socorro.CrashID("de1bb258-cbbf-4589-a673-34f800160918")

func claimed(attempt, lost int) *machine {
	m := newMachine(socorro.Claim{ID: id, Epoch: 4, Attempt: attempt, Lost: lost}, Limits{})
	return m
}

func TestAnErrorBecomesTheRightAnswerToTheQueue(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("store: %w", err) }
	for name, tc := range map[string]struct {
		attempt int
		stage   Stage
		err     error
		want    Outcome
	}{
		"success":                             {1, Saving, nil, Committed},
		"missing raw crash":                   {1, Loading, wrap(socorro.ErrNotFound), Parked},
		"broken raw crash":                    {1, Loading, wrap(socorro.ErrInvalid), Parked},
		"store out":                           {1, Loading, wrap(socorro.ErrUnavailable), Unavailable},
		"store out, hundredth try":            {100, Loading, wrap(socorro.ErrUnavailable), Unavailable},
		"store out, and it says why":          {1, Loading, errors.Join(socorro.ErrUnavailable, socorro.ErrNotFound), Unavailable},
		"store with an unknown error":         {9, Saving, errors.New("connection refused"), Unavailable},
		"store that does not answer":          {9, Loading, context.DeadlineExceeded, Unavailable},
		"store that hangs":                    {9, Saving, kit.ErrHung, Unavailable},
		"newer result saved by somebody else": {1, Saving, wrap(socorro.ErrConflict), Superseded},
		"panic":                               {1, Processing, &kit.PanicError{Value: "bug"}, Retry},
		"panic, last try":                     {3, Processing, &kit.PanicError{Value: "bug"}, Parked},
		"panic that throws an outage":         {3, Processing, &kit.PanicError{Value: socorro.ErrUnavailable}, Parked},
		"processing too long":                 {2, Processing, context.DeadlineExceeded, Retry},
		"processing too long, last try":       {3, Processing, kit.ErrHung, Parked},
		"unknown error of the processor":      {1, Processing, errors.New("odd"), Retry},
		"symbols out":                         {7, Processing, wrap(socorro.ErrUnavailable), Unavailable},
		"input refused by the processor":      {1, Processing, wrap(socorro.ErrInvalid), Parked},
	} {
		m := claimed(tc.attempt, 0)
		if a := m.begin(); a.kind != work {
			t.Errorf("%s: begin = %+v; want work", name, a)
		}
		a := m.worked(tc.stage, tc.err)
		got := a.verdict.outcome
		if a.kind == endActor {
			got = a.outcome
		}
		if got != tc.want {
			t.Errorf("%s: %s; want %s", name, got, tc.want)
		}
		if (got == Retry || got == Unavailable) && (a.verdict.after <= 0 || a.verdict.reason == "") {
			t.Errorf("%s: after %s because %q; want a wait and a reason", name, a.verdict.after, a.verdict.reason)
		}
		if got == Parked && !strings.Contains(a.verdict.reason, tc.stage.String()) {
			t.Errorf("%s: reason %q does not name the stage", name, a.verdict.reason)
		}
	}
}

func TestRetriesWaitLongerEachTime(t *testing.T) {
	var last time.Duration
	for attempt := 1; attempt <= 4; attempt++ {
		m := claimed(attempt, 0)
		m.begin()
		after := m.worked(Loading, socorro.ErrUnavailable).verdict.after
		if after <= last || after > 5*time.Minute {
			t.Errorf("attempt %d waits %s after %s; want longer, to 5m", attempt, after, last)
		}
		last = after
	}
}

func TestAPoisonIsParkedBeforeItIsTouched(t *testing.T) {
	for name, m := range map[string]*machine{"killed five times": claimed(6, 5), "claimed a thousand times": claimed(1001, 0)} {
		if a := m.begin(); a.kind != settle || a.verdict.outcome != Parked || a.verdict.reason == "" {
			t.Errorf("%s: begin = %+v; want Parked with a reason", name, a)
		}
	}
	if a := claimed(1000, 2).begin(); a.kind != work {
		t.Errorf("killed twice: begin = %+v; want work", a)
	}
}

func TestTheQueueIsToldAgainButNotForEver(t *testing.T) {
	m := claimed(1, 0)
	m.begin()
	a := m.worked(Saving, nil)
	for i := 1; ; i++ {
		if a.kind != settle || a.verdict.outcome != Committed {
			t.Fatalf("try %d: %+v; want the commit", i, a)
		}
		if a = m.settled(errors.New("locked")); a.kind == endActor {
			if i != 10 || a.outcome != Failed {
				t.Errorf("ended as %s after %d tries; want failed after 10", a.outcome, i)
			}
			return
		}
		if a.kind != wait || a.wait <= 0 {
			t.Fatalf("try %d: %+v; want a wait", i, a)
		}
		a = m.again()
	}
}

func TestARefusedAnswerIsNotRepeated(t *testing.T) {
	for _, err := range []error{socorro.ErrConflict, socorro.ErrNotFound} {
		m := claimed(1, 0)
		m.begin()
		m.worked(Saving, nil)
		if a := m.settled(err); a.kind != endActor || a.outcome != Superseded {
			t.Errorf("after %v: %+v; want the end, superseded", err, a)
		}
	}
}

func TestGivingBackReleasesWorkButKeepsAKnownVerdict(t *testing.T) {
	m := claimed(1, 0)
	m.begin()
	if a := m.giveBack(); a.kind != settle || a.verdict.outcome != Released {
		t.Errorf("while working: %+v; want a release", a)
	}
	if a := m.worked(Saving, nil); a.kind != nothing {
		t.Errorf("work that ends late: %+v; want nothing", a)
	}
	m = claimed(1, 0)
	m.begin()
	m.worked(Saving, nil)
	if a := m.giveBack(); a.kind != nothing {
		t.Errorf("while committing: %+v; want nothing, the commit goes on", a)
	}
}

// Whatever happens in whatever order, a claim ends at most once, and nothing is
// done after that.
func TestAClaimEndsOnce(t *testing.T) {
	errs := []error{nil, socorro.ErrConflict, socorro.ErrUnavailable, socorro.ErrInvalid, errors.New("odd"), &kit.PanicError{}, kit.ErrHung}
	rapid.Check(t, func(t *rapid.T) {
		m := claimed(rapid.IntRange(1, 5).Draw(t, "attempt"), rapid.IntRange(0, 4).Draw(t, "lost"))
		ends := 0
		take := func(a action) {
			if ends > 0 && a.kind != nothing {
				t.Fatalf("%+v after the end", a)
			}
			if a.kind == endActor {
				ends++
			}
		}
		take(m.begin())
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			err := rapid.SampledFrom(errs).Draw(t, "err")
			switch rapid.IntRange(0, 4).Draw(t, "event") {
			case 0:
				take(m.worked(Stage(rapid.IntRange(0, 2).Draw(t, "stage")), err))
			case 1:
				take(m.settled(err))
			case 2:
				take(m.again())
			case 3:
				take(m.giveBack())
			case 4:
				take(m.lost())
			}
		}
		take(m.lost())
		if ends != 1 {
			t.Fatalf("ended %d times; want once", ends)
		}
	})
}
