// Package destination brings processed crashes to one destination (an index, an
// export) per actor. It drains the destination's own outbox, in order, with one
// write in flight; so a destination that is out delays no other and loses
// nothing, and its memory is a window of deliveries, however long the outbox is.
//
// The actor has two layers: the parent holds the window and the backoff, a
// worker child does the blocking write, and may panic or hang. What to do next
// is decided in machine, which knows no actors. Delivery is at least once.
package destination

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro/actors/kit"
)

// Config of one destination. Zero fields mean the defaults.
type Config struct {
	Name      string        // of the outbox and of the actor; required
	Policy    kit.Policy    // of saves that fail for now; zero = for ever, 1s, 2s … 5m
	Window    int           // deliveries held at most; 0 = 32
	ParkAfter int           // panics of one delivery before it is parked; 0 = 5
	Timeout   time.Duration // of one save, and of one call to the outbox; 0 = 60s
	Grace     time.Duration // how long a save may go on after that; 0 = 5s
	Sweep     time.Duration // how often the outbox is looked at without being woken; 0 = 5s
	LogEvery  time.Duration // wait_log_interval: how often a long wait is logged; 0 = 10s
	Chance    func() float64
}

func (c Config) withDefaults() Config {
	if c.Window <= 0 {
		c.Window = 32
	}
	if c.ParkAfter <= 0 {
		c.ParkAfter = 5
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Sweep <= 0 {
		c.Sweep = 5 * time.Second
	}
	if c.LogEvery <= 0 {
		c.LogEvery = 10 * time.Second
	}
	return c
}

// Deps is what a destination actor works with.
type Deps struct {
	Outbox     Outbox
	Crashes    Crashes
	Saver      Saver
	Bell       *kit.Bell // that rings for Wake
	Registry   *kit.Registry
	Supervisor *kit.Supervisor // of the worker
	Log        *slog.Logger
}

// Destination is the actor.
type Destination struct {
	cfg     Config
	deps    Deps
	log     *slog.Logger
	node    *kit.Node
	machine *machine
	worker  *kit.Worker[task, result]

	waitUntil time.Time
	lastErr   error
	finishing bool
	stopped   bool

	sweep, retry, logWait kit.Alarm
}

// Props describes the actor of one destination.
func Props(cfg Config, deps Deps) *actor.Props {
	cfg = cfg.withDefaults()
	return deps.Registry.Props("destination", func(n *kit.Node) actor.Actor { return newDestination(cfg, deps, n) },
		actor.WithSupervisor(deps.Supervisor))
}

func newDestination(cfg Config, deps Deps, node *kit.Node) *Destination {
	s := &steps{name: cfg.Name, window: cfg.Window, outbox: deps.Outbox, crashes: deps.Crashes, saver: deps.Saver}
	return &Destination{
		cfg: cfg, deps: deps, node: node,
		log:     deps.Log.With("destination", cfg.Name),
		machine: newMachine(cfg.Policy, cfg.ParkAfter, cfg.Chance),
		worker: kit.NewWorker(deps.Registry, kit.WorkerConfig{Kind: "destination worker", Timeout: cfg.Timeout, Grace: cfg.Grace},
			func(ctx context.Context, t task) (result, error) { return s.do(ctx, t) }),
	}
}

// Receive implements actor.Actor.
func (d *Destination) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		d.deps.Bell.Heard()
		d.machine.wake()
		d.sweep.Set(c, d.cfg.Sweep)
	case *actor.Stopping, *actor.Restarting:
		d.stop()
	case Wake:
		d.deps.Bell.Heard()
		d.machine.wake()
	case TryNow:
		d.machine.awake()
	case Finish:
		d.finishing = true
	default:
		switch {
		case d.sweep.Rang(m):
			d.machine.wake()
			d.sweep.Set(c, d.cfg.Sweep)
		case d.retry.Rang(m):
			d.machine.awake()
		case d.logWait.Rang(m):
			d.stillWaiting(c)
		default:
			if done, ok := d.worker.Result(c, m); ok {
				d.ended(done)
			}
		}
	}
	d.next(c)
}

func (d *Destination) stop() {
	d.worker.Stop()
	d.sweep.Cancel()
	d.retry.Cancel()
	d.logWait.Cancel()
	d.stopped = true
}

// ended passes a result to the machine.
func (d *Destination) ended(done kit.Done[task, result]) {
	t, err := done.In, done.Err
	if err != nil {
		d.lastErr = err
		d.node.Fault(err)
	}
	switch t.kind {
	case peek:
		d.machine.peeked(done.Out.found, err)
	case save:
		d.deps.Registry.Metrics().CountSave(d.cfg.Name, string(judge(err)), done.Took)
		d.machine.tried(err)
		d.logSave(done)
	case ack, park:
		d.machine.left(err)
	case fail:
		d.machine.noted(done.Out.failures, err)
	}
}

func (d *Destination) logSave(done kit.Done[task, result]) {
	id := string(done.In.delivery.ID)
	if done.Err == nil {
		d.log.Debug("crash delivered", "crash_id", id, "took", done.Took)
		return
	}
	attrs := []any{"crash_id", id, "stage", "save", "err", done.Err, "took", done.Took}
	if panicked, ok := errors.AsType[*kit.PanicError](done.Err); ok {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	switch d.machine.now.kind {
	case park:
		d.log.Error("delivery parked", attrs...)
	case fail:
		d.log.Warn("delivery will be tried again", append(attrs, "wait", d.machine.delay)...)
	default:
		d.log.Debug("newer result there already", attrs...)
	}
}

// next does what the machine says, one thing at a time.
func (d *Destination) next(c actor.Context) {
	if d.stopped || d.worker.Busy() {
		return
	}
	t := d.machine.now
	d.node.Step(t.kind.String())
	d.node.InFlight(len(d.machine.window))
	if d.finishing && t.kind != ack && t.kind != park { // what is done is still told to the outbox
		d.node.Step("finish")
		c.Poison(c.Self())
		return
	}
	if t.kind == wait {
		d.wait(c)
		return
	}
	if d.retry.IsSet() || d.logWait.IsSet() || !d.waitUntil.IsZero() {
		d.retry.Cancel()
		d.logWait.Cancel()
		d.waitUntil = time.Time{}
		d.node.Backoff(time.Time{})
	}
	if t.kind != idle {
		d.worker.Give(c, t)
	}
}

// wait starts the machine's wait, unless it is on already.
func (d *Destination) wait(c actor.Context) {
	if d.retry.IsSet() {
		return
	}
	delay := d.machine.delay
	d.waitUntil = time.Now().Add(delay)
	d.node.Backoff(d.waitUntil)
	d.retry.Set(c, delay)
	if delay > d.cfg.LogEvery {
		d.logWait.Set(c, d.cfg.LogEvery)
	}
}

func (d *Destination) stillWaiting(c actor.Context) {
	left := time.Until(d.waitUntil)
	d.log.Info("waiting for the destination", "wait", left.Round(time.Millisecond), "err", d.lastErr)
	if left > d.cfg.LogEvery {
		d.logWait.Set(c, d.cfg.LogEvery)
	}
}
