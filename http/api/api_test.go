package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/http/api"
	"socorro/http/server"
)

const known = socorro.CrashID("de1bb258-cbbf-4589-a673-34f800260918")

// store knows one crash.
type store struct{ err error }

func (s store) found(id socorro.CrashID) error {
	if s.err != nil {
		return s.err
	}
	if id != known {
		return fmt.Errorf("storage/test: load %s: %w", id, socorro.ErrNotFound)
	}
	return nil
}

func (s store) LoadRaw(_ context.Context, id socorro.CrashID) (*socorro.RawCrash, error) {
	return &socorro.RawCrash{
		ID:        id,
		Submitted: time.Date(2026, 9, 18, 1, 2, 3, 4000, time.UTC),
		Annotations: socorro.Annotations{
			"ProductName": "Firefox", "Version": "60.0a1", "Notes": "</script>", "prod": "Electron",
			"Comments": "secret", "URL": "secret", "guid": "secret", "GleanClientId": "secret", "My Own Key": "secret",
			"TelemetryEnvironment": "secret", "GraphicsStartupTest": map[string]any{"a": json.Number("1")},
		},
		Metadata: socorro.Metadata{UserAgent: "secret"},
	}, s.found(id)
}

func (s store) LoadProcessed(_ context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error) {
	frames := `[{"frame": 0, "function": "main", "registers": {"rax": "secret"}}]`
	return &socorro.ProcessedCrash{
		ID: id, UUID: id, Epoch: 7, Product: "Firefox", Signature: "main",
		JSONDump: json.RawMessage(`{"status": "OK", "soft_errors": ["secret"], "mac_boot_args": "secret",
			"crash_info": {"memory_accesses": [{"address": "0x1", "is_likely_guard_page": "secret"}]},
			"crashing_thread": {"frames": ` + frames + `}, "threads": [{"frames": ` + frames + `}]}`),
		Other: map[string]any{
			"url": "secret", "user_comments": "secret", "mdsw_stderr": "secret", "collector_metadata": "secret", "unheard_of": "secret",
			"app_notes": "public note", "uptime_ts": json.Number("1.5"),
			"java_exception": map[string]any{"exception": map[string]any{"values": []any{
				map[string]any{"stacktrace": map[string]any{"type": "E", "value": "secret"}},
			}}},
		},
	}, s.found(id)
}

func (s store) OpenDump(_ context.Context, id socorro.CrashID, name string) (io.ReadCloser, int64, error) {
	if name != socorro.MainDump && name != "applog" {
		return nil, 0, fmt.Errorf("storage/test: open %s: %w", name, socorro.ErrNotFound)
	}
	return io.NopCloser(strings.NewReader("MDMP" + name)), int64(4 + len(name)), s.found(id)
}

func (s store) Status(_ context.Context, id socorro.CrashID) (socorro.QueueStatus, error) {
	return socorro.QueueStatus{
		ID: id, State: socorro.Claimed, Lane: socorro.Priority, Epoch: 3, Attempts: 2, LastError: "secret",
		Enqueued: time.Date(2026, 9, 18, 0, 0, 0, 0, time.UTC),
	}, s.found(id)
}

func (s store) Depth(context.Context) (socorro.QueueDepth, error) {
	return socorro.QueueDepth{
		ByState: map[socorro.CrashState]int{socorro.Queued: 4},
		ByLane:  map[socorro.Lane]int{socorro.Normal: 4},
		Oldest:  time.Date(2026, 9, 18, 0, 0, 0, 0, time.UTC),
		Outbox:  map[string]socorro.OutboxDepth{"index": {Waiting: 2, Parked: 1}},
	}, s.err
}

