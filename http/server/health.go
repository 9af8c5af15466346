package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health answers what load balancers, Dockerflow tools and operators ask.
type health struct {
	cfg     Config
	metrics *metrics
	version []byte
}

func (h *health) register(app *fiber.App) {
	get := func(path string, handler fiber.Handler) {
		app.Get(path, handler)
		app.All(path, func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderAllow, "GET, HEAD")
			return fiber.ErrMethodNotAllowed
		})
	}
	get("/__lbheartbeat__", h.alive)
	get("/__heartbeat__", h.heartbeat)
	get("/__version__", h.showVersion)
	get("/__broken__", h.broken)
	get("/monitoring/healthcheck", h.healthcheck)
	get("/metrics", adaptor.HTTPHandler(promhttp.HandlerFor(h.cfg.Registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(h.cfg.Log.Handler(), slog.LevelError),
	})))
}

// alive says no more than that the process answers.
func (h *health) alive(c *fiber.Ctx) error {
	h.metrics.health.WithLabelValues("lbheartbeat").Inc()
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return nil
}

func (h *health) showVersion(c *fiber.Ctx) error {
	h.metrics.health.WithLabelValues("version").Inc()
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return c.Send(h.version)
}

// broken fails on purpose, so that operators see whether errors are reported.
func (h *health) broken(*fiber.Ctx) error {
	h.metrics.health.WithLabelValues("broken").Inc()
	return errors.New("http/server: somebody asked for /__broken__")
}

// failure is one failed check. Its field names are Dockerflow's.
type failure struct {
	Name string `json:"name"`
	Msg  string `json:"msg"`
}

func (h *health) heartbeat(c *fiber.Ctx) error {
	h.metrics.health.WithLabelValues("heartbeat").Inc()
	failures := []failure{} // [] in JSON, not null
	for i, err := range h.run(c.UserContext()) {
		if err != nil {
			failures = append(failures, failure{h.cfg.Checks[i].Name, err.Error()})
		}
	}
	if len(failures) > 0 {
		c.Status(http.StatusServiceUnavailable)
	}
	return c.JSON(fiber.Map{"errors": failures})
}

// checkResult is one line of the health check.
type checkResult struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func (h *health) healthcheck(c *fiber.Ctx) error {
	h.metrics.health.WithLabelValues("healthcheck").Inc()
	ok, results := true, make([]checkResult, len(h.cfg.Checks))
	for i, err := range h.run(c.UserContext()) {
		results[i] = checkResult{Name: h.cfg.Checks[i].Name, OK: err == nil}
		if err != nil {
			ok, results[i].Error = false, err.Error()
		}
	}
	if !ok {
		c.Status(http.StatusServiceUnavailable)
	}
	return c.JSON(fiber.Map{"ok": ok, "checks": results})
}

// run makes all checks at once and waits no longer than CheckTimeout, even for
// a check that ignores its context.
func (h *health) run(ctx context.Context) []error {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.CheckTimeout)
	defer cancel()
	var mu sync.Mutex
	results := make([]error, len(h.cfg.Checks))
	for i := range results {
		results[i] = fmt.Errorf("no answer within %s", h.cfg.CheckTimeout)
	}
	var wg sync.WaitGroup
	for i, check := range h.cfg.Checks {
		wg.Go(func() {
			err := safely(ctx, check)
			mu.Lock()
			defer mu.Unlock()
			results[i] = err
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	return append([]error{}, results...)
}

func safely(ctx context.Context, c Check) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the check panicked: %v", r)
		}
	}()
	return c.Run(ctx)
}
