// Package actors runs the processing engine: the tree of actors that claims
// crashes, processes them and brings them to every destination, and that runs
// the cron jobs.
//
//	engine                              the only root actor
//	 ├ dispatcher                       credits, claims, leases, sweep
//	 ├ crashes / <crash id>             one per claimed crash; ends itself
//	 ├ destinations / <name> / worker   outbox window, one write in flight, backoff
//	 └ cron / <job> / worker            one per job
//
// The truth is in the queue and in the outboxes, never in a mailbox: any actor,
// or the whole process, may be killed at any time and nothing is lost. What the
// actors need of the world are the small interfaces in [Deps].
package actors

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
	"socorro/actors/crash"
	"socorro/actors/cron"
	"socorro/actors/destination"
	"socorro/actors/dispatcher"
	"socorro/actors/kit"
	"socorro/actors/status"
)

// Paths of the actors that others send to.
const (
	rootPath         = "engine"
	dispatcherPath   = rootPath + "/dispatcher"
	crashesPath      = rootPath + "/crashes"
	destinationsPath = rootPath + "/destinations"
	cronPath         = rootPath + "/cron"
)

// Engine is a running tree of actors.
type Engine struct {
	cfg  Config
	deps Deps
	sys  *actor.ActorSystem
	reg  *kit.Registry
	sup  *kit.Supervisor

	wake    *kit.Bell            // for the dispatcher
	bells   map[string]*kit.Bell // for each destination
	records []*cron.Record       // one for each job

	stop sync.Once
	err  error // of Stop
}

// Start starts the actors of the chosen roles. The error wraps
// [socorro.ErrInvalid] and says what is missing or wrong.
func Start(cfg Config, deps Deps) (*Engine, error) {
	if err := check(cfg, deps); err != nil {
		return nil, err
	}
	deps = deps.withDefaults()
	e := &Engine{cfg: cfg.withDefaults(deps), deps: deps, bells: map[string]*kit.Bell{}}
	e.sys = kit.NewSystem(deps.Log)
	e.reg = kit.NewRegistry(deps.Log, deps.Metrics)
	e.sup = &kit.Supervisor{Registry: e.reg, Log: deps.Log, Backoff: e.cfg.Restart, Chance: deps.Chance, Lost: e.lost}
	if e.cfg.Dispatcher.Owner == "" {
		e.cfg.Dispatcher.Owner = e.sys.ID
	}
	e.cfg.Dispatcher.Chance = deps.Chance
	e.cfg.Crash.Limits.Chance = deps.Chance
	e.wake = kit.NewBell(func() { e.send(dispatcherPath, dispatcher.Wake{}) })
	for _, d := range deps.Destinations {
		path := destinationsPath + "/" + d.Name
		e.bells[d.Name] = kit.NewBell(func() { e.send(path, destination.Wake{}) })
	}
	for range deps.Jobs {
		e.records = append(e.records, &cron.Record{})
	}
	if _, err := e.sys.Root.SpawnNamed(e.root(), rootPath); err != nil {
		return nil, fmt.Errorf("actors: start engine: %w", err)
	}
	return e, nil
}

func (e *Engine) pid(path string) *actor.PID { return e.sys.NewLocalPID(path) }

func (e *Engine) send(path string, message any) { e.sys.Root.Send(e.pid(path), message) }

// named is a child to spawn.
type named struct {
	name  string
	props *actor.Props
}

// parent describes an actor that only has children, and supervises them.
func (e *Engine) parent(kind string, children func() []named) *actor.Props {
	return e.reg.Props(kind, func(*kit.Node) actor.Actor {
		return actor.ReceiveFunc(func(c actor.Context) {
			if _, ok := c.Message().(*actor.Started); !ok {
				return
			}
			for _, child := range children() {
				if _, err := c.SpawnNamed(child.props, child.name); err != nil {
					panic(fmt.Errorf("actors: start %s/%s: %w", c.Self().Id, child.name, err))
				}
			}
		})
	}, actor.WithSupervisor(e.sup))
}

func (e *Engine) root() *actor.Props {
	return e.parent("engine", func() []named {
		var tree []named
		if e.cfg.Processor {
			tree = append(tree,
				named{"destinations", e.parent("destinations", e.destinations)},
				named{"crashes", e.crashes()},
				named{"dispatcher", e.dispatcher()}) // after the crew, which it asks what is running
		}
		if e.cfg.Cron {
			tree = append(tree, named{"cron", e.parent("cron", e.jobs)})
		}
		return tree
	})
}

func (e *Engine) dispatcher() *actor.Props {
	return dispatcher.Props(e.cfg.Dispatcher, dispatcher.Deps{
		Queue: e.deps.Queue, Crew: func(m any) { e.send(crashesPath, m) }, Bell: e.wake,
		Registry: e.reg, Supervisor: e.sup, Log: e.deps.Log,
	})
}

func (e *Engine) crashes() *actor.Props {
	return crash.Props(e.cfg.Crash, crash.Deps{
		Crashes: e.deps.Crashes, Processor: e.deps.Processor, Queue: e.deps.Queue,
		Registry: e.reg, Supervisor: e.sup, Log: e.deps.Log,
		Report: func(m any) { e.send(dispatcherPath, m) }, Wake: e.wakeDestinations,
	})
}

