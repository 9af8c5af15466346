package kit

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Supervisor decides what becomes of a child that panicked. The library has
// already taken the failing message out of the mailbox and would drop it:
//
//   - work given to a [Worker] is answered with the panic as its error, and the
//     child is restarted at once. It has nothing else to do until its parent
//     gives it work again, so there can be no storm of restarts.
//   - any other actor is restarted after Backoff, or stopped. Its message is
//     handed to Lost. Such an actor must find its state anew from the durable
//     truth in Started.
type Supervisor struct {
	Registry *Registry
	Log      *slog.Logger
	Backoff  Backoff                                             // Max also is how long a child must run well to be forgiven
	Chance   func() float64                                      // for the jitter; nil = none
	Stop     bool                                                // stop a child that panics instead of restarting it
	Lost     func(child *actor.PID, message any, panicked error) // may be nil; runs in the supervising actor
}

// answerable is work whose giver waits for an answer.
type answerable interface {
	answer(root *actor.RootContext, err error)
}

// HandleFailure implements protoactor's SupervisorStrategy.
func (s *Supervisor) HandleFailure(sys *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, stats *actor.RestartStatistics, reason, message any) {
	panicked := asPanic(reason)
	message = actor.UnwrapEnvelopeMessage(message)
	if work, ok := message.(answerable); ok {
		parent.RestartChildren(child)
		work.answer(sys.Root, panicked)
		return
	}
	if s.Lost != nil {
		s.Lost(child, message, panicked)
	}
	if s.Stop {
		s.Log.Error("actor panicked and was stopped", "actor", child.Id, "err", panicked, "stack", string(panicked.Stack))
		parent.StopChildren(child)
		return
	}
	if stats.NumberOfFailures(2*s.Backoff.withDefaults().Max) == 0 {
		stats.Reset()
	}
	stats.Fail()
	wait := s.Backoff.Delay(stats.FailureCount(), s.Chance)
	s.Log.Error("actor panicked", "actor", child.Id, "err", panicked, "restart_in", wait, "stack", string(panicked.Stack))
	if n := s.Registry.Node(child.Id); n != nil {
		n.suspend(true, time.Now().Add(wait))
	}
	time.AfterFunc(wait, func() { parent.RestartChildren(child) })
}
