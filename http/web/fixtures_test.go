package web

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// site is a whole Socorro in memory, as far as the pages can see.
type site struct {
	mu        sync.Mutex
	raw       map[socorro.CrashID]*socorro.RawCrash
	processed map[socorro.CrashID]*socorro.ProcessedCrash
	summaries []socorro.CrashSummary
	status    map[socorro.CrashID]socorro.QueueStatus
	depth     socorro.QueueDepth
	parked    []socorro.ParkedDelivery
	actors    []socorro.ActorStatus

	storeErr, indexErr, queueErr error
	actorsPanic                  bool
	log                          strings.Builder
}

func newSite() *site {
	return &site{
		raw:       map[socorro.CrashID]*socorro.RawCrash{},
		processed: map[socorro.CrashID]*socorro.ProcessedCrash{},
		status:    map[socorro.CrashID]socorro.QueueStatus{},
	}
}

func (s *site) LoadRaw(_ context.Context, id socorro.CrashID) (*socorro.RawCrash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.raw[id]; ok || s.storeErr != nil {
		return r, s.storeErr
	}
	return nil, fmt.Errorf("site: load raw %s: %w", id, socorro.ErrNotFound)
}

func (s *site) LoadProcessed(_ context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.processed[id]; ok || s.storeErr != nil {
		return p, s.storeErr
	}
	return nil, fmt.Errorf("site: load processed %s: %w", id, socorro.ErrNotFound)
}

func (s *site) match(f socorro.CrashFilter) []socorro.CrashSummary {
	var out []socorro.CrashSummary
	for _, c := range s.summaries {
		if (f.Product == "" || c.Product == f.Product) && (f.Signature == "" || c.Signature == f.Signature) &&
			strings.Contains(strings.ToLower(c.Signature), strings.ToLower(f.SignatureContains)) && !c.Submitted.Before(f.Since) {
			out = append(out, c)
		}
	}
	return out
}

func (s *site) Recent(_ context.Context, f socorro.CrashFilter) ([]socorro.CrashSummary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.match(f)
	all = all[min(f.Offset, len(all)):]
	return all[:min(f.Limit, len(all))], s.indexErr
}

func (s *site) Count(_ context.Context, f socorro.CrashFilter) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.match(f)), s.indexErr
}

func (s *site) Products(_ context.Context, since time.Time) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.match(socorro.CrashFilter{Since: since}) {
		out = append(out, c.Product)
	}
	slices.Sort(out)
	return slices.Compact(out), s.indexErr
}

func (s *site) Signatures(_ context.Context, since time.Time, limit int) ([]socorro.SignatureCount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	by := map[string]*socorro.SignatureCount{}
	var out []*socorro.SignatureCount
	for _, c := range s.match(socorro.CrashFilter{Since: since}) {
		n := by[c.Signature]
		if n == nil {
			n = &socorro.SignatureCount{Signature: c.Signature, Last: c.Submitted}
			by[c.Signature] = n
			out = append(out, n)
		}
		n.Crashes++
		n.First = c.Submitted
		if !slices.Contains(n.Products, c.Product) {
			n.Products = append(n.Products, c.Product)
		}
	}
	slices.SortStableFunc(out, func(a, b *socorro.SignatureCount) int { return b.Crashes - a.Crashes })
	var rows []socorro.SignatureCount
	for _, n := range out[:min(limit, len(out))] {
		rows = append(rows, *n)
	}
	return rows, s.indexErr
}

func (s *site) Status(_ context.Context, id socorro.CrashID) (socorro.QueueStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q, ok := s.status[id]; ok || s.queueErr != nil {
		return q, s.queueErr
	}
	return socorro.QueueStatus{}, fmt.Errorf("site: status %s: %w", id, socorro.ErrNotFound)
}

func (s *site) Depth(context.Context) (socorro.QueueDepth, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.depth, s.queueErr
}

func (s *site) ParkedCrashes(_ context.Context, limit int) ([]socorro.QueueStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []socorro.QueueStatus
	for _, q := range s.status {
		if q.State == socorro.Parked && len(all) < limit {
			all = append(all, q)
		}
	}
	return all, s.queueErr
}

func (s *site) ParkedDeliveries(_ context.Context, destination string, limit int) ([]socorro.ParkedDelivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []socorro.ParkedDelivery
	for _, d := range s.parked {
		if d.Destination == destination && len(all) < limit {
			all = append(all, d)
		}
	}
	return all, s.queueErr
}

