package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofiber/fiber/v2"

	"socorro"
	"socorro/actors"
	"socorro/actors/crash"
	"socorro/actors/cron"
	"socorro/actors/dispatcher"
	"socorro/actors/kit"
	"socorro/http/api"
	"socorro/http/server"
	"socorro/http/web"
	"socorro/process"
	"socorro/storage/fs"
	"socorro/storage/sqlite"
)

// Names below the data directory.
const (
	crashDir    = "crashes"
	queueFile   = "queue.db"
	indexFile   = "index.db"
	downloadDir = "symbols"
	spoolDir    = "spool"
	receiptDir  = "receipts"
)

// Housekeeping.
const (
	sweepEvery = time.Minute
	sweepFirst = time.Minute // the start has just swept
	movers     = 4           // crashes brought from the spool to the crash store at the same time
)

// node is everything that one process runs.
type node struct {
	cfg    *Serve
	log    *slog.Logger
	app    *fiber.App
	engine *actors.Engine // nil without the roles processor and cron
	closes []io.Closer    // in the order in which they were opened
}

// parts are the stores and the tools that the roles share.
type parts struct {
	crashes *fs.Store
	queue   *sqlite.Queue
	index   *sqlite.Index
	metrics *instruments
	accept  *accepter
	landing *landing // nil without the role collector
}

