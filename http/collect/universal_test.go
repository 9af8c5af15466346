package collect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"socorro"
	"socorro/http/collect"
)

// postTo posts to any path.
func (s *site) postTo(path, contentType, body string, header ...string) reply {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	text.ReadFrom(resp.Body)
	return reply{resp.StatusCode, resp.Header, text.String()}
}

func TestEveryPathTakesUploads(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	body := new(form).field("prod", "Tour").field("ver", "1").file("upload_file_minidump", "x.dmp", "", "MDMP").end().String()
	for _, path := range []string{
		"/submit", "/submit/?id=x&version=1", "/post", "/post?format=minidump&token=secret", "/crashreports", "/cr/report",
		"/api/7/minidump/?sentry_key=secret", "/universe/secret/minidump", "/minidump?apiKey=secret", "/post/bp/crash/crashpad.php",
	} {
		k := s.wantAccepted(s.postTo(path, formType, body))
		if k.raw.Annotations.Product() != "Tour" || strings.Contains(fmt.Sprint(k.raw.Annotations), "secret") {
			t.Errorf("%s: annotations %v; want the product and no secret", path, k.raw.Annotations)
		}
	}
	strict := newSite(t, collect.Config{Strict: true})
	if r := strict.postTo("/post", formType, body); r.status != 404 {
		t.Errorf("strict: /post = %d; want 404", r.status)
	}
}

func TestAMinidumpCompressedInsideItsPartIsUnpacked(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{MaxInflated: 64 << 20})
	pack := func(data string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(data))
		w.Close()
		return b.String()
	}
	dump := "MDMP" + strings.Repeat("x", 100_000)
	k := s.wantAccepted(s.post(formType, new(form).field("a", "b").file("upload_file_minidump", "x.dmp.gz", "application/gzip", pack(dump)).end()))
	if k.sizes[socorro.MainDump] != int64(len(dump)) || !strings.HasPrefix(k.begin[socorro.MainDump], "MDMPxx") {
		t.Errorf("kept %d bytes beginning %q; want the dump itself", k.sizes[socorro.MainDump], k.begin[socorro.MainDump])
	}
	report := pack(`{"memory": 1}`)
	k = s.wantAccepted(s.post(formType, new(form).field("a", "b").file("memory_report", "memory_report.gz", "", report).end()))
	if k.sizes["memory_report"] != int64(len(report)) {
		t.Error("another compressed file was unpacked too")
	}
	for name, c := range map[string]struct{ data, want string }{
		"a bomb":   {pack("MDMP" + strings.Repeat("\x00", 70<<20)), "413 Discarded=malformed_inflate"},
		"damaged":  {pack(dump)[:90] + strings.Repeat("z", 100), "400 Discarded=malformed_bad_gzip"},
		"cut off":  {pack(dump)[:90], "400 Discarded=malformed_bad_gzip"},
		"a header": {"\x1f\x8b", "400 Discarded=malformed_bad_gzip"},
	} {
		r := s.post(formType, new(form).field("a", "b").file("upload_file_minidump", "x.dmp", "", c.data).end())
		if got := fmt.Sprint(r.status, " ", r.body); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s = %q; want %q", name, got, c.want)
		}
	}
}