func (e *Engine) destinations() []named {
	var all []named
	common := e.cfg.Destination
	for _, d := range e.deps.Destinations {
		all = append(all, named{d.Name, destination.Props(destination.Config{
			Name: d.Name, Policy: d.Policy, Window: common.Window, ParkAfter: common.ParkAfter, Timeout: common.Timeout,
			Grace: common.Grace, Sweep: common.Sweep, LogEvery: common.LogEvery, Chance: e.deps.Chance,
		}, destination.Deps{
			Outbox: e.deps.Outbox, Crashes: e.deps.Crashes, Saver: d.Destination, Bell: e.bells[d.Name],
			Registry: e.reg, Supervisor: e.sup, Log: e.deps.Log,
		})})
	}
	return all
}

func (e *Engine) jobs() []named {
	var all []named
	for i, job := range e.deps.Jobs {
		props := cron.Props(job, cron.Deps{Registry: e.reg, Supervisor: e.sup, Log: e.deps.Log, Record: e.records[i]})
		all = append(all, named{job.Name, props})
	}
	return all
}

// lost takes the message that made an actor panic. All of them can be had again
// from the queue or the outbox but one: a claim on its way to the crew, whose
// credit would never come back.
func (e *Engine) lost(_ *actor.PID, message any, _ error) {
	if start, ok := message.(crash.Start); ok {
		e.send(dispatcherPath, crash.Gone{Key: crash.KeyOf(start.Claim)})
	}
}

// Wake says that the queue has something new. It is cheap and may be called for
// every crash; a call too few only costs the time of a sweep.
func (e *Engine) Wake() {
	if e.cfg.Processor {
		e.wake.Ring()
	}
}

func (e *Engine) wakeDestinations() {
	for _, bell := range e.bells {
		bell.Ring()
	}
}

// TryNow ends a destination's wait after a failure. The error wraps
// [socorro.ErrNotFound] when there is no such destination.
func (e *Engine) TryNow(name string) error {
	if e.bells[name] == nil || !e.cfg.Processor {
		return fmt.Errorf("actors: try destination %q now: %w", name, socorro.ErrNotFound)
	}
	e.send(destinationsPath+"/"+name, destination.TryNow{})
	return nil
}

// Actors is a snapshot of the live actors, in the order of their paths. When
// there are more than MaxShown, only the busiest crash actors are in it.
func (e *Engine) Actors() []socorro.ActorStatus { return status.List(e.reg.Statuses(), e.cfg.MaxShown) }

// Jobs is what each job of the cron role did and will do, in the order of Deps.
func (e *Engine) Jobs() []cron.Status {
	if !e.cfg.Cron {
		return nil
	}
	all := make([]cron.Status, len(e.records))
	for i, r := range e.records {
		all[i] = r.Status()
		all[i].Name, all[i].Every = e.deps.Jobs[i].Name, e.deps.Jobs[i].Every
	}
	return all
}

// Stop ends the actors: nothing new is claimed, running crashes end or are given
// back, writes to the destinations in hand end, jobs are cancelled. It returns
// when all are gone, or soon after ctx ended: then the error wraps
// [socorro.ErrUnavailable] and names what still hangs. Nothing is lost either
// way. A second call returns what the first did.
func (e *Engine) Stop(ctx context.Context) error {
	e.stop.Do(func() { e.err = e.shutdown(ctx) })
	return e.err
}

func (e *Engine) shutdown(ctx context.Context) error {
	var errs []error
	end := func(path string) {
		if err := kit.PoisonAndWait(ctx, e.sys, e.reg, e.pid(path)); err != nil {
			errs = append(errs, err)
		}
	}
	if e.cfg.Processor {
		e.drain(ctx)
		end(crashesPath) // before the dispatcher, which hears of their ends
		end(dispatcherPath)
		for _, d := range e.deps.Destinations {
			e.send(destinationsPath+"/"+d.Name, destination.Finish{})
		}
		e.await(ctx, destinationsPath, len(e.deps.Destinations), func(i int) string { return e.deps.Destinations[i].Name })
		end(destinationsPath)
	}
	if e.cfg.Cron {
		for _, job := range e.deps.Jobs {
			e.send(cronPath+"/"+job.Name, cron.Finish{})
		}
		e.await(ctx, cronPath, len(e.deps.Jobs), func(i int) string { return e.deps.Jobs[i].Name })
		end(cronPath)
	}
	end(rootPath)
	e.sys.Shutdown()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("actors: stop engine: %w", err)
	}
	return nil
}

// queueTime is how long the queue has at the end of a drain to take the answers.
const queueTime = 30 * time.Second

// drain lets the claimed crashes end. They have at most half of what is left of
// ctx before they are given back, so that there is time for that.
func (e *Engine) drain(ctx context.Context) {
	within := e.cfg.Drain
	if deadline, ok := ctx.Deadline(); ok {
		within = max(0, min(within, time.Until(deadline)/2))
	}
	ctx, cancel := context.WithTimeout(ctx, within+queueTime)
	defer cancel()
	done := make(chan struct{})
	e.send(dispatcherPath, dispatcher.Drain{Within: within, Done: done})
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// await waits until so many children of parent are gone, or ctx ended.
func (e *Engine) await(ctx context.Context, parent string, count int, name func(int) string) {
	for i := range count {
		n := e.reg.Node(parent + "/" + name(i))
		if n == nil {
			continue
		}
		select {
		case <-n.Done():
		case <-ctx.Done():
			return
		}
	}
}
