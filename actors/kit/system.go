package kit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
)

// NewSystem makes an actor system that logs to log. The library tells of each
// panic and dead letter at level info; that is demoted to debug, since our own
// supervisor logs what matters. Its default would be coloured text on stderr.
func NewSystem(log *slog.Logger) *actor.ActorSystem {
	quiet := slog.New(demoted{log.Handler()}).With("lib", "protoactor")
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return quiet }))
}

type demoted struct{ slog.Handler }

func demote(l slog.Level) slog.Level {
	if l == slog.LevelInfo {
		return slog.LevelDebug
	}
	return l
}

func (h demoted) Enabled(ctx context.Context, l slog.Level) bool {
	return h.Handler.Enabled(ctx, demote(l))
}

func (h demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = demote(r.Level)
	return h.Handler.Handle(ctx, r)
}

func (h demoted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoted{h.Handler.WithAttrs(attrs)}
}
func (h demoted) WithGroup(name string) slog.Handler { return demoted{h.Handler.WithGroup(name)} }

// lastResort is how long PoisonAndWait waits for a hard stop after its context ended.
const lastResort = time.Second

// PoisonAndWait ends a tracked actor after the messages it has queued, and
// returns when it and its children are gone. When ctx ends first the actor is
// stopped hard; if even that does not end it, because one of its workers hangs,
// the error wraps [socorro.ErrUnavailable] and names it. (The library's own
// PoisonFuture has a fixed limit of 10 s, and never returns for an actor that
// waits for its restart.)
func PoisonAndWait(ctx context.Context, sys *actor.ActorSystem, reg *Registry, pid *actor.PID) error {
	n := reg.Node(pid.Id)
	if n == nil {
		return nil
	}
	if n.isSuspended() {
		sys.Root.Stop(pid)
	} else {
		sys.Root.Poison(pid)
	}
	select {
	case <-n.done:
		return nil
	case <-ctx.Done():
	}
	sys.Root.Stop(pid)
	select {
	case <-n.done:
		return nil
	case <-time.After(lastResort):
		return fmt.Errorf("actors/kit: stop %s: work does not end (%s): %w: %w", pid.Id, n.Status().Step, context.Cause(ctx), socorro.ErrUnavailable)
	}
}
