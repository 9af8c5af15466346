package collect

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

const envelopeType = "application/x-sentry-envelope"

// readBody takes a body apart as the handler does.
func readBody(t testing.TB, contentType string, src io.Reader, stage *staging, br *bufio.Reader) (*payload, error) {
	t.Helper()
	cfg, err := Config{Staging: filepath.Dir(stage.prefix)}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	br.Reset(&wire{src: src, declared: -1, max: cfg.MaxBody, idle: time.Hour, until: time.Now().Add(time.Hour)})
	pr := payloadReader{cfg: cfg, stage: stage, log: slog.New(slog.DiscardHandler), br: br}
	return pr.read(contentType, contentType == envelopeType)
}

func TestPartsAgreeWithTheStandardReaderHoweverTheBytesArrive(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	want := map[string]string{}
	for name, data := range map[string]string{
		"empty": "", "small": "x", "crlf": "\r\n", "dashes": "\r\n--", "near": "\r\n--" + w.Boundary()[:10],
		"big": strings.Repeat("0123456789\r\n-", 20_000),
	} {
		part, err := w.CreateFormFile(name, "f")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, data)
		want[name] = data
	}
	w.Close()
	text := "preamble\r\n" + body.String() + "epilogue"
	for how, src := range map[string]io.Reader{
		"at once":       strings.NewReader(text),
		"byte by byte":  iotest.OneByteReader(strings.NewReader(text)),
		"in halves":     iotest.HalfReader(strings.NewReader(text)),
		"end with data": iotest.DataErrReader(strings.NewReader(text)),
	} {
		for _, size := range []int{256, readBuffer} {
			got := map[string]string{}
			p := newParts(bufio.NewReaderSize(src, size), w.Boundary())
			for {
				h, err := p.next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatalf("%s: next = %v", how, err)
				}
				var data []byte
				for {
					b, err := p.chunk()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatalf("%s: chunk = %v", how, err)
					}
					data = append(data, b...)
				}
				got[h.name] = string(data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, buffer %d: parts differ (-want +got):\n%.2000s", how, size, diff)
			}
			src = strings.NewReader(text) // for the second size
		}
	}
}

func TestHeaderParams(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		value  string
		params [][2]string
	}{
		`form-data; name="a b"; filename="C:\dump.dmp"`: {"form-data", [][2]string{{"name", "a b"}, {"filename", `C:\dump.dmp`}}},
		`form-data;name=a;FileName=b`:                   {"form-data", [][2]string{{"name", "a"}, {"filename", "b"}}},
		`form-data; name="a\"b\\c"; x; y = "1;2"`:       {"form-data", [][2]string{{"name", `a"b\c`}, {"y", "1;2"}}},
		`form-data; name="open`:                         {"form-data", [][2]string{{"name", "open"}}},
		`;;;=;`:                                         {"", [][2]string{{"", ""}}},
		``:                                              {"", nil},
	} {
		value, params := headerParams(in)
		if value != want.value {
			t.Errorf("headerParams(%q) = %q; want %q", in, value, want.value)
		}
		if diff := cmp.Diff(want.params, params); diff != "" {
			t.Errorf("headerParams(%q) differs (-want +got):\n%s", in, diff)
		}
	}
}

func TestReasonsAndMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range Reasons() {
		status := r.Status >= 400 && r.Status <= 499 || r.Name == noMinidump && r.Status == 200
		if seen[r.Name] || r.Help == "" || !status {
			t.Errorf("reason %+v: named twice, without help, or no 4xx", r)
		}
		seen[r.Name] = true
		if got := (&malformed{reason: r.Name}).status(); got != r.Status {
			t.Errorf("status of %s = %d; want %d", r.Name, got, r.Status)
		}
	}
	for _, m := range Metrics() {
		if seen[m.Name] || m.Help == "" || strings.HasSuffix(m.Name, "_total") != (m.Kind == "counter") {
			t.Errorf("metric %+v: named twice, without help, or named against its kind", m)
		}
		seen[m.Name] = true
	}
}

