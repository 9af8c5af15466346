package crash

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socorro"
	"socorro/actors/kit"
)

// Limits say when a crash is given up. Zero fields mean the defaults.
type Limits struct {
	MaxAttempts int            // tries that end in a panic, a hang or an unknown error of the processor before the crash is parked; 0 = 3
	MaxLost     int            // claims in a row that ended with no answer (processor killed) before it is parked unseen; 0 = 5
	MaxClaims   int            // claims for whatever reason before it is parked; 0 = 1000
	MaxSettle   int            // tries to tell the queue before the claim is left to run out; 0 = 10
	Retry       kit.Backoff    // the queue's delay before the next try; zero = 10s, 20s … 5m
	Settle      kit.Backoff    // between tries to tell the queue; zero = 1s, 2s … 30s
	Chance      func() float64 // for the jitter of both; nil = none
}

func (l Limits) withDefaults() Limits {
	if l.MaxAttempts <= 0 {
		l.MaxAttempts = 3
	}
	if l.MaxLost <= 0 {
		l.MaxLost = 5
	}
	if l.MaxClaims <= 0 {
		l.MaxClaims = 1000
	}
	if l.MaxSettle <= 0 {
		l.MaxSettle = 10
	}
	if l.Retry == (kit.Backoff{}) {
		l.Retry = kit.Backoff{Initial: 10 * time.Second}
	}
	if l.Settle == (kit.Backoff{}) {
		l.Settle = kit.Backoff{Max: 30 * time.Second}
	}
	return l
}

// verdict is what the queue shall be told of a claim.
type verdict struct {
	outcome Outcome       // Committed, Retry, Unavailable, Parked, Released or Superseded
	after   time.Duration // for Retry and Unavailable
	reason  string        // for Retry, Unavailable and Parked
}

// action is what the crash actor does next.
type action struct {
	kind    actionKind
	verdict verdict       // for settle
	wait    time.Duration // for wait
	outcome Outcome       // for end
}

type actionKind int

const (
	nothing  actionKind = iota
	work                // load, process, save
	settle              // tell the queue the verdict
	wait                // tell it again later
	endActor            // report the outcome and stop
)

type phase int

const (
	fresh phase = iota
	working
	settling
	ended
)

// machine is the life of one claim, without a mailbox: it takes events and
// says what to do. Events that come in the wrong phase are late and change nothing.
type machine struct {
	claim   socorro.Claim
	limits  Limits
	phase   phase
	verdict verdict
	tries   int // to settle, failed
}

func newMachine(claim socorro.Claim, limits Limits) *machine {
	return &machine{claim: claim, limits: limits.withDefaults()}
}

// begin decides before any work whether the crash is a poison: one that kills
// its processor leaves no error behind, only claims that ran out.
func (m *machine) begin() action {
	switch {
	case m.claim.Lost >= m.limits.MaxLost:
		return m.settle(verdict{outcome: Parked, reason: fmt.Sprintf(
			"processing ended %d times in a row with no answer (killed, hung or out of memory); not tried again", m.claim.Lost)})
	case m.claim.Attempt > m.limits.MaxClaims:
		return m.settle(verdict{outcome: Parked, reason: fmt.Sprintf("claimed %d times without success", m.claim.Attempt-1)})
	}
	m.phase = working
	return action{kind: work}
}

func (m *machine) settle(v verdict) action {
	m.phase, m.verdict = settling, v
	return action{kind: settle, verdict: v}
}

func (m *machine) end(o Outcome) action {
	m.phase = ended
	return action{kind: endActor, outcome: o}
}

// worked takes the end of the work; stage is where it ended.
func (m *machine) worked(stage Stage, err error) action {
	if m.phase != working {
		return action{}
	}
	v := m.judge(stage, err)
	if v.outcome == Superseded {
		return m.end(Superseded)
	}
	return m.settle(v)
}

// judge turns an error into a verdict.
func (m *machine) judge(stage Stage, err error) verdict {
	if err == nil {
		return verdict{outcome: Committed}
	}
	reason := fmt.Sprintf("%s: %v", stage, err)
	_, panicked := errors.AsType[*kit.PanicError](err)
	switch {
	case panicked:
		return m.fault(reason)
	case errors.Is(err, socorro.ErrConflict):
		return verdict{outcome: Superseded}
	case errors.Is(err, socorro.ErrUnavailable):
		return m.later(Unavailable, reason)
	case errors.Is(err, socorro.ErrNotFound), errors.Is(err, socorro.ErrInvalid), errors.Is(err, socorro.ErrRejected):
		return verdict{outcome: Parked, reason: reason}
	case stage != Processing:
		// Stores do not always know that they are down: a refused connection may
		// come as itself. Such a crash must not be parked for an outage.
		return m.later(Unavailable, reason)
	case errors.Is(err, kit.ErrHung), errors.Is(err, context.DeadlineExceeded):
		return m.fault(fmt.Sprintf("%s: took longer than its deadline: %v", stage, err))
	}
	return m.fault(reason)
}

// fault is for what may be the crash's own doing and so may come back for ever.
func (m *machine) fault(reason string) verdict {
	if m.claim.Attempt >= m.limits.MaxAttempts {
		return verdict{outcome: Parked, reason: fmt.Sprintf("try %d of %d: %s", m.claim.Attempt, m.limits.MaxAttempts, reason)}
	}
	return m.later(Retry, reason)
}

func (m *machine) later(o Outcome, reason string) verdict {
	return verdict{outcome: o, after: m.limits.Retry.Delay(max(m.claim.Attempt, 1), m.limits.Chance), reason: reason}
}

// settled takes the queue's reply to the verdict.
func (m *machine) settled(err error) action {
	if m.phase != settling {
		return action{}
	}
	switch {
	case err == nil:
		return m.end(m.verdict.outcome)
	case errors.Is(err, socorro.ErrConflict), errors.Is(err, socorro.ErrNotFound):
		return m.end(Superseded)
	}
	if m.tries++; m.tries >= m.limits.MaxSettle {
		return m.end(Failed)
	}
	return action{kind: wait, wait: m.limits.Settle.Delay(m.tries, m.limits.Chance)}
}

// again is the end of a wait.
func (m *machine) again() action {
	if m.phase != settling {
		return action{}
	}
	return action{kind: settle, verdict: m.verdict}
}

// lost is the end of the lease: whatever we would say now is refused.
func (m *machine) lost() action {
	if m.phase == ended {
		return action{}
	}
	return m.end(Superseded)
}

// giveBack releases the claim, unless its verdict is known already.
func (m *machine) giveBack() action {
	if m.phase != working && m.phase != fresh {
		return action{}
	}
	return m.settle(verdict{outcome: Released})
}
