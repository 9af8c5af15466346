package destination

import (
	"context"
	"errors"
	"fmt"
	"time"

	"socorro"
	"socorro/actors/kit"
)

// task is one thing for the worker to do with the outbox or the destination.
type task struct {
	kind     taskKind
	delivery socorro.Delivery // for all but peek
	reason   string           // for fail and park
}

type taskKind int

const (
	idle taskKind = iota // nothing to do until woken
	wait                 // nothing to do until the wait is over
	peek                 // look for deliveries
	save                 // bring the head to the destination
	ack                  // the head arrived
	fail                 // note in the outbox that the head did not arrive
	park                 // the head shall not be tried again
)

func (k taskKind) String() string {
	return [...]string{"idle", "wait", "peek", "save", "ack", "note failure", "park"}[k]
}

// verdict is what an error of a save means.
type verdict string

const (
	saved     verdict = "saved"
	retry     verdict = "retry"     // the destination is out, or does not say what is wrong
	suspect   verdict = "suspect"   // perhaps this very crash does it: it may not block the others for ever
	permanent verdict = "permanent" // it will never work
)

// errStale means that the crash store has an older result than was committed.
var errStale = errors.New("the crash store has an older result than the one to deliver")

func judge(err error) verdict {
	_, panicked := errors.AsType[*kit.PanicError](err)
	switch {
	case err == nil:
		return saved
	case panicked, errors.Is(err, errStale):
		return suspect
	case errors.Is(err, socorro.ErrConflict):
		return saved // the destination has a newer result of this crash already
	case errors.Is(err, socorro.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, kit.ErrHung):
		return retry
	case errors.Is(err, socorro.ErrInvalid), errors.Is(err, socorro.ErrNotFound), errors.Is(err, socorro.ErrRejected):
		return permanent
	}
	return retry
}

// machine is a destination's window on its outbox, without a mailbox. It names
// one task at a time and takes its result; the head of the window stays the
// head until it is acked or parked, so the order is kept and nothing is lost.
type machine struct {
	policy    kit.Policy
	chance    func() float64
	parkAfter int // suspect failures of one delivery

	window   []socorro.Delivery // the head is what is being delivered
	now      task               // handed out, or about to be
	more     bool               // the outbox may have deliveries
	failures int                // of the task, in a row
	suspects int                // suspect failures of the head
	delay    time.Duration      // for wait
	after    task               // what to do when the wait is over
}

func newMachine(p kit.Policy, parkAfter int, chance func() float64) *machine {
	return &machine{policy: p, parkAfter: parkAfter, chance: chance}
}

// wake notes that the outbox may have something. It does not end a wait: a
// destination that is out would otherwise be tried with every new crash.
func (m *machine) wake() {
	m.more = true
	if m.now.kind == idle {
		m.now = task{kind: peek}
	}
}

// awake ends a wait.
func (m *machine) awake() {
	if m.now.kind == wait {
		m.now, m.after, m.delay = m.after, task{}, 0
	}
}

// peeked takes what the outbox has, in order.
func (m *machine) peeked(found []socorro.Delivery, err error) {
	if err != nil {
		m.backoff(task{kind: peek})
		return
	}
	m.failures = 0
	m.window, m.more = found, len(found) > 0
	m.head()
}

// head goes on with the first of the window, or looks for more.
func (m *machine) head() {
	m.failures, m.suspects = 0, 0
	switch {
	case len(m.window) > 0:
		m.now = task{kind: save, delivery: m.window[0]}
		if m.policy.Ends() {
			m.failures = m.window[0].Attempt // a policy that ends counts over restarts
		}
	case m.more:
		m.now = task{kind: peek}
	default:
		m.now = task{kind: idle}
	}
}

// tried takes the end of a save.
func (m *machine) tried(err error) {
	d := m.now.delivery
	v := judge(err)
	if v == saved {
		m.failures = 0
		m.now = task{kind: ack, delivery: d}
		return
	}
	m.failures++
	m.now = task{kind: fail, delivery: d, reason: err.Error()}
	if v == permanent {
		m.now.kind = park
		return
	}
	if v == suspect {
		m.suspects++
	}
	if m.suspects >= m.parkAfter {
		m.now.kind, m.now.reason = park, fmt.Sprintf("failed %d times like this: %v", m.suspects, err)
		return
	}
	delay, again := m.policy.Next(m.failures, m.chance)
	if !again {
		m.now.kind, m.now.reason = park, fmt.Sprintf("failed %d times, the last with: %v", m.failures, err)
		return
	}
	m.delay = delay
}

// noted takes the end of a fail task. That the outbox could not note the
// failure changes nothing: the delivery still is there.
func (m *machine) noted(failures int, err error) {
	if err == nil && m.policy.Ends() {
		m.failures = max(m.failures, failures)
	}
	m.after = task{kind: save, delivery: m.now.delivery}
	m.now = task{kind: wait}
}

// left takes the end of an ack or a park. When it failed, only that is done
// again, not the save.
func (m *machine) left(err error) {
	if err != nil && !errors.Is(err, socorro.ErrNotFound) { // not found: somebody acked or parked it for us
		m.backoff(m.now)
		return
	}
	m.window = m.window[1:]
	m.head()
}

// backoff does t again later. The outbox is ours: it is waited for whatever the policy.
func (m *machine) backoff(t task) {
	m.failures++
	m.delay = kit.Backoff{Max: time.Minute}.Delay(m.failures, m.chance)
	m.after = t
	m.now = task{kind: wait}
}
