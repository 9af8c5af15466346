package collect_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"socorro"
	"socorro/http/collect"
	"socorro/http/server"
)

// keeper is an Accepter that reads the dumps and remembers what it was given.
type keeper struct {
	mu   sync.Mutex
	kept []kept
	fail error
	hold chan struct{} // when set, Accept waits for it

	forgetful bool // do not look at the dumps
}

type kept struct {
	raw   *socorro.RawCrash
	dumps map[string]string // name to SHA-256 of the file as found on disk
	sizes map[string]int64
	begin map[string]string // first bytes
}

func (k *keeper) Accept(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	if k.hold != nil {
		<-k.hold
	}
	one := kept{raw: raw, dumps: map[string]string{}, sizes: map[string]int64{}, begin: map[string]string{}}
	for _, d := range dumps {
		if k.forgetful {
			continue
		}
		data, err := os.ReadFile(d.Path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != d.SHA256 || int64(len(data)) != d.Size {
			return fmt.Errorf("dump %s: file has %d bytes and sum %s, told %d and %s", d.Name, len(data), got, d.Size, d.SHA256)
		}
		one.dumps[d.Name], one.sizes[d.Name] = d.SHA256, d.Size
		one.begin[d.Name] = string(data[:min(len(data), 64)])
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail != nil {
		return k.fail
	}
	k.kept = append(k.kept, one)
	return nil
}

func (k *keeper) take() []kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.kept
	k.kept = nil
	return all
}

// site is a collector that really listens.
type site struct {
	keeper
	t       testing.TB
	addr    string
	staging string
}

var testNow = time.Date(2026, 11, 23, 9, 48, 27, 344805000, time.UTC)

func newSite(t testing.TB, cfg collect.Config, change ...func(*collect.Deps)) *site {
	t.Helper()
	s := &site{t: t, staging: filepath.Join(t.TempDir(), "staging")}
	cfg.Staging = s.staging
	deps := collect.Deps{Accepter: s, Now: func() time.Time { return testNow }, Rand: func() float64 { return 0.5 }}
	for _, f := range change {
		f(&deps)
	}
	h, err := collect.New(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	app, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h.Register(app)
	h.RegisterDebug(app, false, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, app, ln, 10*time.Second) }()
	t.Cleanup(func() {
		cancel()
		// Go's client dials ahead, and the server waits for connections that were
		// never used as for any other that is at work.
		http.DefaultClient.CloseIdleConnections()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
		s.wantEmptyStaging()
	})
	return s
}

func (s *site) wantEmptyStaging() {
	s.t.Helper()
	left, err := os.ReadDir(s.staging)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(left) > 0 {
		s.t.Errorf("staging holds %v; want nothing", left)
	}
}

// reply is an HTTP answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// raw writes bytes to the collector as they are and reads the final answer.
func (s *site) raw(request io.Reader) (reply, error) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return reply{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(60 * time.Second))
	go func() {
		io.Copy(conn, request) // the collector may close before the end: the answer tells
		conn.(*net.TCPConn).CloseWrite()
	}()
	return readReply(bufio.NewReader(conn))
}

func readReply(br *bufio.Reader) (reply, error) {
	for {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return reply{}, err
		}
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil && resp.ContentLength > int64(len(body)) && len(body) == 0 {
			err = nil // the answer to HEAD tells a length and has no body
		}
		return reply{resp.StatusCode, resp.Header, string(body)}, err
	}
}

// post sends a body by Go's client.
func (s *site) post(contentType string, body io.Reader, header ...string) reply {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/submit", body)
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

const formType = "multipart/form-data; boundary=BB"

// form writes a multipart body; each part is its header lines, an empty line and
// its data, with LF for line ends of the header only.
type form struct{ bytes.Buffer }

func (f *form) field(name, value string) *form {
	fmt.Fprintf(f, "--BB\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
	return f
}

func (f *form) file(name, filename, contentType, data string) *form {
	fmt.Fprintf(f, "--BB\r\nContent-Disposition: form-data; name=%q; filename=%q\r\n", name, filename)
	if contentType != "" {
		fmt.Fprintf(f, "Content-Type: %s\r\n", contentType)
	}
	fmt.Fprintf(f, "\r\n%s\r\n", data)
	return f
}

func (f *form) end() *form {
	f.WriteString("--BB--\r\n")
	return f
}

// oracle returns a folder of real inputs, or skips the test.
func oracle(t testing.TB, folder string) string {
	t.Helper()
	root := os.Getenv("ORACLE")
	if root == "" {
		root = "../../../shared/oracle"
	}
	dir := filepath.Join(root, folder)
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the oracle's folder %s is needed in CI: set ORACLE", folder)
		}
		t.Skipf("no oracle data: set ORACLE to the folder that has %s", folder)
	}
	return dir
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
