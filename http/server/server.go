// Package server makes the Fiber app that the collector, the API and the pages
// register with: limits, timeouts, middleware, error answers, health and version
// endpoints, and a graceful end. It knows nothing of crashes.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// Check tells whether something that the program needs works. It should answer
// within a few seconds and obey the context.
type Check struct {
	Name string // "queue"
	Run  func(context.Context) error
}

// Config describes the server. The zero value of each field means its default.
type Config struct {
	Name    string // Server header; default "socorro"
	Version any    // what /__version__ shows as JSON; default {}

	HeaderTimeout time.Duration // for the header and the first 8 KiB of a body; default 30 s
	WriteTimeout  time.Duration // for a whole answer; default 5 min; -1 for none, which lets event streams live on
	IdleTimeout   time.Duration // between requests of one connection; default 75 s
	HeaderLimit   int           // bytes of a request header; default 16 KiB
	BodyLimit     int           // bytes of a body that a handler takes whole; default 4 MiB. Streaming handlers have their own

	CheckTimeout time.Duration // for all checks together; default 5 s
	Checks       []Check       // what /__heartbeat__ and /monitoring/healthcheck run

	Log      *slog.Logger         // default: none
	Registry *prometheus.Registry // where our metrics go and what /metrics shows; default: a registry of its own
}

func (c Config) withDefaults() Config {
	set(&c.Name, "socorro")
	if c.Version == nil {
		c.Version = struct{}{}
	}
	set(&c.HeaderTimeout, 30*time.Second)
	set(&c.WriteTimeout, 5*time.Minute)
	set(&c.IdleTimeout, 75*time.Second)
	set(&c.HeaderLimit, 16<<10)
	set(&c.BodyLimit, 4<<20)
	set(&c.CheckTimeout, 5*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Registry == nil {
		c.Registry = prometheus.NewRegistry()
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// New returns an app with middleware and the health endpoints in place; register
// everything else with it, then [Serve] it.
func New(cfg Config) (*fiber.App, error) {
	cfg = cfg.withDefaults()
	version, err := json.Marshal(cfg.Version)
	if err != nil {
		return nil, fmt.Errorf("http/server: configure: version as JSON: %w", err)
	}
	m, err := newMetrics(cfg.Registry)
	if err != nil {
		return nil, err
	}
	app := fiber.New(fiber.Config{
		AppName:               cfg.Name,
		ServerHeader:          cfg.Name,
		DisableStartupMessage: true,
		// Bodies reach handlers as streams, so that a dump is never held in memory.
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		BodyLimit:                    cfg.BodyLimit,
		ReadBufferSize:               cfg.HeaderLimit, // fasthttp reads a header into one buffer
		ReadTimeout:                  cfg.HeaderTimeout,
		WriteTimeout:                 max(cfg.WriteTimeout, 0),
		IdleTimeout:                  cfg.IdleTimeout,
		ErrorHandler:                 errorHandler(cfg.Log),
	})
	app.Use(requestID, observe(cfg.Log, m), protect, recoverPanics(cfg.Log))
	h := &health{cfg: cfg, metrics: m, version: version}
	h.register(app)
	return app, nil
}

// Serve answers requests from ln until ctx ends, then stops listening and lets
// the requests in flight finish for at most grace. It returns nil after a clean
// end, and closes ln in any case.
func Serve(ctx context.Context, app *fiber.App, ln net.Listener, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- app.Listener(ln) }()
	select {
	case err := <-failed:
		if err == nil {
			err = errors.New("the listener was closed")
		}
		return fmt.Errorf("http/server: serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := app.ShutdownWithContext(end); err != nil {
		return fmt.Errorf("http/server: shut down: requests still in flight after %s: %w", grace, err)
	}
	ln.Close() // a second close is harmless; needed when ctx ended before listening began
	if err := <-failed; err != nil {
		return fmt.Errorf("http/server: serve %s: %w", ln.Addr(), err)
	}
	return nil
}