// serve starts a server with the API and returns its address.
func serve(t *testing.T, cfg api.Config, s store) string {
	t.Helper()
	a, err := api.New(cfg, api.Deps{Crashes: s, Queue: s, Actors: func() []socorro.ActorStatus {
		return []socorro.ActorStatus{{Path: "engine/dispatcher", Kind: "dispatcher", Mailbox: 1, Handled: 9}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a.Register(app)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, app, ln, 5*time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

func get(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
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

func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("answer %.200q is not a JSON object: %v", body, err)
	}
	return v
}

func TestAnswersHaveSocorrosShape(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{}, store{})
	unknown := strings.Replace(string(known), "de1", "000", 1)
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/api/ProcessedCrash/", 400, `{"errors":{"crash_id":["This field is required."]}}`},
		{"GET", "/api/RawCrash/?crash_id=", 400, `{"errors":{"crash_id":["This field is required."]}}`},
		{"GET", "/api/RawCrash/?crash_id=xyz", 400, `{"errors":{"crash_id":["crash id \"xyz\": 3 characters where 36 are needed"]}}`},
		{"GET", "/api/ProcessedCrash/?crash_id=" + unknown, 404, `{"error":"Not found: CrashIDNotFound ` + unknown + `"}`},
		{"GET", "/api/QueueStatus/?crash_id=" + unknown, 404, `{"error":"Not found: ` + unknown + ` is not in the queue"}`},
		{"GET", "/api/RawCrash/?format=csv&crash_id=" + string(known), 400, `{"errors":{"format":["Use meta or raw."]}}`},
		{"GET", "/api/RawCrash/?format=raw&crash_id=" + string(known), 403, `{"error":"Binary response requires permissions: View Raw Dumps"}`},
		{"GET", "/api/Nothing/?x=1", 404, `{"error":"No service called 'Nothing'"}`},
		{"GET", "/api/%3C/script%3E", 404, `{"error":"No service called '%3C'"}`},
		{"POST", "/api/ProcessedCrash/", 405, `{"error":"method not allowed: use GET"}`},
		{"OPTIONS", "/api/ProcessedCrash/", 204, ``},
	} {
		resp, body := get(t, c.method, base+c.path)
		if got := strings.TrimSpace(body); resp.StatusCode != c.status || got != c.want {
			t.Errorf("%s %s = %d %s; want %d %s", c.method, c.path, resp.StatusCode, got, c.status, c.want)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: other sites may not read it", c.method, c.path)
		}
		if c.status >= 400 && resp.Header.Get("Cache-Control") == "private, max-age=300" {
			t.Errorf("%s %s: an error may be cached", c.method, c.path)
		}
	}
}

func TestNothingPersonalIsPublic(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{}, store{})
	for _, path := range []string{"/api/RawCrash/", "/api/ProcessedCrash/", "/api/QueueStatus/"} {
		resp, body := get(t, "GET", base+path+"?crash_id=bp-"+string(known))
		if resp.StatusCode != 200 || strings.Contains(body, "secret") {
			t.Errorf("GET %s = %d %s; want 200 without secrets", path, resp.StatusCode, body)
		}
	}
}

func TestRawCrashKeepsWhatIsPublic(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{}, store{})
	resp, body := get(t, "GET", base+"/api/RawCrash/?crash_id="+string(known))
	want := map[string]any{
		"uuid": string(known), "version": 2.0, "submitted_timestamp": "2026-09-18T01:02:03.000004+00:00",
		"ProductName": "Firefox", "Version": "60.0a1", "Notes": "</script>", "prod": "Electron",
		"GraphicsStartupTest": map[string]any{"a": 1.0},
	}
	if diff := cmp.Diff(want, decode(t, body)); diff != "" {
		t.Errorf("raw crash differs (-want +got):\n%s", diff)
	}
	if strings.Contains(body, "</") || !strings.Contains(body, `<\/script>`) {
		t.Errorf("body = %s; want </ escaped", body)
	}
	if got := resp.Header.Get("Cache-Control"); got != "private, max-age=300" {
		t.Errorf("Cache-Control = %q", got)
	}
}

func TestProcessedCrashKeepsWhatIsPublic(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{}, store{})
	_, body := get(t, "GET", base+"/api/ProcessedCrash/?pretty=print&crash_id="+string(known))
	if !strings.HasPrefix(body, "{\n  \"") {
		t.Errorf("pretty=print gives %.40q; want it indented by 2", body)
	}
	got := decode(t, body)
	if got["signature"] != "main" || got["app_notes"] != "public note" || got["uptime_ts"] != 1.5 || got["claim_epoch"] != 7.0 {
		t.Errorf("processed crash = %v; want its public fields", got)
	}
	thread := got["json_dump"].(map[string]any)["threads"].([]any)[0].(map[string]any)
	want := map[string]any{"frame": 0.0, "function": "main"}
	if diff := cmp.Diff(want, thread["frames"].([]any)[0]); diff != "" {
		t.Errorf("frame differs (-want +got):\n%s", diff)
	}
}

