package kit

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
)

// maxErrorText keeps one actor's last error from filling the page, bytes.
const maxErrorText = 1000

// Node is one live actor's entry in the [Registry]. The actor writes its state
// there, so that readers need not ask it. It survives restarts of the actor.
// Its methods may be called from any goroutine.
type Node struct {
	path     string
	kind     string
	started  time.Time
	mailbox  actor.Mailbox
	registry *Registry
	done     chan struct{} // closed when the actor has stopped

	handled  atomic.Uint64
	restarts atomic.Int64
	inFlight atomic.Int64
	ending   atomic.Bool // stops or restarts

	mu           sync.Mutex
	step         string
	backoffUntil time.Time
	suspended    bool // waits for its restart: takes no user message, not even Poison
	lastError    string
	lastErrorAt  time.Time
}

// Done is closed when the actor has stopped.
func (n *Node) Done() <-chan struct{} { return n.done }

// Step says in a word or two what the actor does now.
func (n *Node) Step(step string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.step = step
}

// InFlight says how much work the actor has handed out.
func (n *Node) InFlight(count int) { n.inFlight.Store(int64(count)) }

// Backoff says until when the actor waits; the zero time means that it goes on.
func (n *Node) Backoff(until time.Time) {
	n.mu.Lock()
	changed := !n.backoffUntil.Equal(until)
	n.backoffUntil = until
	n.mu.Unlock()
	if changed {
		var wait time.Duration
		if !until.IsZero() {
			wait = time.Until(until)
		}
		n.registry.metrics.ShowBackoff(n.path, wait)
	}
}

// Fault remembers err as the last one. It is shown, not logged.
func (n *Node) Fault(err error) {
	text := err.Error()
	if len(text) > maxErrorText {
		text = text[:maxErrorText] + "…"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lastError, n.lastErrorAt = text, time.Now()
}

func (n *Node) suspend(suspended bool, until time.Time) {
	n.mu.Lock()
	n.suspended = suspended
	n.mu.Unlock()
	n.Backoff(until)
}

func (n *Node) isSuspended() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.suspended
}

// Status is the actor as operators see it.
func (n *Node) Status() socorro.ActorStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	return socorro.ActorStatus{
		Path:         n.path,
		Kind:         n.kind,
		Mailbox:      n.mailbox.UserMessageCount(),
		Handled:      n.handled.Load(),
		Restarts:     int(n.restarts.Load()),
		LastError:    n.lastError,
		LastErrorAt:  n.lastErrorAt,
		BackoffUntil: n.backoffUntil,
		Step:         n.step,
		InFlight:     int(n.inFlight.Load()),
		Started:      n.started,
	}
}

// middleware sees every message of the actor: it counts, it captures the stack
// of a panic (the supervisor gets none), and it ends the entry with the actor.
func (n *Node) middleware(next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(c actor.ReceiverContext, envelope *actor.MessageEnvelope) {
		switch envelope.Message.(type) {
		case *actor.Stopped:
			defer n.registry.remove(n)
			defer n.swallow("stopped")
		case *actor.Stopping:
			n.ending.Store(true)
			defer n.swallow("stopping")
		case *actor.Restarting:
			n.ending.Store(true)
			defer n.swallow("restarting")
			n.restarts.Add(1)
			n.registry.metrics.CountRestart(n.kind)
		case *actor.Terminated:
			defer n.swallow("terminated")
		case *actor.Started:
			n.ending.Store(false)
			defer n.capture()
			n.suspend(false, time.Time{})
		case *actor.PoisonPill:
		default:
			if n.ending.Load() {
				// The library goes on delivering to an actor that waits for its
				// children to end. What it would start now could keep it for ever.
				return
			}
			n.handled.Add(1)
			defer n.capture()
		}
		next(c, envelope)
	}
}

func (n *Node) capture() {
	if v := recover(); v != nil {
		p := asPanic(v)
		n.Fault(p)
		panic(p)
	}
}

// swallow ends a panic in a lifecycle message. The library restarts an actor
// that panics in Stopping instead of stopping it, so that whoever waits for its
// end waits for ever; a panic in Terminated while stopping has the same effect.
func (n *Node) swallow(stage string) {
	if v := recover(); v != nil {
		p := asPanic(v)
		n.Fault(p)
		n.registry.log.Error("actor panicked in its lifecycle", "actor", n.path, "stage", stage, "err", p, "stack", string(p.Stack))
	}
}
