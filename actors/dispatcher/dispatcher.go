// Package dispatcher claims crashes from the queue and starts a crash actor for
// each, never more at a time than it has credits. It renews their leases, has
// the work of lost ones cancelled, and on the way out lets the running finish
// or gives them back. It never touches a crash itself.
//
// Waking it is a hint only: a sweep finds what a lost wake-up missed.
package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
	"socorro/actors/crash"
	"socorro/actors/kit"
)

// Queue is what the dispatcher needs of the queue.
type Queue interface {
	// Claim leases up to max crashes that wait, or whose lease has run out, in the order of their lanes.
	Claim(ctx context.Context, owner string, max int, lease time.Duration) ([]socorro.Claim, error)
	// Extend lets the leases of claims end a lease from now. It returns the
	// crashes whose claim is no longer valid.
	Extend(ctx context.Context, claims []socorro.Claim, lease time.Duration) ([]socorro.CrashID, error)
	// Release gives a crash back as it was.
	Release(ctx context.Context, c socorro.Claim) error
}

// Config of the dispatcher. Zero fields mean the defaults.
type Config struct {
	Owner   string        // names this process in the queue; required
	Credits int           // crashes in flight at most; 0 = 8
	Lease   time.Duration // of a claim; renewed every third of it; 0 = 2m
	Sweep   time.Duration // how often the queue is looked at without being woken; 0 = 5s
	Timeout time.Duration // of each call to the queue; 0 = 30s
	Backoff kit.Backoff   // while the queue or the stores are out; zero = 1s, 2s … 1m
	Chance  func() float64
}

func (c Config) withDefaults() Config {
	if c.Credits <= 0 {
		c.Credits = 8
	}
	if c.Lease <= 0 {
		c.Lease = 2 * time.Minute
	}
	if c.Sweep <= 0 {
		c.Sweep = 5 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Backoff == (kit.Backoff{}) {
		c.Backoff = kit.Backoff{Max: time.Minute}
	}
	return c
}

// Deps is what the dispatcher works with.
type Deps struct {
	Queue      Queue
	Crew       func(message any) // brings crash.Start, Lost, GiveBack and Census to the crew
	Bell       *kit.Bell         // that rings for Wake
	Registry   *kit.Registry
	Supervisor *kit.Supervisor // of the dispatcher's workers
	Log        *slog.Logger
}

// order is work for the claimer: to give some claims back, and to get others.
type order struct {
	release []socorro.Claim
	max     int
}

// Dispatcher is the actor.
type Dispatcher struct {
	cfg     Config
	deps    Deps
	node    *kit.Node
	book    *book
	breaker breaker

	claimer *kit.Worker[order, []socorro.Claim]
	keeper  *kit.Worker[[]socorro.Claim, []socorro.CrashID]

	known    bool            // what runs; not before the crew has told
	more     bool            // the queue may have more than we took
	release  []socorro.Claim // claims we may not keep
	failures int             // of the queue, in a row
	drain    *Drain
	drained  bool

	sweep, resume, renew, giveBack kit.Alarm
}

// Props describes the dispatcher.
func Props(cfg Config, deps Deps) *actor.Props {
	cfg = cfg.withDefaults()
	return deps.Registry.Props("dispatcher", func(n *kit.Node) actor.Actor { return newDispatcher(cfg, deps, n) },
		actor.WithSupervisor(deps.Supervisor))
}

func newDispatcher(cfg Config, deps Deps, node *kit.Node) *Dispatcher {
	d := &Dispatcher{cfg: cfg, deps: deps, node: node, book: newBook(cfg.Credits), breaker: breaker{limit: 3}}
	d.claimer = kit.NewWorker(deps.Registry,
		kit.WorkerConfig{Name: "claimer", Kind: "dispatcher worker", Timeout: cfg.Timeout},
		func(ctx context.Context, o order) ([]socorro.Claim, error) { return claim(ctx, deps.Queue, cfg, o) })
	d.keeper = kit.NewWorker(deps.Registry,
		kit.WorkerConfig{Name: "keeper", Kind: "dispatcher worker", Timeout: min(cfg.Timeout, cfg.Lease/3), Grace: cfg.Lease / 9},
		func(ctx context.Context, claims []socorro.Claim) ([]socorro.CrashID, error) {
			return deps.Queue.Extend(ctx, claims, cfg.Lease)
		})
	return d
}

// claim runs in the claimer. Claims that came in spite of an error are returned with it.
func claim(ctx context.Context, q Queue, cfg Config, o order) ([]socorro.Claim, error) {
	for _, c := range o.release {
		// A claim that is not ours any more needs no release.
		if err := q.Release(ctx, c); err != nil && !errors.Is(err, socorro.ErrConflict) && !errors.Is(err, socorro.ErrNotFound) {
			return nil, fmt.Errorf("actors/dispatcher: release %s: %w", c.ID, err)
		}
	}
	if o.max == 0 {
		return nil, nil
	}
	claims, err := q.Claim(ctx, cfg.Owner, o.max, cfg.Lease)
	if err != nil {
		return claims, fmt.Errorf("actors/dispatcher: claim up to %d crashes: %w", o.max, err)
	}
	return claims, nil
}

// Receive implements actor.Actor.
func (d *Dispatcher) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		// After a restart crash actors may run that we know nothing of.
		d.deps.Crew(crash.Census{})
		d.deps.Bell.Heard()
		d.more = true
		d.sweep.Set(c, d.cfg.Sweep)
		d.renew.Set(c, d.cfg.Lease/3)
	case *actor.Stopping, *actor.Restarting:
		d.stop()
	case Wake:
		d.deps.Bell.Heard()
		d.more = true
	case crash.Running:
		d.book.take(m.Claims, time.Now().Add(d.cfg.Lease/2)) // we cannot know better; the next renewal will
		d.known = true
	case crash.Settled:
		d.settled(c, m)
	case crash.Gone:
		if d.book.gone(m.Key) {
			d.deps.Log.Error("crash actor ended without an answer", "crash_id", string(m.Key.ID))
		}
	case Drain:
		d.drain = &m
		d.giveBack.Set(c, m.Within)
	default:
		d.other(c, m)
	}
	d.next(c)
}