func TestDumpsAreStreamedWhereAllowed(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{AllowRawDumps: true}, store{})
	for _, c := range []struct{ name, status, body, file string }{
		{"", "200 OK", "MDMPupload_file_minidump", string(known) + ".dmp"},
		{"applog", "200 OK", "MDMPapplog", string(known) + "-applog.bin"},
		{"other", "404 Not Found", `{"error":"Not found: other of ` + string(known) + `"}` + "\n", ""},
		{"../../etc/passwd", "400 Bad Request", `{"errors":{"name":["Use letters, digits and _, at most 30."]}}` + "\n", ""},
	} {
		url := base + "/api/RawCrash/?format=raw&crash_id=" + string(known)
		if c.name != "" {
			url += "&name=" + c.name
		}
		resp, body := get(t, "GET", url)
		if resp.Status != c.status || body != c.body {
			t.Errorf("dump %q = %s %q; want %s %q", c.name, resp.Status, body, c.status, c.body)
		}
		if c.file != "" && resp.Header.Get("Content-Disposition") != `attachment; filename="`+c.file+`"` {
			t.Errorf("dump %q: Content-Disposition = %q", c.name, resp.Header.Get("Content-Disposition"))
		}
	}
}

func TestLiveEndpoints(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{}, store{})
	resp, body := get(t, "GET", base+"/api/Queue/")
	if resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the queue may be cached")
	}
	got := decode(t, body)
	want := map[string]any{
		"by_state":        map[string]any{"queued": 4.0, "claimed": 0.0, "processed": 0.0, "parked": 0.0, "deferred": 0.0},
		"waiting_by_lane": map[string]any{"priority": 0.0, "normal": 4.0, "reprocessing": 0.0},
		"oldest":          "2026-09-18T00:00:00.000000+00:00",
		"outbox":          map[string]any{"index": map[string]any{"waiting": 2.0, "parked": 1.0, "oldest": nil}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queue differs (-want +got):\n%s", diff)
	}
	_, body = get(t, "GET", base+"/api/Actors/")
	actor := decode(t, body)["actors"].([]any)[0].(map[string]any)
	if actor["path"] != "engine/dispatcher" || actor["handled"] != 9.0 || actor["backoff_until"] != nil {
		t.Errorf("actor = %v", actor)
	}
	_, body = get(t, "GET", base+"/api/QueueStatus/?crash_id="+string(known))
	if s := decode(t, body); s["state"] != "claimed" || s["lane"] != "priority" || s["failed"] != true || s["changed"] != nil {
		t.Errorf("status = %v", s)
	}
}

func TestEveryListedEndpointAnswers(t *testing.T) {
	t.Parallel()
	base := serve(t, api.Config{}, store{})
	_, body := get(t, "GET", base+"/api/")
	list := decode(t, body)["endpoints"].([]any)
	if len(list) != 5 {
		t.Fatalf("%d endpoints; want 5", len(list))
	}
	for _, e := range list {
		path := e.(map[string]any)["path"].(string)
		if resp, _ := get(t, "GET", base+path+"?crash_id="+string(known)); resp.StatusCode != 200 {
			t.Errorf("GET %s = %s", path, resp.Status)
		}
	}
}

func TestStoresBeingDownIsToldAsSuch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{fmt.Errorf("storage/test: %w", socorro.ErrUnavailable), 503, `{"error":"unavailable, try again later"}`},
		{errors.New("secret path /var/lib"), 500, `{"error":"internal error"}`},
	} {
		base := serve(t, api.Config{}, store{err: c.err})
		for _, path := range []string{"/api/RawCrash/", "/api/ProcessedCrash/", "/api/Queue/", "/api/QueueStatus/"} {
			resp, body := get(t, "GET", base+path+"?crash_id="+string(known))
			if resp.StatusCode != c.status || body != c.want {
				t.Errorf("GET %s = %d %s; want %d %s", path, resp.StatusCode, body, c.status, c.want)
			}
		}
	}
}

func TestNewWantsItsDependencies(t *testing.T) {
	t.Parallel()
	if _, err := api.New(api.Config{}, api.Deps{}); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("New without dependencies = %v; want ErrInvalid", err)
	}
}
