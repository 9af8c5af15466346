package destination

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"socorro"
	"socorro/actors/kit"
)

func TestAnErrorOfASaveIsJudged(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("index: %w", err) }
	for _, tc := range []struct {
		err  error
		want verdict
	}{
		{nil, saved},
		{wrap(socorro.ErrConflict), saved},
		{wrap(socorro.ErrUnavailable), retry},
		{errors.Join(socorro.ErrInvalid, socorro.ErrUnavailable), retry},
		{errors.New("EOF"), retry},
		{context.DeadlineExceeded, retry},
		{kit.ErrHung, retry},
		{wrap(socorro.ErrInvalid), permanent},
		{wrap(socorro.ErrNotFound), permanent},
		{wrap(socorro.ErrRejected), permanent},
		{&kit.PanicError{Value: "bug"}, suspect},
		{&kit.PanicError{Value: socorro.ErrInvalid}, suspect},
		{wrap(errStale), suspect},
	} {
		if got := judge(tc.err); got != tc.want {
			t.Errorf("judge(%v) = %s; want %s", tc.err, got, tc.want)
		}
	}
}

func TestAWakeUpDoesNotEndAWaitButTryNowDoes(t *testing.T) {
	m := newMachine(kit.Policy{}, 5, nil)
	m.wake()
	m.peeked([]socorro.Delivery{{Seq: 1}}, nil)
	m.tried(socorro.ErrUnavailable)
	m.noted(1, nil)
	m.wake()
	if m.now.kind != wait || m.delay != time.Second {
		t.Errorf("after a wake-up: %s of %s; want a wait of 1s", m.now.kind, m.delay)
	}
	m.awake()
	if m.now.kind != save || m.now.delivery.Seq != 1 {
		t.Errorf("after the wait: %s %d; want the head again", m.now.kind, m.now.delivery.Seq)
	}
	m.tried(nil)
	m.left(nil)
	if m.now.kind != peek {
		t.Errorf("after the head: %s; want a look for what woke us", m.now.kind)
	}
}

func TestALimitedPolicyCountsOverRestarts(t *testing.T) {
	m := newMachine(kit.Limited(time.Second, time.Second), 5, nil)
	m.wake()
	m.peeked([]socorro.Delivery{{Seq: 1, Attempt: 2}}, nil) // two failures before the restart
	m.tried(socorro.ErrUnavailable)
	if m.now.kind != park {
		t.Errorf("third failure of two allowed retries: %s; want park", m.now.kind)
	}
}

func TestAFailedAckRepeatsTheAckOnly(t *testing.T) {
	m := newMachine(kit.Policy{}, 5, nil)
	m.wake()
	m.peeked([]socorro.Delivery{{Seq: 1}}, nil)
	m.tried(nil)
	m.left(errors.New("locked"))
	if m.now.kind != wait {
		t.Fatalf("after the failed ack: %s; want wait", m.now.kind)
	}
	if m.awake(); m.now.kind != ack {
		t.Errorf("after the wait: %s; want ack", m.now.kind)
	}
	if m.left(fmt.Errorf("gone: %w", socorro.ErrNotFound)); len(m.window) != 0 {
		t.Error("an ack that finds nothing is done")
	}
}

// The machine against a small outbox: whatever fails, deliveries leave in
// order, each once, and the machine always has something to do until all left.
func TestDeliveriesLeaveInOrderWhateverFails(t *testing.T) {
	errs := []error{nil, nil, socorro.ErrUnavailable, socorro.ErrInvalid, socorro.ErrConflict, errors.New("odd"), &kit.PanicError{}, kit.ErrHung}
	policies := []kit.Policy{{}, kit.None(), kit.Limited(time.Second, 2*time.Second), kit.InfiniteDelays()}
	rapid.Check(t, func(t *rapid.T) {
		var outbox []socorro.Delivery
		for i := range rapid.IntRange(0, 10).Draw(t, "deliveries") {
			outbox = append(outbox, socorro.Delivery{Seq: int64(i + 1)})
		}
		total := len(outbox)
		m := newMachine(rapid.SampledFrom(policies).Draw(t, "policy"), 3, nil)
		m.wake()
		var left []int64
		for step := 0; m.now.kind != idle; step++ {
			err := rapid.SampledFrom(errs).Draw(t, "err")
			if step > 400 {
				err = nil // faults end
			}
			switch d := m.now.delivery; m.now.kind {
			case wait:
				m.awake()
			case peek:
				m.peeked(append([]socorro.Delivery(nil), outbox[:min(4, len(outbox))]...), err)
			case save:
				m.tried(err)
			case fail:
				m.noted(1, err)
			case ack, park:
				if err == nil {
					left = append(left, d.Seq)
					outbox = outbox[1:]
				}
				m.left(err)
			}
		}
		if len(left) != total {
			t.Fatalf("%d of %d deliveries left", len(left), total)
		}
		for i, seq := range left {
			if seq != int64(i+1) {
				t.Fatalf("left in the order %v", left)
			}
		}
	})
}
