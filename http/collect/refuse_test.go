package collect_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"socorro"
	"socorro/http/collect"
)

// zeros is a body of n zero bytes that costs nothing.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func gzipOf(t *testing.T, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func fileOf(r io.Reader) io.Reader {
	return io.MultiReader(
		strings.NewReader("--BB\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"),
		r, strings.NewReader("\r\n--BB--\r\n"))
}

func manyParts(n int) *form {
	f := new(form)
	for i := range n {
		f.field(fmt.Sprint("key", i), "v")
	}
	return f.end()
}

func manyFields(n, size int) io.Reader {
	f := new(form)
	for i := range n {
		f.field(fmt.Sprint("key", i), strings.Repeat("x", size))
	}
	return f.end()
}

func TestHostileUploadsGetAClearAnswer(t *testing.T) {
	t.Parallel()
	good := new(form).field("a", "b").file("upload_file_minidump", "x", "", "MDMPdata").end().Bytes()
	goodGzip := gzipOf(t, bytes.NewReader(good))
	badSum := bytes.Clone(goodGzip)
	badSum[len(badSum)-6] ^= 1
	json := func(text string) *form {
		return new(form).file("extra", "extra.json", "application/json", text).end()
	}
	reg := prometheus.NewRegistry()
	s := newSite(t, collect.Config{MaxBody: 8 << 20, MaxInflated: 64 << 20, MaxAnnotations: 2 << 20, MaxText: 1 << 20},
		func(d *collect.Deps) { d.Metrics = reg })
	for _, c := range []struct {
		name, contentType, encoding string
		body                        io.Reader
		status                      int
		want                        string
	}{
		{"nothing at all", "", "", nil, 400, "no_content_type"},
		{"an empty body", formType, "", nil, 400, "no_content_length"},
		{"an empty chunked body", formType, "", io.MultiReader(strings.NewReader("")), 400, "invalid_payload_structure"},
		{"no multipart", "text/plain", "", strings.NewReader("hello"), 400, "wrong_content_type"},
		{"no content type", "", "", strings.NewReader("hello"), 400, "no_content_type"},
		{"no boundary", "multipart/form-data", "", bytes.NewReader(good), 400, "no_boundary"},
		{"a huge boundary", "multipart/form-data; boundary=" + strings.Repeat("x", 300), "", bytes.NewReader(good), 400, "no_boundary"},
		{"another boundary", "multipart/form-data; boundary=CC", "", bytes.NewReader(good), 400, "invalid_payload_structure"},
		{"a body cut off in its dump", formType, "", bytes.NewReader(good[:len(good)-12]), 400, "invalid_payload_structure"},
		{"a body cut off in a part's header", formType, "", bytes.NewReader(good[:40]), 400, "invalid_payload_structure"},
		{"a part header that is too large", formType, "", strings.NewReader("--BB\r\nX: " + strings.Repeat("x", 9000) + "\r\n\r\n\r\n--BB--\r\n"), 400, "invalid_payload_structure"},
		{"a part header of too many lines", formType, "", strings.NewReader("--BB\r\n" + strings.Repeat("a\r\n", 2000) + "\r\n\r\n--BB--\r\n"), 400, "invalid_payload_structure"},
		{"an endless part header line", formType, "", io.MultiReader(strings.NewReader("--BB\r\nX: "), zeros(1<<20)), 400, "invalid_payload_structure"},
		{"an unknown transfer encoding", formType, "", strings.NewReader("--BB\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: rot13\r\n\r\n\r\n--BB--\r\n"), 400, "invalid_payload_structure"},
		{"base64 that is none", formType, "", strings.NewReader("--BB\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--BB--\r\n"), 400, "invalid_payload_structure"},
		{"10,000 parts", formType, "", manyParts(10_000), 400, "too_many_parts"},
		{"a huge annotation name", formType, "", new(form).field(strings.Repeat("n", 600), "v").end(), 400, "annotation_name_too_long"},
		{"a huge annotation name in JSON", formType, "", json(`{"` + strings.Repeat("n", 600) + `": 1}`), 400, "annotation_name_too_long"},
		{"too much text altogether", formType, "", manyFields(30, 100_000), 400, "annotations_too_large"},
		{"no JSON", formType, "", json("{"), 400, "invalid_json"},
		{"two JSON values", formType, "", json("{} {}"), 400, "invalid_json"},
		{"no JSON object", formType, "", json("[1]"), 400, "invalid_json_value"},
		{"JSON in no known charset", formType, "", json("{\"a\": \"\xff\"}"), 400, "invalid_json"},
		{"deep JSON", formType, "", json(`{"a":` + strings.Repeat("[", 50_000)), 400, "invalid_json"},
		{"JSON of many values", formType, "", json(`{"a":[` + strings.Repeat("1,", 200_000) + "1]}"), 400, "json_too_large"},
		{"huge JSON", formType, "", json(`{"a":"` + strings.Repeat("x", 2<<20) + `"}`), 400, "json_too_large"},
		{"a reserved name", formType, "", new(form).field("a", "b").file("raw_crash", "x", "", "x").end(), 400, "invalid_dump_name"},
		{"only a file that is no dump", formType, "", new(form).file("log", "x", "", "text").end(), 400, "no_annotations"},
		{"too many bytes, announced", formType, "", bytes.NewReader(make([]byte, 9<<20)), 413, "body_too_large"},
		{"too many bytes, chunked", formType, "", fileOf(zeros(9 << 20)), 413, "body_too_large"},
		{"a gzip bomb", formType, "gzip", bytes.NewReader(gzipOf(t, fileOf(zeros(60<<20)))), 413, "inflate_ratio"},
		{"plain text called gzip", formType, "gzip", bytes.NewReader(good), 400, "bad_gzip"},
		{"gzip cut off", formType, "gzip", bytes.NewReader(goodGzip[:len(goodGzip)-20]), 400, "bad_gzip"},
		{"gzip without its checksum", formType, "gzip", bytes.NewReader(goodGzip[:len(goodGzip)-8]), 400, "bad_gzip"},
		{"gzip with a wrong checksum", formType, "gzip", bytes.NewReader(badSum), 400, "bad_gzip"},
		{"plain text called deflate", formType, "deflate", strings.NewReader("\xff\xff\xff\xff"), 400, "bad_deflate"},
		{"plain text called zstd", formType, "zstd", bytes.NewReader(good), 400, "bad_zstd"},
		{"an unknown encoding", formType, "br", bytes.NewReader(good), 415, "unknown_encoding"},
		{"an encoding of an encoding", formType, "gzip, zstd", bytes.NewReader(good), 415, "unknown_encoding"},
	} {
		before := testutil.ToFloat64(counterOf(t, reg, c.want))
		r := s.post(c.contentType, c.body, "Content-Encoding", c.encoding)
		if want := "Discarded=malformed_" + c.want; r.status != c.status || r.body != want {
			t.Errorf("%s = %d %q; want %d %q", c.name, r.status, r.body, c.status, want)
		}
		if got := testutil.ToFloat64(counterOf(t, reg, c.want)); got != before+1 {
			t.Errorf("%s: metric malformed{reason=%q} grew by %v; want 1", c.name, c.want, got-before)
		}
		s.wantEmptyStaging()
	}
	if all := s.take(); len(all) > 0 {
		t.Errorf("%d hostile uploads were kept", len(all))
	}
	k := s.wantAccepted(s.post(formType, bytes.NewReader(good)))
	if k.begin[socorro.MainDump] != "MDMPdata" {
		t.Errorf("after all that a good crash is kept as %+v", k)
	}
}