func (d *Dispatcher) stop() {
	d.claimer.Stop()
	d.keeper.Stop()
	for _, a := range []*kit.Alarm{&d.sweep, &d.resume, &d.renew, &d.giveBack} {
		a.Cancel()
	}
	d.known = false
}

func (d *Dispatcher) other(c actor.Context, message any) {
	if done, ok := d.claimer.Result(c, message); ok {
		d.claimed(c, done)
		return
	}
	if done, ok := d.keeper.Result(c, message); ok {
		d.kept(done)
		return
	}
	if late, ok := message.(kit.Done[order, []socorro.Claim]); ok {
		// Of a claimer that hung, or of the time before a restart. The leases are
		// ours all the same, and would count as lost if they ran out.
		d.release = append(d.release, late.Out...)
		return
	}
	switch {
	case d.sweep.Rang(message):
		d.more = true
		d.sweep.Set(c, d.cfg.Sweep)
		if !d.known { // the crew was not there, or has lost the question in a restart
			d.deps.Crew(crash.Census{})
		}
	case d.renew.Rang(message):
		d.renew.Set(c, d.cfg.Lease/3)
		d.tellLost(d.book.expired(time.Now()))
		if claims := d.book.renewable(); len(claims) > 0 && !d.keeper.Busy() {
			d.keeper.Give(c, claims)
		}
	case d.resume.Rang(message):
		d.more = true
		d.node.Backoff(time.Time{})
	case d.giveBack.Rang(message):
		d.deps.Crew(crash.GiveBack{})
	}
}

// next claims if there is reason and room to, and ends the drain if it is over.
func (d *Dispatcher) next(c actor.Context) {
	free, busy := d.book.free(), len(d.book.open)
	d.node.InFlight(busy)
	d.node.Step(d.step())
	d.deps.Registry.Metrics().ShowCredits(free, d.cfg.Credits)
	if d.claimer.Busy() || !d.known {
		return
	}
	o := order{release: d.release}
	if d.drain == nil && d.more && !d.resume.IsSet() {
		o.max = d.breaker.allow(free, busy)
	}
	switch {
	case o.max > 0 || len(o.release) > 0 && !d.resume.IsSet():
		d.release = nil
		d.more = d.more && o.max == 0
		d.claimer.Give(c, o)
	case d.drain != nil && busy == 0 && !d.drained:
		d.drained = true
		close(d.drain.Done)
	}
}

func (d *Dispatcher) step() string {
	switch {
	case d.drain != nil:
		return "drain"
	case d.resume.IsSet():
		return "wait: store or queue unavailable"
	case d.book.free() == 0:
		return "busy: no credits left"
	case d.claimer.Busy():
		return "claim"
	}
	return "idle"
}

func (d *Dispatcher) claimed(c actor.Context, done kit.Done[order, []socorro.Claim]) {
	switch {
	case done.Err != nil:
		d.release = append(d.release, done.Out...)
		d.release = append(d.release, done.In.release...)
		d.failures++
		d.pause(c, d.failures, done.Err)
		return
	case d.drain != nil:
		d.release = append(d.release, done.Out...)
		return
	}
	d.failures = 0
	// The lease began when the queue worked on our request, at the earliest when
	// we sent it. Our own clock measures it: the queue's may be minutes off.
	until := time.Now().Add(d.cfg.Lease - done.Took)
	added := d.book.take(done.Out, until)
	for _, claim := range added {
		d.deps.Crew(crash.Start{Claim: claim})
	}
	// A full answer means that there may be more.
	d.more = d.more || done.In.max > 0 && len(done.Out) >= done.In.max
}

// pause stops claiming for a while.
func (d *Dispatcher) pause(c actor.Context, failures int, err error) {
	wait := d.cfg.Backoff.Delay(failures, d.cfg.Chance)
	d.node.Fault(err)
	d.node.Backoff(time.Now().Add(wait))
	d.resume.Set(c, wait)
	d.deps.Log.Warn("claiming pauses", "stage", "claim", "err", err, "wait", wait, "failures", failures)
}

func (d *Dispatcher) settled(c actor.Context, m crash.Settled) {
	if !d.book.settled(m.Key) {
		return
	}
	if d.breaker.note(m.Outcome, d.resume.IsSet()) {
		d.pause(c, d.breaker.failures, fmt.Errorf("actors/dispatcher: %d crashes in a row met an outage, the last %s: %w",
			d.breaker.outages, m.Key.ID, socorro.ErrUnavailable))
	}
}

func (d *Dispatcher) kept(done kit.Done[[]socorro.Claim, []socorro.CrashID]) {
	if done.Err != nil {
		d.node.Fault(done.Err)
		d.deps.Log.Warn("leases not renewed", "stage", "renew", "err", done.Err, "claims", len(done.In))
	} else {
		d.tellLost(d.book.lose(done.In, done.Out))
		d.book.renewed(done.In, time.Now().Add(d.cfg.Lease-done.Took))
	}
	d.tellLost(d.book.expired(time.Now()))
}

func (d *Dispatcher) tellLost(keys []crash.Key) {
	for _, key := range keys {
		d.deps.Log.Warn("lease lost, work cancelled", "crash_id", string(key.ID), "epoch", key.Epoch)
		d.deps.Crew(crash.Lost{Key: key})
	}
}
