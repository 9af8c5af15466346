package kit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// ErrHung is the error of work that did not end at its deadline, nor in the
// grace after its context was cancelled. It may still be going on.
var ErrHung = errors.New("no answer within the deadline")

// WorkerConfig describes a [Worker].
type WorkerConfig struct {
	Name    string        // of the child actor; "" = "worker"
	Kind    string        // shown to operators, such as "destination worker"
	Timeout time.Duration // of each piece of work; its context ends then; 0 = none
	Grace   time.Duration // how long work may go on after its context ended; 0 = 5s
	MaxHung int           // hung children to leave behind before no new one is started; 0 = 3
}

// Worker is a parent's handle on a child actor that does one piece of work at a
// time. The parent gives work with Give and passes its messages through Result,
// until that returns the [Done] of the work: there always is exactly one.
//
// The work may block: the parent stays responsive. It may panic: the parent's
// [Supervisor] (which its props must have) restarts the child. It may hang even
// after its context ended: then the child is left behind, its late result is
// ignored, and the next work gets a new child.
type Worker[In, Out any] struct {
	cfg   WorkerConfig
	props *actor.Props
	do    func(context.Context, In) (Out, error)
	base  context.Context
	end   context.CancelCauseFunc

	child    *actor.PID
	spawned  int
	hung     map[string]bool
	epoch    uint64
	busy     bool
	stopped  bool
	in       In
	began    time.Time
	cancel   context.CancelCauseFunc
	deadline Alarm
}

// Done is the end of one piece of work.
type Done[In, Out any] struct {
	In   In
	Out  Out
	Err  error // a *PanicError when it panicked, ErrHung when it hung
	Took time.Duration

	worker *Worker[In, Out]
	epoch  uint64
}

// NewWorker makes the handle; the child is started when first needed. do runs in
// the child and must keep to its context.
func NewWorker[In, Out any](reg *Registry, cfg WorkerConfig, do func(context.Context, In) (Out, error)) *Worker[In, Out] {
	if cfg.Name == "" {
		cfg.Name = "worker"
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 5 * time.Second
	}
	if cfg.MaxHung <= 0 {
		cfg.MaxHung = 3
	}
	w := &Worker[In, Out]{cfg: cfg, do: do, hung: map[string]bool{}}
	w.base, w.end = context.WithCancelCause(context.Background())
	w.props = reg.Props(cfg.Kind, func(n *Node) actor.Actor { return &hands[In, Out]{node: n} })
	return w
}

// Busy reports whether work was given whose Done has not come yet.
func (w *Worker[In, Out]) Busy() bool { return w.busy }

// Give hands the child a piece of work. Giving while Busy is a bug and panics.
// After Stop it does nothing: a child started then would keep its parent from
// ending or restarting for ever, since the library waits for all children.
func (w *Worker[In, Out]) Give(c actor.Context, in In) {
	if w.stopped {
		return
	}
	if w.busy {
		panic("actors/kit: work given to a busy worker")
	}
	w.epoch++
	w.busy, w.in, w.began = true, in, time.Now()
	if w.child == nil {
		if err := w.hire(c); err != nil {
			c.Send(c.Self(), Done[In, Out]{In: in, Err: err, worker: w, epoch: w.epoch})
			return
		}
	}
	ctx := w.base
	if w.cfg.Timeout > 0 {
		// The timer is released by cancel, which every path calls.
		var release context.CancelFunc
		ctx, release = context.WithTimeoutCause(ctx, w.cfg.Timeout, context.DeadlineExceeded)
		ctx, w.cancel = context.WithCancelCause(ctx)
		context.AfterFunc(ctx, release)
		w.deadline.Set(c, w.cfg.Timeout+w.cfg.Grace)
	} else {
		ctx, w.cancel = context.WithCancelCause(ctx)
	}
	c.Send(w.child, &job[In, Out]{worker: w, epoch: w.epoch, ctx: ctx, in: in, from: c.Self(), began: w.began})
}