func FuzzPayload(f *testing.F) {
	const contentType = "multipart/form-data; boundary=BB"
	f.Add(contentType, []byte("--BB\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--BB--\r\n"))
	f.Add(contentType, []byte("--BB\r\nContent-Disposition: form-data; name=extra\r\nContent-Type: application/json\r\n\r\n{\"a\": NaN}\r\n--BB--"))
	f.Add(contentType, []byte("--BB\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nMDMP\r\n--BB\r\n\r\n--BB--\r\n"))
	f.Add(contentType, []byte("--BB\r\nContent-Disposition: form-data; name=f\r\nContent-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nAAAA\r\n--BB--\r\n"))
	f.Add(contentType, []byte("--BB\r\nContent-Disposition: form-data; name=METADATA\r\n\r\nv\r\n--BB\r\nContent-Disposition: form-data; name=Uuid\r\n\r\n\r\n--BB--\r\n"))
	f.Add("", []byte("MDMP"))
	f.Add(envelopeType, []byte("{\"event_id\":\"x\"}\n{\"type\":\"attachment\",\"length\":4,\"attachment_type\":\"event.minidump\"}\nMDMP\n{\"type\":\"event\"}\n{\"release\":\"a@1\"}"))
	f.Add(contentType, []byte("--BB\r\nContent-Disposition: form-data; name=upload_file_minidump; filename=x\r\n\r\n\x1f\x8b\x08\r\n--BB--\r\n"))
	f.Add("multipart/mixed; boundary=\"", []byte("--"))
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		stage := newStaging(root)
		defer stage.remove()
		p, err := readBody(t, contentType, bytes.NewReader(body), stage, bufio.NewReaderSize(nil, 512))
		if err != nil {
			if _, ok := errors.AsType[*malformed](err); !ok {
				t.Fatalf("error %v is not about the body", err)
			}
			return
		}
		addQuery(p.annotations, nil, 512)
		p.askDump(512)
		cleanAnnotations(p.annotations, personal())
		raw := socorro.RawCrash{Annotations: p.annotations, Metadata: socorro.Metadata{CollectorNotes: p.notes}}
		data, err := raw.MarshalJSON()
		if err != nil {
			t.Fatalf("what was accepted cannot be written: %v", err)
		}
		var back socorro.RawCrash
		if err := back.UnmarshalJSON(data); err != nil {
			t.Fatalf("what was accepted cannot be read again: %v\n%s", err, data)
		}
		if !slices.Equal(slices.Sorted(maps.Keys(raw.Annotations)), slices.Sorted(maps.Keys(back.Annotations))) {
			t.Fatalf("annotations %v came back as %v", raw.Annotations, back.Annotations)
		}
		names := map[string]bool{}
		for _, file := range p.files {
			info, err := os.Stat(file.Path)
			if err != nil || info.Size() != file.Size || filepath.Dir(file.Path) != root {
				t.Fatalf("file %+v is not staged: %v", file, err)
			}
			if names[file.Name] || file.Name == "" || dumpName(file.Name) != file.Name {
				t.Fatalf("file name %q is not unique or not safe", file.Name)
			}
			names[file.Name] = true
		}
	})
}

func BenchmarkPayloadOfFirefox(b *testing.B) {
	root := os.Getenv("ORACLE")
	if root == "" {
		root = "../../../shared/oracle"
	}
	body, err := os.ReadFile(filepath.Join(root, "clients", "firefox153-browser-sigsegv.http-body.bin"))
	if err != nil {
		b.Skipf("no oracle data: %v", err)
	}
	dir := b.TempDir()
	br := bufio.NewReaderSize(nil, readBuffer)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		stage := newStaging(dir)
		p, err := readBody(b, "multipart/form-data; boundary=----geckoformboundaryb1478159bbdd23a038df174192773586", bytes.NewReader(body), stage, br)
		if err != nil || len(p.files) != 1 {
			b.Fatalf("read = %v", err)
		}
		stage.remove()
	}
}