func TestSentryEnvelopes(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	dump := "MDMP\nwith\n{\"lines\"}"
	event := `{"release":"tour@1.2.3+77","environment":"beta","user":{"email":"who@example.com"},"tags":{"gpu":"none"}}`
	envelope := `{"event_id":"9EC79C33EC9942AB8353589FCB2E04DC","dsn":"https://key@host/1"}` + "\n" +
		`{"type":"event"}` + "\n" + event + "\n" +
		fmt.Sprintf(`{"type":"attachment","length":%d,"filename":"x.dmp","attachment_type":"event.minidump"}`, len(dump)) + "\n" + dump + "\n" +
		`{"type":"session","length":2}` + "\n{}\n" +
		`{"type":"attachment","length":3,"filename":"app.log"}` + "\nlog"
	r := s.postTo("/api/7/envelope/", "application/x-sentry-envelope", envelope)
	var answer struct {
		ID      string `json:"id"`
		CrashID string `json:"crash_id"`
	}
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != 200 || answer.ID != "9ec79c33ec9942ab8353589fcb2e04dc" {
		t.Fatalf("answer %d %q, %v", r.status, r.body, err)
	}
	all := s.take()
	if len(all) != 1 || "bp-"+string(all[0].raw.ID) != answer.CrashID {
		t.Fatalf("kept %d crashes, answered %s", len(all), answer.CrashID)
	}
	a := all[0].raw.Annotations
	if a.Product() != "tour" || a.Version() != "1.2.3" || a.BuildID() != "77" || a.ReleaseChannel() != "beta" || a.Text("gpu") != "none" || strings.Contains(fmt.Sprint(a), "who@") {
		t.Errorf("annotations = %v", a)
	}
	if all[0].sizes[socorro.MainDump] != int64(len(dump)) || all[0].sizes["applog"] != 3 {
		t.Errorf("files = %v", all[0].sizes)
	}
	for name, c := range map[string]struct {
		body   string
		status int
		reason string
	}{
		"a session only":    {"{}\n{\"type\":\"session\"}\n{}\n", 200, "no_minidump"},
		"not JSON":          {"hello", 400, "invalid_json"},
		"cut off":           {"{}\n{\"type\":\"attachment\",\"length\":999}\nMDMP", 400, "invalid_payload_structure"},
		"a negative length": {"{}\n{\"type\":\"attachment\",\"length\":-5}\nMDMP\n", 400, "invalid_json"},
	} {
		if r := s.postTo("/api/7/envelope/", "text/plain", c.body); r.status != c.status || r.body != "Discarded=malformed_"+c.reason {
			t.Errorf("%s = %d %q; want %d %s", name, r.status, r.body, c.status, c.reason)
		}
	}
}

func TestADumpAloneNamesItsProduct(t *testing.T) {
	t.Parallel()
	dump, err := os.ReadFile(filepath.Join(oracle(t, "stackwalk/dumps"), "client-chromium156-001.dmp"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, collect.Config{})
	k := s.wantAccepted(s.post("application/octet-stream", bytes.NewReader(dump)))
	if k.raw.Annotations.Product() != "Chrome_Linux" || k.raw.Annotations.Text("ptype") == "" || k.raw.Metadata.ReportID == "" {
		t.Errorf("product %q, report %q of a Chromium dump", k.raw.Annotations.Product(), k.raw.Metadata.ReportID)
	}
}

// memory is a Ledger.
type memory struct {
	mu    sync.Mutex
	known map[string]socorro.CrashID
	all   []socorro.Receipt
}

func (m *memory) Find(keys []string) (socorro.CrashID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		if id, ok := m.known[k]; ok {
			return id, true
		}
	}
	return "", false
}

func (m *memory) Write(r socorro.Receipt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, r)
	for _, k := range r.Keys {
		m.known[k] = r.ID
	}
	return nil
}

func TestAReportThatIsSentAgainGetsItsFirstAnswer(t *testing.T) {
	t.Parallel()
	ledger := &memory{known: map[string]socorro.CrashID{}}
	s := newSite(t, collect.Config{}, func(d *collect.Deps) { d.Ledger = ledger })
	send := func(filename, dump string) reply {
		return s.post(formType, new(form).field("prod", "Tour").file("upload_file_minidump", filename, "", dump).end())
	}
	const report = "0f0e0d0c-0b0a-4987-8654-321001234567.dmp"
	first := send(report, "MDMP one")
	for name, again := range map[string]reply{
		"the same report": send(report, "MDMP one"),
		"the same id":     send(strings.ToUpper(report[:36]), "MDMP changed on the way"),
		"the same dump":   send("upload.dmp", "MDMP one"),
	} {
		if again.status != 200 || again.body != first.body {
			t.Errorf("%s = %d %q; want %q", name, again.status, again.body, first.body)
		}
	}
	if other := send("upload.dmp", "MDMP two"); other.body == first.body {
		t.Error("another crash got the same id")
	}
	if n := len(s.take()); n != 2 {
		t.Errorf("%d crashes were kept; want 2", n)
	}

	// Many at once: a client that does not wait for its answer.
	var wg sync.WaitGroup
	answers := make([]string, 8)
	for i := range answers {
		wg.Go(func() { answers[i] = send("x.dmp", "MDMP three").body })
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("answers %q; want one", answers)
		}
	}
	if n := len(s.take()); n != 1 {
		t.Errorf("%d crashes were kept; want 1", n)
	}
	results := map[socorro.Result]int{}
	for _, r := range ledger.all {
		results[r.Result]++
	}
	if results[socorro.Accepted] != 3 || results[socorro.Duplicate] != 10 {
		t.Errorf("receipts: %v", results)
	}
}