// build opens the stores and wires every part of the roles. It reads from top
// to bottom in the order in which a crash meets the parts.
func (c *Serve) build(ctx context.Context, log *slog.Logger) (_ *node, err error) {
	n := &node{cfg: c, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	p, err := n.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.startEngine(ctx, p); err != nil {
		return nil, err
	}
	// What a kill left stored but not queued: before the first upload, for the logs' sake.
	if err := sweep(ctx, p.crashes, p.accept); err != nil {
		log.Error("stored crashes wait for the next sweep", "err", err)
	}
	return n, n.mount(p)
}

// open opens the stores.
func (n *node) open(ctx context.Context) (*parts, error) {
	c := n.cfg
	if err := os.MkdirAll(c.Data, 0o750); err != nil {
		return nil, err
	}
	p := &parts{metrics: newInstruments()}
	var err error
	if p.crashes, err = fs.Open(fs.Config{Root: filepath.Join(c.Data, crashDir)}); err != nil {
		return nil, err
	}
	if p.queue, err = sqlite.OpenQueue(ctx, filepath.Join(c.Data, queueFile), sqlite.QueueConfig{}); err != nil {
		return nil, err
	}
	n.closes = append(n.closes, p.queue)
	if p.index, err = sqlite.OpenIndex(ctx, filepath.Join(c.Data, indexFile)); err != nil {
		return nil, err
	}
	n.closes = append(n.closes, p.index)
	p.accept = &accepter{store: p.crashes, queue: p.queue, wake: n.wake, log: n.log}
	if !c.role("collector") {
		return p, nil
	}
	if p.landing, err = c.openLanding(p.accept, p.crashes.Incoming(), n.log); err != nil {
		return nil, err
	}
	n.closes = append(n.closes, p.landing)
	return p, nil
}

// wake tells the dispatcher, if this process has one; others find the crash at their sweep.
func (n *node) wake() {
	if n.engine != nil {
		n.engine.Wake()
	}
}

// actors lists the live actors of this process.
func (n *node) actors() []socorro.ActorStatus {
	if n.engine == nil {
		return nil
	}
	return n.engine.Actors()
}

func (n *node) startEngine(ctx context.Context, p *parts) error {
	c := n.cfg
	if !c.role("processor") && !c.role("cron") {
		return nil
	}
	cfg := actors.Config{
		Processor: c.role("processor"), Cron: c.role("cron"),
		Crash: crash.Config{Deadline: c.ProcessTimeout},
		Drain: c.ShutdownTimeout / 2,
	}
	deps := actors.Deps{
		Queue: p.queue, Outbox: p.queue, Crashes: p.crashes, Log: n.log, Metrics: p.metrics.actors(),
		Jobs: []cron.Job{{
			Name: "sweep-stored-crashes", Every: sweepEvery, First: sweepFirst,
			Run: func(ctx context.Context) error { return sweep(ctx, p.crashes, p.accept) },
		}},
	}
	if c.role("processor") {
		owner, err := takeOwner(c.Data)
		if err != nil {
			return err
		}
		n.closes = append(n.closes, owner)
		freed, err := p.queue.RecoverOwner(ctx, owner.name)
		if err != nil {
			return err
		}
		if freed > 0 {
			n.log.Info("took over the claims of a process that died", "count", freed, "owner", owner.name)
		}
		cfg.Dispatcher = dispatcher.Config{Owner: owner.name, Credits: c.processors()}
		if deps.Processor, err = c.processor(p, n.log); err != nil {
			return err
		}
		if deps.Destinations, err = c.destinations(p); err != nil {
			return err
		}
	}
	var err error
	n.engine, err = actors.Start(cfg, deps)
	return err
}

func (c *Serve) processors() int {
	if c.Processors > 0 {
		return c.Processors
	}
	return runtime.GOMAXPROCS(0)
}

// processor puts the rules together: stack walker with symbols, signatures with lists.
func (c *Serve) processor(p *parts, log *slog.Logger) (*process.Processor, error) {
	cache, err := symbolSuppliers(c.Symbols, filepath.Join(c.Data, downloadDir), c.SymbolCache)
	if err != nil {
		return nil, err
	}
	p.metrics.watch(func() (socorro.QueueDepth, error) { return p.queue.Depth(context.Background()) }, cache)
	signatures, err := c.generator()
	if err != nil {
		return nil, err
	}
	// As many crashes as CPUs are processed at once, so each is walked by one.
	walker := process.StackWalker{Symbols: cache, Threads: 1}
	return &process.Processor{Pipeline: process.Default(walker, signatures), Log: log}, nil
}

// destinations are where processed crashes are brought to.
func (c *Serve) destinations(p *parts) ([]actors.Destination, error) {
	named := []struct {
		name string
		to   destination
	}{{"index", signedIndex{p.index}}}
	if c.Telemetry != "" {
		telemetry, err := fs.OpenTelemetry(c.Telemetry)
		if err != nil {
			return nil, err
		}
		named = append(named, struct {
			name string
			to   destination
		}{"telemetry", telemetry})
	}
	plans := map[string]faultPlan{}
	for _, text := range c.InjectFaults {
		plan, err := parseFaults(text)
		if err != nil {
			return nil, usageError{err}
		}
		plans[plan.destination] = plan
	}
	var all []actors.Destination
	for _, d := range named {
		if plan, ok := plans[d.name]; ok {
			d.to = &faulty{destination: d.to, plan: plan}
			delete(plans, d.name)
		}
		policy := kit.Infinite(kit.Backoff{Initial: c.BackoffInitial, Max: c.BackoffMax})
		all = append(all, actors.Destination{Name: d.name, Destination: d.to, Policy: policy})
	}
	for name := range plans {
		return nil, usageError{fmt.Errorf("faults are ordered for %q, which is no destination of this server", name)}
	}
	return all, nil
}

// mount puts the HTTP parts of the roles on one app.
func (n *node) mount(p *parts) error {
	c := n.cfg
	app, err := server.New(server.Config{
		Version: map[string]string{"version": version, "commit": commit(), "source": "socorro", "build": runtime.Version()},
		Checks: []server.Check{
			{Name: "crash storage", Run: func(context.Context) error { return p.crashes.Healthy() }},
			{Name: "queue", Run: func(ctx context.Context) error { _, err := p.queue.Depth(ctx); return err }},
			{Name: "index", Run: func(ctx context.Context) error {
				_, err := p.index.Recent(ctx, socorro.CrashFilter{Limit: 1})
				return err
			}},
		},
		Log: n.log, Registry: p.metrics.registry,
	})
	if err != nil {
		return err
	}
	n.app = app
	if c.role("collector") {
		collector, err := c.collector(p, n.log)
		if err != nil {
			return err
		}
		collector.Register(app)
		collector.RegisterDebug(app, c.ProtectedData == "everybody", func(ctx *fiber.Ctx) (socorro.Balance, error) { return p.balance(ctx.UserContext()) })
		p.landing.start(movers)
	}
	if c.role("webapp") {
		return n.mountPages(p)
	}
	return nil
}

func (n *node) mountPages(p *parts) error {
	everybody := n.cfg.ProtectedData == "everybody"
	rest, err := api.New(api.Config{AllowRawDumps: everybody}, api.Deps{Crashes: onDemand{p.crashes, p.queue, n.wake}, Queue: p.queue, Actors: n.actors, Balance: p.balanceOrNil()})
	if err != nil {
		return err
	}
	signatures, err := n.cfg.generator()
	if err != nil {
		return err
	}
	api.NewCrashSignature(signer(signatures)).Register(n.app) // before the rest, which takes all of /api/
	rest.Register(n.app)
	pages := web.New(web.Config{
		Version: version, ShowProtected: everybody,
		ReleaseCommand: func(id socorro.CrashID) string {
			return fmt.Sprintf("socorro requeue --data %s %s", n.cfg.Data, id)
		},
		ReleaseAllCommand: "socorro parked --release --data " + n.cfg.Data,
	}, web.Deps{Crashes: onDemand{p.crashes, p.queue, n.wake}, Index: p.index, Queue: p.queue, Parked: p.queue, Actors: n.actors, Log: n.log})
	pages.Register(n.app)
	n.app.Use(pages.NotFound)
	return nil
}

// run serves until ctx ends, then drains: first the uploads and requests that
// run, then the engine, then the stores.
func (n *node) run(ctx context.Context, listener net.Listener) error {
	served := server.Serve(ctx, n.app, listener, n.cfg.ShutdownTimeout/3)
	n.log.Info("stopping")
	end, cancel := context.WithTimeout(context.Background(), n.cfg.ShutdownTimeout)
	defer cancel()
	var stopped error
	if n.engine != nil {
		stopped = n.engine.Stop(end)
	}
	if err := errors.Join(served, stopped, n.close()); err != nil {
		return err
	}
	n.log.Info("stopped")
	return nil
}

// close closes the stores, the last opened first.
func (n *node) close() error {
	var errs []error
	for i := len(n.closes) - 1; i >= 0; i-- {
		errs = append(errs, n.closes[i].Close())
	}
	n.closes = nil
	return errors.Join(errs...)
}
