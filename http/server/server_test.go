package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"socorro"
	"socorro/http/server"
)

// logBuffer is a log that tests can read while the server writes it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type running struct {
	addr string
	log  *logBuffer
	stop func() error
}

// run starts a server with a few routes of its own.
func run(t *testing.T, cfg server.Config, routes ...func(*fiber.App)) running {
	t.Helper()
	log := &logBuffer{}
	cfg.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	app, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, add := range routes {
		add(app)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, app, ln, 10*time.Second) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return running{ln.Addr().String(), log, stop}
}

func (r running) get(t *testing.T, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://"+r.addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestHealthEndpoints(t *testing.T) {
	t.Parallel()
	var down atomic.Pointer[error]
	r := run(t, server.Config{
		Version: map[string]string{"version": "1.2", "commit": "abc"},
		Checks: []server.Check{
			{Name: "queue", Run: func(context.Context) error { return nil }},
			{Name: "crashes", Run: func(context.Context) error {
				if err := down.Load(); err != nil {
					return *err
				}
				return nil
			}},
		},
	})
	want := func(path string, status int, body string) {
		t.Helper()
		resp, got := r.get(t, path)
		if resp.StatusCode != status || got != body {
			t.Errorf("GET %s = %d %s; want %d %s", path, resp.StatusCode, got, status, body)
		}
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
			t.Errorf("GET %s: Content-Type = %q", path, resp.Header.Get("Content-Type"))
		}
	}
	want("/__lbheartbeat__", 200, "")
	want("/__version__", 200, `{"commit":"abc","version":"1.2"}`)
	want("/__heartbeat__", 200, `{"errors":[]}`)
	want("/monitoring/healthcheck", 200, `{"checks":[{"name":"queue","ok":true},{"name":"crashes","ok":true}],"ok":true}`)
	full := errors.New("disk full")
	down.Store(&full)
	want("/__heartbeat__", 503, `{"errors":[{"name":"crashes","msg":"disk full"}]}`)
	want("/monitoring/healthcheck", 503, `{"checks":[{"name":"queue","ok":true},{"name":"crashes","ok":false,"error":"disk full"}],"ok":false}`)
}

func TestAHangingOrPanickingCheckIsAFailedCheck(t *testing.T) {
	t.Parallel()
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	r := run(t, server.Config{
		CheckTimeout: 50 * time.Millisecond,
		Checks: []server.Check{
			{Name: "hangs", Run: func(context.Context) error { <-forever; return nil }},
			{Name: "panics", Run: func(context.Context) error { panic("ouch") }},
		},
	})
	resp, body := r.get(t, "/__heartbeat__")
	want := `{"errors":[{"name":"hangs","msg":"no answer within 50ms"},{"name":"panics","msg":"the check panicked: ouch"}]}`
	if resp.StatusCode != 503 || body != want {
		t.Errorf("heartbeat = %d %s; want 503 %s", resp.StatusCode, body, want)
	}
}

func TestErrorsBecomeTheRightAnswer(t *testing.T) {
	t.Parallel()
	errs := map[string]error{
		"notfound":    fmt.Errorf("storage/fs: load /secret/path: %w", socorro.ErrNotFound),
		"invalid":     fmt.Errorf("day 32 of May: %w", socorro.ErrInvalid),
		"conflict":    socorro.ErrConflict,
		"rejected":    socorro.ErrRejected,
		"unavailable": fmt.Errorf("dial 10.0.0.1: %w", socorro.ErrUnavailable),
		"fault":       errors.New("secret"),
	}
	add := func(app *fiber.App) {
		for name, err := range errs {
			app.Get("/page/"+name, func(*fiber.Ctx) error { return err })
			app.Get("/api/"+name, func(*fiber.Ctx) error { return err })
		}
		app.Get("/page/panic", func(*fiber.Ctx) error { panic("secret") })
	}
	r := run(t, server.Config{}, add)
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/page/notfound", 404, "not found\n"},
		{"/api/notfound", 404, `{"error":"not found"}`},
		{"/page/invalid", 400, "day 32 of May: invalid\n"},
		{"/api/invalid", 400, `{"error":"day 32 of May: invalid"}`},
		{"/page/conflict", 409, "conflict\n"},
		{"/page/rejected", 403, "forbidden\n"},
		{"/page/unavailable", 503, "unavailable, try again later\n"},
		{"/api/unavailable", 503, `{"error":"unavailable, try again later"}`},
		{"/page/fault", 500, "internal error\n"},
		{"/page/panic", 500, "internal error\n"},
		{"/nowhere", 404, "not found\n"},
		{"/api/nowhere", 404, `{"error":"not found"}`},
		{"/__broken__", 500, "internal error\n"},
	} {
		resp, body := r.get(t, c.path)
		if resp.StatusCode != c.status || body != c.body {
			t.Errorf("GET %s = %d %q; want %d %q", c.path, resp.StatusCode, body, c.status, c.body)
		}
	}
	for _, want := range []string{`"msg":"handler panicked","panic":"secret"`, `server_test.go`, `"msg":"request failed"`, `somebody asked for /__broken__`} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if resp, _ := r.get(t, "/nowhere", "Accept", "application/json"); resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("who accepts JSON got %q", resp.Header.Get("Content-Type"))
	}
}

