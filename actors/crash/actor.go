// Package crash processes one claimed crash per actor: load, process, save,
// commit, wake the destinations, end. The [Crew] is the parent of them all.
//
// A crash actor does no work itself. One child loads, processes and saves, and
// may block, panic or hang; another talks to the queue. So the actor can always
// be asked, cancelled and answered for. What to do next is decided in machine,
// which knows no actors.
//
// The dispatcher starts crash actors; nobody else talks to them.
package crash

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
	"socorro/actors/kit"
)

// Config is how crashes are processed. Zero fields mean the defaults.
type Config struct {
	Deadline     time.Duration // of the work on one crash: load, process, save; 0 = 10m
	StoreTimeout time.Duration // of each call to the store or the queue; 0 = 60s
	Grace        time.Duration // how long work may go on after it was cancelled; 0 = 5s
	Destinations []string      // whose outboxes get every processed crash
	Limits       Limits
}

func (c Config) withDefaults() Config {
	if c.Deadline <= 0 {
		c.Deadline = 10 * time.Minute
	}
	if c.StoreTimeout <= 0 {
		c.StoreTimeout = time.Minute
	}
	if c.Grace <= 0 {
		c.Grace = 5 * time.Second
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

// Deps is what crash actors work with.
type Deps struct {
	Crashes    Crashes
	Processor  Processor
	Queue      Queue
	Registry   *kit.Registry
	Supervisor *kit.Supervisor // of the crash actors' workers
	Log        *slog.Logger
	Report     func(message any) // brings Settled, Gone and Running to the dispatcher
	Wake       func()            // tells the destinations that there is something new; may be nil
}

var errGivenUp = errors.New("the claim was given up")

// process is one crash actor.
type process struct {
	cfg     Config
	deps    Deps
	node    *kit.Node
	claim   socorro.Claim
	began   time.Time
	machine *machine
	steps   *steps
	worker  *kit.Worker[socorro.Claim, struct{}]
	clerk   *kit.Worker[verdict, struct{}]
	again   kit.Alarm
}

func newProcess(cfg Config, deps Deps, claim socorro.Claim, node *kit.Node) *process {
	p := &process{cfg: cfg, deps: deps, node: node, claim: claim, began: time.Now(), machine: newMachine(claim, cfg.Limits)}
	p.steps = &steps{
		crashes: deps.Crashes, processor: deps.Processor, timeout: cfg.StoreTimeout,
		show: func(s Stage) { node.Step(s.String()) },
	}
	p.worker = kit.NewWorker(deps.Registry,
		kit.WorkerConfig{Name: "worker", Kind: "crash worker", Timeout: cfg.Deadline, Grace: cfg.Grace},
		func(ctx context.Context, c socorro.Claim) (struct{}, error) { return struct{}{}, p.steps.run(ctx, c) })
	p.clerk = kit.NewWorker(deps.Registry,
		kit.WorkerConfig{Name: "clerk", Kind: "crash clerk", Timeout: cfg.StoreTimeout, Grace: cfg.Grace},
		func(ctx context.Context, v verdict) (struct{}, error) {
			return struct{}{}, tell(ctx, deps.Queue, claim, v, cfg.Destinations)
		})
	return p
}

// Receive implements actor.Actor.
func (p *process) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		p.do(c, p.machine.begin())
	case *actor.Stopping, *actor.Restarting:
		p.worker.Stop()
		p.clerk.Stop()
		p.again.Cancel()
	case Lost:
		p.worker.Cancel(c, errGivenUp)
		p.do(c, p.machine.lost())
	case GiveBack:
		p.worker.Cancel(c, errGivenUp)
		p.do(c, p.machine.giveBack())
	default:
		if done, ok := p.worker.Result(c, m); ok {
			p.worked(c, done.Err)
		} else if done, ok := p.clerk.Result(c, m); ok {
			p.settled(c, done.Err)
		} else if p.again.Rang(m) {
			p.node.Backoff(time.Time{})
			p.do(c, p.machine.again())
		}
	}
}

func (p *process) worked(c actor.Context, err error) {
	stage := Stage(p.steps.stage.Load())
	if err != nil {
		p.node.Fault(err)
	}
	next := p.machine.worked(stage, err)
	if next.kind == nothing {
		return
	}
	if err != nil {
		p.log(stage, next, err)
	}
	p.do(c, next)
}

// log writes about work that failed. That is our fault when it panicked, the
// crash's when it is parked, and an outage's otherwise.
func (p *process) log(stage Stage, next action, err error) {
	attrs := []any{"crash_id", string(p.claim.ID), "stage", stage.String(), "attempt", p.claim.Attempt, "err", err, "took", time.Since(p.began)}
	if panicked, ok := errors.AsType[*kit.PanicError](err); ok {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	switch next.verdict.outcome {
	case Parked:
		p.deps.Log.Error("crash parked", attrs...)
	case Retry, Unavailable:
		p.deps.Log.Warn("crash will be tried again", append(attrs, "after", next.verdict.after)...)
	default:
		p.deps.Log.Warn("crash given up", attrs...)
	}
}

func (p *process) settled(c actor.Context, err error) {
	next := p.machine.settled(err)
	if err != nil && next.kind != nothing {
		p.node.Fault(err)
		p.deps.Log.Warn("queue did not take the answer", "crash_id", string(p.claim.ID), "stage", "settle", "err", err, "again_in", next.wait)
	}
	p.do(c, next)
}

// do carries out what the machine decided.
func (p *process) do(c actor.Context, a action) {
	switch a.kind {
	case work:
		p.worker.Give(c, p.claim)
	case settle:
		p.node.Step("settle: " + string(a.verdict.outcome))
		p.clerk.Give(c, a.verdict)
	case wait:
		p.node.Backoff(time.Now().Add(a.wait))
		p.again.Set(c, a.wait)
	case endActor:
		p.end(c, a.outcome)
	}
}

func (p *process) end(c actor.Context, o Outcome) {
	took := time.Since(p.began)
	if o == Committed {
		p.deps.Log.Info("crash processed", "crash_id", string(p.claim.ID), "attempt", p.claim.Attempt, "took", took)
		if p.deps.Wake != nil {
			p.deps.Wake()
		}
	}
	p.node.Step("ended: " + string(o))
	p.again.Cancel()
	p.deps.Registry.Metrics().CountCrash(string(o), took)
	p.deps.Report(Settled{Key: KeyOf(p.claim), Outcome: o, Took: took})
	c.Poison(c.Self())
}