// counterOf reads one series of the malformed metric.
func counterOf(t *testing.T, reg *prometheus.Registry, reason string) prometheus.Counter {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "copy"})
	for _, f := range families {
		if !strings.HasSuffix(f.GetName(), "_malformed_total") {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == reason {
				c.Add(m.GetCounter().GetValue())
			}
		}
	}
	return c
}

func TestADecompressionBombIsStoppedByItsSize(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{MaxInflated: 1 << 20})
	r := s.post(formType, bytes.NewReader(gzipOf(t, fileOf(zeros(2<<20)))), "Content-Encoding", "gzip")
	if r.status != 413 || r.body != "Discarded=malformed_inflated_too_large" {
		t.Errorf("answer = %d %q; want 413 inflated_too_large", r.status, r.body)
	}
}

func TestMemoryDoesNotGrowWithTheBody(t *testing.T) {
	s := newSite(t, collect.Config{MaxBody: 200 << 20})
	s.forgetful = true
	s.post(formType, fileOf(zeros(1<<20))) // warm up
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body := io.MultiReader(strings.NewReader(new(form).field("a", "b").String()), fileOf(zeros(100<<20)))
	r := s.post(formType, body)
	runtime.ReadMemStats(&after)
	if r.status != 200 {
		t.Errorf("100 MiB = %d %q; want 200", r.status, r.body)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("a body of 100 MiB cost %d bytes of memory, client included; want at most 8 MiB", grown)
	}
}

func TestASlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{ReadIdle: 100 * time.Millisecond})
	pr, pw := io.Pipe() // stays open: the client says nothing more, and does not hang up
	s.t.Cleanup(func() { pw.Close() })
	go io.WriteString(pw, "POST /submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: "+formType+"\r\n\r\n5\r\n--BB\r")
	r, err := s.raw(pr)
	if err != nil {
		t.Fatal(err)
	}
	if r.status != 408 || r.body != "Discarded=malformed_body_timeout" {
		t.Errorf("a client that stops = %d %q; want 408", r.status, r.body)
	}
}

func TestAClientThatTricklesIsCutOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{ReadIdle: 10 * time.Second, ReadTotal: 300 * time.Millisecond})
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /submit HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: %s\r\n\r\n", formType)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for { // until the collector closes
			if _, err := io.WriteString(conn, "1\r\n-\r\n"); err != nil {
				return
			}
			runtime.Gosched()
		}
	})
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	answer, _ := io.ReadAll(conn)
	if len(answer) > 0 && !bytes.Contains(answer, []byte(" 408 ")) && !bytes.Contains(answer, []byte(" 413 ")) {
		t.Errorf("a client that trickles for ever got %.80q; want to be cut off", answer)
	}
	conn.Close()
}