func TestWrongMethodsAre405(t *testing.T) {
	t.Parallel()
	r := run(t, server.Config{})
	for _, path := range []string{"/__lbheartbeat__", "/__heartbeat__", "/__version__", "/metrics"} {
		resp, err := http.Post("http://"+r.addr+path, "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 405 || resp.Header.Get("Allow") == "" {
			t.Errorf("POST %s = %d, Allow %q; want 405 and the methods", path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
}

func TestEveryAnswerIsProtectedAndNamed(t *testing.T) {
	t.Parallel()
	r := run(t, server.Config{Name: "socorro/1.2"})
	for _, path := range []string{"/__version__", "/nowhere", "/__broken__"} {
		resp, _ := r.get(t, path)
		h := resp.Header
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'self'") || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Request-ID") == "" || h.Get("Server") != "socorro/1.2" {
			t.Errorf("GET %s: header = %v", path, h)
		}
	}
}

func TestRequestIDsOfAProxyAreKeptWhenHarmless(t *testing.T) {
	t.Parallel()
	r := run(t, server.Config{})
	for id, kept := range map[string]bool{"abc-1.2_X": true, "": false, "a b": false, strings.Repeat("x", 65): false, `"<script>`: false} {
		resp, _ := r.get(t, "/__version__", "X-Request-ID", id)
		if got := resp.Header.Get("X-Request-ID"); (got == id) != kept || got == "" {
			t.Errorf("request id %q became %q; want it kept: %v", id, got, kept)
		}
	}
}

func TestAccessLogHasNoQuery(t *testing.T) {
	t.Parallel()
	r := run(t, server.Config{}, func(app *fiber.App) {
		app.Get("/search", func(c *fiber.Ctx) error { return c.SendString("ok") })
	})
	r.get(t, "/search?q=secret%20words")
	var line struct {
		Msg, Method, Path string
		Status            int
		Took              int64
		RequestID         string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(r.log.String()), &line); err != nil {
		t.Fatalf("log = %q: %v", r.log.String(), err)
	}
	if line.Msg != "request answered" || line.Method != "GET" || line.Path != "/search" || line.Status != 200 || line.Took <= 0 || line.RequestID == "" {
		t.Errorf("log line = %+v", line)
	}
	if strings.Contains(r.log.String(), "secret") {
		t.Errorf("the log tells the query: %s", r.log.String())
	}
}

func TestMetricsAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	r := run(t, server.Config{})
	r.get(t, "/__version__")
	r.get(t, "/no/such/path")
	resp, body := r.get(t, "/metrics")
	if resp.StatusCode != 200 {
		t.Fatalf("GET /metrics = %s", resp.Status)
	}
	for _, m := range server.Metrics() {
		if m.Help == "" || !strings.Contains(body, "# TYPE "+m.Name+" "+m.Kind) {
			t.Errorf("metric %s: not shown as a %s, or without help", m.Name, m.Kind)
		}
	}
	for _, want := range []string{
		`socorro_collector_health_total{endpoint="version"} 1`,
		`socorro_http_requests_total{method="GET",route="none",status="4xx"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(body, "/no/such/path") {
		t.Error("a path that a client made up is a label")
	}
}

func TestNewRefusesMetricsOfTheSameName(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	if _, err := server.New(server.Config{Registry: reg}); err != nil {
		t.Fatal(err)
	}
	if _, err := server.New(server.Config{Registry: reg}); err == nil || !strings.Contains(err.Error(), "register metrics") {
		t.Errorf("second New with the same registry = %v; want an error", err)
	}
	if _, err := server.New(server.Config{Version: func() {}}); err == nil {
		t.Error("New with a version that is no JSON = nil; want an error")
	}
}

// raw sends bytes and reads the answer.
func raw(t *testing.T, addr, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer to %.60q: %v", request, err)
	}
	return resp
}

func TestBadRequestsGetAClearAnswer(t *testing.T) {
	t.Parallel()
	r := run(t, server.Config{HeaderTimeout: 200 * time.Millisecond})
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"a header that is too large", "GET / HTTP/1.1\r\nHost: x\r\nCookie: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", 431},
		{"a client that never ends its header", "GET / HTTP/1.1\r\nHost: x\r\n", 408},
		{"no HTTP at all", "\x16\x03\x01 hello\r\n\r\n", 400},
		{"a length that is no number", "POST /__version__ HTTP/1.1\r\nHost: x\r\nContent-Length: foo\r\n\r\n", 400},
	} {
		if resp := raw(t, r.addr, c.request); resp.StatusCode != c.status {
			t.Errorf("%s = %d; want %d", c.name, resp.StatusCode, c.status)
		}
	}
}

func TestServeFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	r := run(t, server.Config{}, func(app *fiber.App) {
		app.Get("/slow", func(c *fiber.Ctx) error {
			close(entered)
			<-release
			return c.SendString("done")
		})
	})
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + r.addr + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	for { // the listener closes soon after; new connections are refused from then on
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			break
		}
		conn.Close()
	}
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("the request in flight got %q; want done", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v; want nil", err)
	}
}

func TestServeGivesUpAfterItsGrace(t *testing.T) {
	t.Parallel()
	app, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	app.Get("/stuck", func(*fiber.Ctx) error { close(entered); <-release; return nil })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, app, ln, 20*time.Millisecond) }()
	go http.Get("http://" + ln.Addr().String() + "/stuck")
	<-entered
	cancel()
	if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve = %v; want it to give up", err)
	}
	close(release)
}

func TestServeReportsAListenerThatBreaks(t *testing.T) {
	t.Parallel()
	app, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := server.Serve(context.Background(), app, ln, time.Second); err == nil {
		t.Error("Serve on a closed listener = nil; want an error")
	}
}

func TestMetricTableIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var wrong []string
	for _, m := range server.Metrics() {
		if seen[m.Name] || !strings.HasPrefix(m.Name, "socorro_") || strings.HasSuffix(m.Name, "_total") != (m.Kind == "counter") {
			wrong = append(wrong, m.Name)
		}
		seen[m.Name] = true
	}
	if diff := cmp.Diff([]string(nil), wrong); diff != "" {
		t.Errorf("metrics break the naming rules:\n%s", diff)
	}
}