func (w *Worker[In, Out]) hire(c actor.Context) error {
	if len(w.hung) >= w.cfg.MaxHung {
		return fmt.Errorf("actors/kit: work for %s: %d earlier pieces of work hang: %w", c.Self().Id, len(w.hung), ErrHung)
	}
	name := w.cfg.Name
	if w.spawned++; w.spawned > 1 {
		name = fmt.Sprintf("%s-%d", name, w.spawned)
	}
	pid, err := c.SpawnNamed(w.props, name)
	if err != nil {
		return fmt.Errorf("actors/kit: start %s of %s: %w", name, c.Self().Id, err)
	}
	w.child = pid
	return nil
}

// Cancel ends the context of the work in hand. Its Done comes as usual, after
// Grace at the latest.
func (w *Worker[In, Out]) Cancel(c actor.Context, cause error) {
	if w.busy && w.cancel != nil {
		w.cancel(cause)
		w.deadline.Set(c, w.cfg.Grace)
	}
}

// Stop is for the parent's Stopping and Restarting: the work in hand is
// cancelled, and nothing more is heard of it. The library stops the child.
func (w *Worker[In, Out]) Stop() {
	w.deadline.Cancel()
	w.end(errors.New("its actor stops"))
	w.busy, w.stopped = false, true
	w.epoch++
}

// Result returns the Done of the work in hand if message is its end. A Done that
// it does not take for one is late: of work that was given up as hung, or that
// was given before the parent restarted.
func (w *Worker[In, Out]) Result(c actor.Context, message any) (Done[In, Out], bool) {
	switch m := message.(type) {
	case Done[In, Out]:
		if m.worker == w && m.epoch == w.epoch && w.busy {
			return w.finish(m), true
		}
	case ring:
		if w.deadline.Rang(m) && w.busy {
			w.hung[w.child.Id] = true
			c.Poison(w.child)
			w.child = nil
			return w.finish(Done[In, Out]{In: w.in, Err: ErrHung, Took: time.Since(w.began)}), true
		}
	case *actor.Terminated:
		delete(w.hung, m.Who.Id)
		if w.child != nil && w.child.Id == m.Who.Id {
			w.child = nil
			if w.busy {
				err := fmt.Errorf("actors/kit: %s ended before its work", m.Who.Id)
				return w.finish(Done[In, Out]{In: w.in, Err: err, Took: time.Since(w.began)}), true
			}
		}
	}
	return Done[In, Out]{}, false
}

func (w *Worker[In, Out]) finish(d Done[In, Out]) Done[In, Out] {
	w.deadline.Cancel()
	if w.cancel != nil {
		w.cancel(nil)
		w.cancel = nil
	}
	w.busy = false
	return d
}

// job is sent by a Worker to its hands; answered with Done.
type job[In, Out any] struct {
	worker *Worker[In, Out]
	epoch  uint64
	ctx    context.Context
	in     In
	from   *actor.PID
	began  time.Time
}

func (j *job[In, Out]) done(out Out, err error) Done[In, Out] {
	return Done[In, Out]{In: j.in, Out: out, Err: err, Took: time.Since(j.began), worker: j.worker, epoch: j.epoch}
}

func (j *job[In, Out]) answer(root *actor.RootContext, err error) {
	var nothing Out
	root.Send(j.from, j.done(nothing, err))
}

// hands is the child actor.
type hands[In, Out any] struct{ node *Node }

func (h *hands[In, Out]) Receive(c actor.Context) {
	j, ok := c.Message().(*job[In, Out])
	if !ok {
		return
	}
	if j.ctx.Err() != nil { // cancelled while it waited
		j.answer(c.ActorSystem().Root, context.Cause(j.ctx))
		return
	}
	h.node.InFlight(1)
	defer h.node.InFlight(0)
	out, err := j.worker.do(j.ctx, j.in)
	c.Send(j.from, j.done(out, err))
}