func TestAClientThatGoesAwayLeavesNothing(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	s := newSite(t, collect.Config{}, func(d *collect.Deps) { d.Metrics = reg })
	for _, framing := range []string{"Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n4000\r\n"} {
		request := "POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: " + formType + "\r\n" + framing +
			new(form).file("upload_file_minidump", "x", "", "MDMP"+strings.Repeat("x", 20_000)).String()
		r, err := s.raw(strings.NewReader(request))
		if err != nil {
			t.Fatal(err)
		}
		if r.status != 400 || r.body != "Discarded=malformed_invalid_payload_structure" {
			t.Errorf("answer = %d %q; want 400", r.status, r.body)
		}
		s.wantEmptyStaging()
	}
	if len(s.take()) > 0 {
		t.Error("half a crash was kept")
	}
}

func TestARefusedBodyDoesNotBecomeTheNextRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	inner := "POST /submit HTTP/1.1\r\nHost: x\r\n\r\n"
	request := "POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: " + fmt.Sprint(len(inner)) + "\r\n\r\n" + inner +
		"GET /__version__ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	answers, _ := io.ReadAll(conn)
	if n := bytes.Count(answers, []byte("HTTP/1.1 ")); n != 2 || !bytes.Contains(answers, []byte("HTTP/1.1 200")) {
		t.Errorf("%d answers: %q; want the refusal and the version", n, answers)
	}
}

func TestStoresBeingDownIsAnHonestAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	for _, c := range []struct {
		err        error
		status     int
		retryAfter string
	}{
		{fmt.Errorf("storage/fs: save: %w", socorro.ErrUnavailable), 503, "30"},
		{errors.New("a fault with /secret/path"), 500, ""},
	} {
		s.mu.Lock()
		s.fail = c.err
		s.mu.Unlock()
		r := s.post(formType, new(form).field("a", "b").end())
		if r.status != c.status || r.header.Get("Retry-After") != c.retryAfter || strings.Contains(r.body, "CrashID") || strings.Contains(r.body, "secret") {
			t.Errorf("%v = %d %q, Retry-After %q; want %d %q", c.err, r.status, r.body, r.header.Get("Retry-After"), c.status, c.retryAfter)
		}
		s.wantEmptyStaging()
	}
}

func TestAStagingDirectoryThatIsGoneIsAnHonestAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	if err := os.Remove(s.staging); err != nil {
		t.Fatal(err)
	}
	r := s.post(formType, new(form).file("f", "f", "", "x").end())
	if r.status != 503 {
		t.Errorf("answer = %d %q; want 503", r.status, r.body)
	}
	if err := os.Mkdir(s.staging, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestUploadsBeyondTheLimitWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{MaxUploads: 1, ReadIdle: 200 * time.Millisecond})
	s.hold = make(chan struct{})
	first := make(chan reply, 1)
	go func() { first <- s.post(formType, new(form).field("a", "1").file("f", "f", "", "x").end()) }()
	for staged := 0; staged == 0; { // the first one is at work
		entries, err := os.ReadDir(s.staging)
		if err != nil {
			t.Fatal(err)
		}
		staged = len(entries)
	}
	if r := s.post(formType, new(form).field("a", "2").end()); r.status != 503 || r.header.Get("Retry-After") == "" {
		t.Errorf("the second upload = %d %q; want 503", r.status, r.body)
	}
	second := make(chan reply, 1)
	go func() { second <- s.post(formType, new(form).field("a", "3").end()) }()
	close(s.hold)
	if r := <-first; r.status != 200 {
		t.Errorf("the first upload = %d %q; want 200", r.status, r.body)
	}
	if r := <-second; r.status != 200 {
		t.Errorf("an upload that waited = %d %q; want 200", r.status, r.body)
	}
}

func TestNewChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		cfg  collect.Config
		deps collect.Deps
	}{
		"no staging":       {collect.Config{}, collect.Deps{Accepter: &keeper{}}},
		"no accepter":      {collect.Config{Staging: dir}, collect.Deps{}},
		"unknown rules":    {collect.Config{Staging: dir, Throttle: collect.ThrottleConfig{Rules: "x"}}, collect.Deps{Accepter: &keeper{}}},
		"a negative limit": {collect.Config{Staging: dir, MaxBody: -1}, collect.Deps{Accepter: &keeper{}}},
	} {
		if _, err := collect.New(c.cfg, c.deps); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("New with %s = %v; want ErrInvalid", name, err)
		}
	}
}

func TestNewRemovesWhatAKilledCollectorLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{"upload-old": 48 * time.Hour, "upload-new": 0, "other": 48 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "1"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := collect.New(collect.Config{Staging: dir}, collect.Deps{Accepter: &keeper{}}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Name() != "other" || entries[1].Name() != "upload-new" {
		t.Errorf("staging holds %v; want other and upload-new", entries)
	}
}