func (s *site) Actors() []socorro.ActorStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.actorsPanic {
		panic("the registry of actors broke")
	}
	return slices.Clone(s.actors)
}

func (s *site) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *site) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// app is the site's server; the api's addresses are there because pages link to them.
func (s *site) app(cfg Config) *fiber.App {
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon }
	}
	p := New(cfg, Deps{Crashes: s, Index: s, Queue: s, Parked: s, Actors: s.Actors, Log: slog.New(slog.NewTextHandler(s, nil))})
	app := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10, ErrorHandler: p.Error})
	p.Register(app)
	for _, path := range []string{"/api/", "/api/ProcessedCrash/", "/api/RawCrash/", "/__version__"} {
		app.Get(path, func(c *fiber.Ctx) error { return c.JSON(map[string]string{"path": path}) })
	}
	app.Use(p.NotFound)
	return app
}

type answer struct {
	status int
	body   string
	header http.Header
}

func get(t testing.TB, app *fiber.App, target string) answer {
	t.Helper()
	res, err := app.Test(httptest.NewRequest(http.MethodGet, target, nil), -1)
	if err != nil {
		t.Fatalf("GET %s: %v", target, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("GET %s: read: %v", target, err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

// stackJSON is a stack walker's report of one of our own crashing programs.
func stackJSON(t testing.TB, name string) json.RawMessage {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// crashID is the nth crash of the fixtures.
func crashID(n int) socorro.CrashID {
	return socorro.CrashID(fmt.Sprintf("%08x-1c2d-4e3f-8a4b-00000%07d", 0xde1bb258+n*7919, 261123))
}

func number64(n int64) *int64 { return &n }

// crash is a report with everything set that a good client sends.
func crash(t testing.TB, n int, dump json.RawMessage) (*socorro.RawCrash, *socorro.ProcessedCrash) {
	t.Helper()
	id, at := crashID(n), noon.Add(-time.Duration(n)*7*time.Minute)
	raw := &socorro.RawCrash{
		ID: id, Submitted: at,
		Annotations: socorro.Annotations{
			"ProductName": "Atlas", "Version": "4.2.1", "BuildID": "20261120081500", "ReleaseChannel": "release",
			"CrashTime": "1795435200", "InstallTime": "1795000000", "Notes": "renderer: vulkan\nfallback: none",
			"URL": "https://example.org/private", "Comments": "I clicked save", "switch-1": "--user=jane", "TotalPhysicalMemory": "25276502016",
			"GraphicsCriticalError": strings.Repeat("|[0][GFX1-]: mapping failed ", 20),
		},
		Metadata: socorro.Metadata{Payload: "multipart", UserAgent: "crashpad/1", CollectorNotes: []string{"Decoded the extra JSON part."}},
	}
	p := &socorro.ProcessedCrash{
		ID: id, UUID: id, Product: "Atlas", Version: "4.2.1", BuildID: "20261120081500", ReleaseChannel: "release", Vendor: "Example",
		ProcessType: "parent", Signature: "app::run", ProtoSignature: "app::run | app::sum<T>",
		Submitted: socorro.Timestamp(at), Processed: socorro.Timestamp(at), Completed: socorro.Timestamp(at.Add(900 * time.Millisecond)),
		ClientDate: socorro.Timestamp(at.Add(-time.Minute)), Uptime: number64(8_125), InstallAge: number64(434_000), LastCrash: number64(42),
		OSName: "Linux", OSVersion: "6.1.0-28-amd64", OSPrettyVersion: "Debian GNU/Linux 12 (bookworm)", CPUArch: "amd64",
		CPUInfo: "family 25 model 17 stepping 1", CPUCount: 8, Reason: "SIGSEGV / SEGV_MAPERR", Address: "0x0000000000000000",
		CrashingThread: new(int), Success: true, MDSWStatus: "OK", ProcessorNotes: ">>> Start processing: 2026-11-23T12:00:00 (atlas-1)\nrule symbols: 6 modules have no symbols",
		JSONDump: dump,
		Other: map[string]any{
			"total_physical_memory": json.Number("25276502016"), "available_physical_memory": json.Number("13208383488"),
			"startup_crash": false, "install_time": json.Number("1795000000"), "app_notes": "renderer: vulkan",
			"user_comments": "I clicked save", "url": "https://example.org/private",
		},
	}
	return raw, p
}

// filled is a site with a day's work: a hundred crashes, some of them open.
func filled(t testing.TB) *site {
	t.Helper()
	s := newSite()
	kinds := []struct {
		weight                       int
		product, signature, reason   string
		os, version, channel, golden string
	}{
		{11, "Atlas", "app::run", "SIGSEGV / SEGV_MAPERR", "Debian GNU/Linux 12 (bookworm)", "4.2.1", "release", "cpp_inline.json"},
		{7, "Atlas Player", "core::panicking::panic_fmt | player::decode::Frame::next", "SIGABRT / SI_TKILL", "Windows 11", "1.9.0", "beta", "rs_panic.json"},
		{5, "Atlas", "std::condition_variable::wait | pool::Worker::loop", "SIGSEGV / SEGV_ACCERR", "macOS 15", "4.2.0", "release", "cpp_threads.json.gz"},
		{3, "Atlas", "mozilla::dom::(anonymous namespace)::Matrix<int, std::allocator<std::pair<std::string const, std::unique_ptr<Visitor>>>>::transpose | app::Session::render(std::map<std::string, Visitor>)", "EXCEPTION_ACCESS_VIOLATION_WRITE", "Windows 10", "4.1.9", "nightly", "cpp_inline.json"},
		{2, "Courier", "OOM | large | mozalloc_abort | sync::Outbox::grow", "EXCEPTION_BREAKPOINT", "Android 34", "2026.11", "", "cpp_inline.json"},
		{1, "Courier", "", "", "", "", "", ""},
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	dumps := map[string]json.RawMessage{}
	for n := range 116 {
		at := n * 13 % total
		k := kinds[0]
		for _, k = range kinds {
			if at -= k.weight; at < 0 {
				break
			}
		}
		if k.golden != "" && dumps[k.golden] == nil {
			dumps[k.golden] = stackJSON(t, k.golden)
		}
		raw, p := crash(t, n, dumps[k.golden])
		p.Product, p.Version, p.Signature, p.Reason = k.product, k.version, k.signature, k.reason
		p.OSPrettyVersion, p.ReleaseChannel, p.Success = k.os, k.channel, k.golden != ""
		s.raw[p.ID], s.processed[p.ID] = raw, p
		s.summaries = append(s.summaries, socorro.CrashSummary{
			ID: p.ID, Submitted: raw.Submitted, Product: p.Product, Version: p.Version, Channel: k.channel, OS: k.os,
			CPU: "amd64", Signature: p.Signature, Reason: p.Reason, Success: p.Success,
		})
	}
	s.depth = socorro.QueueDepth{
		ByState: map[socorro.CrashState]int{socorro.Queued: 1_284, socorro.Claimed: 8, socorro.Parked: 2, socorro.Done: 52_118, socorro.Deferred: 31},
		ByLane:  map[socorro.Lane]int{socorro.Priority: 1, socorro.Normal: 283, socorro.Reprocessing: 1_000},
		Oldest:  noon.Add(-94 * time.Second),
		Outbox: map[string]socorro.OutboxDepth{
			"index":     {Waiting: 12, Oldest: noon.Add(-2 * time.Second)},
			"telemetry": {Waiting: 4_021, Parked: 1, Oldest: noon.Add(-3 * time.Hour)},
		},
	}
	s.actors = []socorro.ActorStatus{
		{Path: "engine", Kind: "engine", Handled: 3, Started: noon.Add(-time.Hour), Step: "running"},
		{Path: "engine/crashes", Kind: "crashes", Handled: 52_118},
		{Path: "engine/crashes/" + string(crashID(200)), Kind: "crash", Handled: 3, InFlight: 1, Step: "stack walk"},
		{Path: "engine/crashes/" + string(crashID(201)), Kind: "crash", Handled: 2, InFlight: 1, Step: "load"},
		{Path: "engine/cron", Kind: "cron", Handled: 18, Step: "idle"},
		{Path: "engine/destinations", Kind: "destinations", Handled: 4},
		{Path: "engine/destinations/index", Kind: "destination", Handled: 104_236, Mailbox: 2, InFlight: 1, Step: "saving"},
		{Path: "engine/destinations/telemetry", Kind: "destination", Handled: 48_097, Step: "backing off", BackoffUntil: noon.Add(47 * time.Second), LastError: "storage/fs: save telemetry: no space left on device", LastErrorAt: noon.Add(-13 * time.Second), Restarts: 3},
		{Path: "engine/dispatcher", Kind: "dispatcher", Handled: 60_410, Mailbox: 1, InFlight: 8, Step: "8 of 8 credits used"},
	}
	return s
}
