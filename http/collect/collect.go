package collect

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"socorro"
)

// Accepter keeps accepted crashes.
type Accepter interface {
	// Accept makes the crash and its dumps durable and returns nil only then. It
	// may move the dumps' files away; those it leaves are removed after it
	// returns. An error of kind socorro.ErrUnavailable tells the client to try
	// again later.
	Accept(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error
}

// Deps are what a [Handler] works with. Accepter is needed; the others have defaults.
type Deps struct {
	Accepter Accepter
	Log      *slog.Logger          // default: none
	Metrics  prometheus.Registerer // default: a registry of its own
	Now      func() time.Time      // default: time.Now
	Rand     func() float64        // 0 <= Rand() < 1, safe for concurrent use; default: math/rand/v2
}

func (d Deps) withDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Metrics == nil {
		d.Metrics = prometheus.NewRegistry()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Rand == nil {
		d.Rand = rand.Float64
	}
	return d
}

// Handler answers POST /submit.
type Handler struct {
	cfg      Config
	accepter Accepter
	log      *slog.Logger
	metrics  *metrics
	throttle *Throttler
	now      func() time.Time

	slots   chan struct{}
	readers sync.Pool // of *bufio.Reader
}

const readBuffer = 64 << 10 // bytes; also the size of writes to staging

// New returns a handler. It makes the staging directory and removes what killed
// collectors left there. The error wraps socorro.ErrInvalid when the
// configuration is wrong.
func New(cfg Config, deps Deps) (*Handler, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if deps.Accepter == nil {
		return nil, fmt.Errorf("http/collect: configure: there is no Accepter: %w", socorro.ErrInvalid)
	}
	deps = deps.withDefaults()
	throttle, err := NewThrottler(cfg.Throttle, deps.Now, deps.Rand)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Staging, 0o700); err != nil {
		return nil, fmt.Errorf("http/collect: make staging directory: %w", err)
	}
	removed, err := sweep(cfg.Staging, time.Now().Add(-2*(cfg.ReadTotal+cfg.Keep)))
	if err != nil {
		return nil, err
	}
	if removed > 0 {
		deps.Log.Info("removed unfinished uploads", "count", removed)
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	return &Handler{
		cfg:      cfg,
		accepter: deps.Accepter,
		log:      deps.Log,
		metrics:  m,
		throttle: throttle,
		now:      deps.Now,
		slots:    make(chan struct{}, cfg.MaxUploads),
		readers:  sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }},
	}, nil
}

// Register adds POST /submit to the router. Other methods get 405, OPTIONS the
// list of methods. The app must be made with StreamRequestBody and
// DisablePreParseMultipartForm, as http/server does; without them bodies are
// held in memory first.
func (h *Handler) Register(r fiber.Router) {
	r.Post("/submit", h.submit)
	r.Options("/submit", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, fiber.MethodPost)
		return c.SendStatus(fiber.StatusOK)
	})
	r.All("/submit", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, "POST, OPTIONS")
		return fiber.ErrMethodNotAllowed
	})
}
