// Package api is the public REST API: JSON under /api/, read only, no login.
//
// Without a login nobody sees personal data: raw crashes are reduced to an
// allow-list of annotations, processed crashes lose their protected fields, and
// dumps are refused unless [Config.AllowRawDumps] says otherwise.
//
// Paths, parameters and error shapes are Socorro's, so that its clients work.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// Crashes is where crashes are read from. Errors for what does not exist are of
// kind socorro.ErrNotFound.
type Crashes interface {
	LoadRaw(context.Context, socorro.CrashID) (*socorro.RawCrash, error)
	LoadProcessed(context.Context, socorro.CrashID) (*socorro.ProcessedCrash, error)
	// OpenDump opens a dump by name and tells its size in bytes.
	OpenDump(ctx context.Context, id socorro.CrashID, name string) (io.ReadCloser, int64, error)
}

// Queue tells where crashes stand.
type Queue interface {
	Status(context.Context, socorro.CrashID) (socorro.QueueStatus, error)
	Depth(context.Context) (socorro.QueueDepth, error)
}

// Config holds the tunables. The zero value means the defaults.
type Config struct {
	AllowRawDumps bool          // lets everybody fetch dumps, which hold the memory of crashed programs; default false
	CacheFor      time.Duration // how long clients may reuse a crash; default 5 min
}

// Deps are what the API reads from. All are needed but Balance.
type Deps struct {
	Crashes Crashes
	Queue   Queue
	Actors  func() []socorro.ActorStatus

	// Balance sets what was answered to uploads against what is there. nil in a
	// process that takes no uploads: then there is no such endpoint.
	Balance func(context.Context) (socorro.Balance, error)
}

// API answers /api/.
type API struct {
	cfg  Config
	deps Deps
}

// New returns the API.
func New(cfg Config, deps Deps) (*API, error) {
	if deps.Crashes == nil || deps.Queue == nil || deps.Actors == nil {
		return nil, fmt.Errorf("http/api: configure: Crashes, Queue and Actors are all needed: %w", socorro.ErrInvalid)
	}
	if cfg.CacheFor == 0 {
		cfg.CacheFor = 5 * time.Minute
	}
	return &API{cfg, deps}, nil
}

// Endpoint describes one endpoint, for programs and for the documentation.
type Endpoint struct {
	Name   string  `json:"name"`
	Path   string  `json:"path"`
	Help   string  `json:"help"`
	Params []Param `json:"params"`

	handle func(*fiber.Ctx) (any, error)
	cached bool
}

// Param is one query parameter.
type Param struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
	Help     string `json:"help"`
}

// Endpoints lists everything that is read under /api/, but the list itself.
func (a *API) Endpoints() []Endpoint {
	crashID := Param{"crash_id", true, "The crash's id, with or without bp-."}
	pretty := Param{"pretty", false, "print: indent the JSON."}
	all := []Endpoint{
		{
			"ProcessedCrash", "/api/ProcessedCrash/", "What the processor made of a crash, without protected fields.",
			[]Param{crashID, pretty},
			a.processedCrash, true,
		},
		{
			"RawCrash", "/api/RawCrash/", "What the client sent: its public annotations, or one of its dumps.",
			[]Param{
				crashID,
				{"format", false, "meta (default): annotations as JSON; raw: a dump's bytes, where allowed."},
				{"name", false, "With format=raw: the dump's name; default upload_file_minidump."},
				pretty,
			},
			a.rawCrash, true,
		},
		{
			"QueueStatus", "/api/QueueStatus/", "Where one crash stands in the processing queue.",
			[]Param{crashID, pretty},
			a.queueStatus, false,
		},
		{"Queue", "/api/Queue/", "How many crashes and deliveries wait.", []Param{pretty}, a.queue, false},
		{"Actors", "/api/Actors/", "The live actors and what they do.", []Param{pretty}, a.actors, false},
	}
	if a.deps.Balance != nil {
		all = append(all, Endpoint{
			"Receipts", "/api/Receipts/", "Uploads by what became of them, set against the crashes that are there: missing is 0 when none was lost.",
			[]Param{pretty},
			a.receipts, false,
		})
	}
	return all
}

// Register adds the endpoints to the router.
func (a *API) Register(r fiber.Router) {
	a.add(r, Endpoint{Path: "/api/", handle: func(*fiber.Ctx) (any, error) {
		return fiber.Map{"endpoints": a.Endpoints()}, nil
	}})
	for _, e := range a.Endpoints() {
		a.add(r, e)
	}
	r.Use("/api", func(c *fiber.Ctx) error {
		cors(c)
		name, _, _ := strings.Cut(strings.TrimPrefix(c.Path(), "/api/"), "/")
		return fail(c, http.StatusNotFound, fmt.Sprintf("No service called '%.60s'", strings.ToValidUTF8(name, "\uFFFD")))
	})
}

func (a *API) add(r fiber.Router, e Endpoint) {
	r.Get(e.Path, func(c *fiber.Ctx) error {
		cors(c)
		value, err := e.handle(c)
		if err != nil {
			return problem(c, err)
		}
		if e.cached {
			c.Set(fiber.HeaderCacheControl, fmt.Sprintf("private, max-age=%d", int(a.cfg.CacheFor.Seconds())))
		} else {
			c.Set(fiber.HeaderCacheControl, "no-store")
		}
		if value == nil { // the endpoint wrote its own answer
			return nil
		}
		return send(c, value)
	})
	r.Options(e.Path, func(c *fiber.Ctx) error {
		cors(c)
		c.Set(fiber.HeaderAccessControlAllowMethods, "GET, HEAD, OPTIONS")
		c.Set(fiber.HeaderAccessControlAllowHeaders, "Auth-Token")
		return c.SendStatus(http.StatusNoContent)
	})
	r.All(e.Path, func(c *fiber.Ctx) error {
		cors(c)
		c.Set(fiber.HeaderAllow, "GET, HEAD, OPTIONS")
		return fail(c, http.StatusMethodNotAllowed, "method not allowed: use GET")
	})
}

// cors lets pages of any site read the API: there is nothing private in it and
// no cookie counts.
func cors(c *fiber.Ctx) { c.Set(fiber.HeaderAccessControlAllowOrigin, "*") }

// send writes JSON. "</" is escaped so that the text is harmless inside a page.
func send(c *fiber.Ctx, value any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if c.Query("pretty") == "print" {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("http/api: encode %s: %w", c.Path(), err)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSONCharsetUTF8)
	return c.Send(bytes.ReplaceAll(b.Bytes(), []byte("</"), []byte(`<\/`)))
}

func fail(c *fiber.Ctx, status int, message string) error {
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Status(status)
	return send(c, fiber.Map{"error": message})
}

// A paramError is wrong parameters by name, in the shape that Socorro uses.
type paramError map[string][]string

func (e paramError) Error() string {
	return fmt.Sprintf("wrong parameters: %s", strings.Join(slices.Sorted(maps.Keys(e)), ", "))
}

func (e paramError) Unwrap() error { return socorro.ErrInvalid }
