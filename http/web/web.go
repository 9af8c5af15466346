// Package web shows crashes to people: home, lists, reports and the live view
// of the actors. Pages are rendered on the server and readable without
// JavaScript; what little JavaScript there is keeps them fresh.
//
// The package reads through the four small interfaces in [Deps] and writes
// nothing. It never shows personal data unless [Config.ShowProtected] is set.
package web

import (
	"context"
	"html/template"
	"log/slog"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

// Crashes is what the report page needs of the crash store.
type Crashes interface {
	LoadRaw(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, error)
	LoadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error)
}

// Index is what the lists need of the search index. A zero time means since ever.
type Index interface {
	Recent(ctx context.Context, f socorro.CrashFilter) ([]socorro.CrashSummary, error)
	Count(ctx context.Context, f socorro.CrashFilter) (int, error)
	Signatures(ctx context.Context, since time.Time, limit int) ([]socorro.SignatureCount, error)
	Products(ctx context.Context, since time.Time) ([]string, error)
}

// Queue tells where crashes wait.
type Queue interface {
	Status(ctx context.Context, id socorro.CrashID) (socorro.QueueStatus, error)
	Depth(ctx context.Context) (socorro.QueueDepth, error)
}

// Parked lists what was given up and waits for an operator.
type Parked interface {
	ParkedCrashes(ctx context.Context, limit int) ([]socorro.QueueStatus, error)
	ParkedDeliveries(ctx context.Context, destination string, limit int) ([]socorro.ParkedDelivery, error)
}

// Config tunes the pages. The zero value is what a public server wants.
type Config struct {
	// Version of the program, for the footer. "" shows "devel".
	Version string
	// PublicURL is where clients reach this server, such as "https://crash.example.com".
	// "" takes the scheme and host that the reader's browser used.
	PublicURL string
	// ShowProtected shows personal data too: every annotation, the user's
	// comments, the URL, registers. Only for servers that strangers cannot reach.
	ShowProtected bool
	// ReleaseCommand is the command line that puts a parked or deferred crash
	// back into the queue, shown to operators. nil shows advice in words only.
	ReleaseCommand func(socorro.CrashID) string
	// ReleaseAllCommand is the command line that puts everything parked back to
	// work, shown to operators. "" shows none.
	ReleaseAllCommand string
	// StoreTimeout bounds what one page may wait for stores. 0 means 10 s.
	StoreTimeout time.Duration
	// EventInterval is the pause between two events of /actors/events. 0 means 1 s.
	EventInterval time.Duration
	// MaxStreams bounds the open event streams; one more is answered 503. 0 means 64.
	MaxStreams int
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

// Deps are the pages' sources. All are needed.
type Deps struct {
	Crashes Crashes
	Index   Index
	Queue   Queue
	Parked  Parked
	Actors  func() []socorro.ActorStatus
	Log     *slog.Logger
}

// Pages answers the browser's requests. Make it with [New].
type Pages struct {
	cfg       Config
	deps      Deps
	templates map[string]*template.Template
	assets    map[string]asset
	live      *live
}

// New makes the pages. Templates and static files are inside the program.
func New(cfg Config, deps Deps) *Pages {
	if cfg.Version == "" {
		cfg.Version = "devel"
	}
	if cfg.StoreTimeout == 0 {
		cfg.StoreTimeout = 10 * time.Second
	}
	if cfg.EventInterval == 0 {
		cfg.EventInterval = time.Second
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 64
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Pages{cfg: cfg, deps: deps, assets: loadAssets()}
	p.templates = p.parseTemplates()
	p.live = newLive(cfg, p.actorsView)
	return p
}

// Register adds the pages to r, which must be mounted at the root of the site.
// The caller mounts [Pages.NotFound] after everything else.
func (p *Pages) Register(r fiber.Router) {
	r.Get("/", p.page(p.home))
	r.Get("/crashes/", p.page(p.crashes))
	r.Get("/signatures/", p.page(p.signatures))
	r.Get("/signature/", p.page(p.signature))
	r.Get("/report/index/:id", p.page(p.report))
	r.Get("/search/quick/", p.page(p.quickSearch))
	r.Get("/actors/", p.page(p.actors))
	r.Get("/actors/events", p.page(p.events))
	r.Get("/static/:name", p.page(p.static))
	r.Get("/favicon.ico", p.page(p.favicon))
	r.Get("/robots.txt", p.page(p.robots))
}