func TestEveryOutcomeLeavesAReceiptAndATrace(t *testing.T) {
	t.Parallel()
	ledger := &memory{known: map[string]socorro.CrashID{}}
	policy, err := collect.ParsePolicy(strings.NewReader("rule no: product = Bad -> reject\nrule later: product = Late -> defer\n"))
	if err != nil {
		t.Fatal(err)
	}
	full := false
	s := newSite(t, collect.Config{Policy: policy}, func(d *collect.Deps) {
		d.Ledger = ledger
		d.Room = func(int64) error {
			if full {
				return fmt.Errorf("full: %w", socorro.ErrUnavailable)
			}
			return nil
		}
	})
	for _, product := range []string{"Good", "Bad", "Late"} {
		s.post(formType, new(form).field("prod", product).end())
	}
	s.post("text/html", strings.NewReader("x"))
	s.post(formType, new(form).field("uuid", "x").end())
	full = true
	if r := s.post(formType, new(form).field("a", "b").end()); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("without room = %d %q; want 503", r.status, r.body)
	}
	want := []string{"accepted accept_everything", "rejected no", "deferred later", "malformed wrong_content_type", "unauthorized uuid", "unavailable no_room"}
	for i, r := range ledger.all {
		if got := string(r.Result) + " " + r.Reason; i >= len(want) || got != want[i] {
			t.Errorf("receipt %d is %q; want one of %q in order", i, got, want)
		}
	}
	resp, err := http.Get("http://" + s.addr + "/debug/uploads?format=json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var shown struct{ Uploads []collect.Trace }
	if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil || len(shown.Uploads) != len(want) {
		t.Fatalf("%d traces, %v; want %d", len(shown.Uploads), err, len(want))
	}
	if last := shown.Uploads[0]; last.Status != 503 || last.Reason != "no_room" {
		t.Errorf("the newest trace is %+v", last)
	}
	req, _ := http.NewRequest(http.MethodGet, "http://"+s.addr+"/debug/uploads", nil)
	req.Header.Set("X-Forwarded-For", "203.0.113.9")
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != 404 {
		t.Errorf("traces through a proxy = %v, %v; want 404", resp.StatusCode, err)
	}
	s.take()
}

func TestMozillasClientGetsLinkAndEndOfLife(t *testing.T) {
	t.Parallel()
	policy, err := collect.ParsePolicy(strings.NewReader("end_of_life Firefox 52.*\nalias game -> ProductName\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, collect.Config{Policy: policy, PublicURL: "https://crash.example.com/"})
	old := new(form).field("ProductName", "Firefox").field("Version", "52.9").end().String()
	r := s.postTo("/submit", formType, old, "User-Agent", "crashreporter/52.9 (linux x86_64)")
	id := string(s.take()[0].raw.ID)
	if want := "CrashID=bp-" + id + "\nViewURL=https://crash.example.com/report/index/" + id + "\nStopSendingReportsFor=52.9\n"; r.body != want {
		t.Errorf("answer %q; want %q", r.body, want)
	}
	if r := s.postTo("/submit", formType, old, "User-Agent", "Crashpad/0.8.0"); strings.Count(r.body, "\n") != 1 {
		t.Errorf("answer to Crashpad %q; want one line", r.body)
	}
	if r := s.postTo("/submit", formType, old, "Accept", "application/json"); !strings.HasPrefix(r.body, `{"crash_id":"bp-`) {
		t.Errorf("answer in JSON %q", r.body)
	}
	s.take()
	k := s.wantAccepted(s.post(formType, new(form).field("game", "Tour").end()))
	if k.raw.Annotations.Product() != "Tour" {
		t.Errorf("an alias of the site's gave %v", k.raw.Annotations)
	}
}

func TestPersonalDataIsStrippedAsConfigured(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{Strip: []string{"Phone"}})
	k := s.wantAccepted(s.post(formType, new(form).field("Phone", "555").field("Email", "kept@example.com").end()))
	if k.raw.Annotations.Text("Phone") != "" || k.raw.Annotations.Text("Email") == "" {
		t.Errorf("annotations %v; want Email only", k.raw.Annotations)
	}
}
