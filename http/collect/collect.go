package collect

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

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
	Ledger   Ledger                // default: none, and no report is recognised that is sent again
	Room     func(int64) error     // says why an upload of so many bytes (-1: unknown) cannot be kept now; default: it can
	Spooled  func() (int, int)     // counts kept crashes that wait for the crash store, and those of them that it refuses; default: 0, 0
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
	if d.Spooled == nil {
		d.Spooled = func() (int, int) { return 0, 0 }
	}
	if d.Room == nil {
		d.Room = func(int64) error { return nil }
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
	ledger   Ledger // nil: none
	room     func(int64) error
	log      *slog.Logger
	metrics  *metrics
	throttle *Throttler
	now      func() time.Time

	reports keyring
	traces  ring
	slots   chan struct{}
	buffers *bufferPools
}

const readBuffer = 32 << 10 // bytes; also the size of writes to staging

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
	m, err := newMetrics(deps.Metrics, deps.Spooled)
	if err != nil {
		return nil, err
	}
	return &Handler{
		cfg:      cfg,
		accepter: deps.Accepter,
		ledger:   deps.Ledger,
		room:     deps.Room,
		reports:  keyring{taken: map[string]chan struct{}{}},
		traces:   ring{max: cfg.Traces},
		log:      deps.Log,
		metrics:  m,
		throttle: throttle,
		now:      deps.Now,
		slots:    make(chan struct{}, cfg.MaxUploads),
		buffers:  newBufferPools(),
	}, nil
}
