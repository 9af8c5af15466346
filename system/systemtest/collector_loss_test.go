package systemtest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"socorro"
	"socorro/system/systemtest"
)

// receipts is what /api/Receipts/ says.
type receipts struct {
	Received, Kept, Spooled, Missing int

	Results map[socorro.Result]map[string]int
	Queue   map[socorro.CrashState]int
}

// balanced waits until every kept crash is processed and none is missing.
func balanced(t *testing.T, s *systemtest.Server, kept int) receipts {
	t.Helper()
	var r receipts
	systemtest.Eventually(t, "every kept crash is processed", func() error {
		r = receipts{}
		if err := s.JSON("/api/Receipts/", &r); err != nil {
			return err
		}
		if r.Kept < kept || r.Spooled != 0 || r.Missing != 0 || r.Queue[socorro.Done] != r.Kept {
			return fmt.Errorf("%d answered, receipts %+v", kept, r)
		}
		return nil
	})
	return r
}

// poster posts crashes that differ, and remembers the answers.
type poster struct {
	dump []byte

	mu       sync.Mutex
	n        int
	answered []socorro.CrashID
	refused  map[int]int
}

func newPoster(t *testing.T) *poster {
	t.Helper()
	return &poster{dump: readFile(t, "testdata", "crashes", "c_nullfn.dmp"), refused: map[int]int{}}
}

// post posts the next crash; err means that no answer came.
func (p *poster) post(t *testing.T, s *systemtest.Server) error {
	t.Helper()
	p.mu.Lock()
	p.n++
	n := p.n
	p.mu.Unlock()
	// What follows the streams of a dump is not looked at, but makes it another one.
	dump := append(bytes.Clone(p.dump), fmt.Sprint(n)...)
	contentType, body := systemtest.Form(t, dump, map[string]string{"ProductName": "Loss", "Version": "1"})
	status, reply, err := s.Post(http.Header{"Content-Type": {contentType}}, bytes.NewReader(body))
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if status != http.StatusOK {
		p.refused[status]++
		return nil
	}
	id, err := systemtest.Accepted(status, reply)
	if err != nil {
		t.Error(err)
	}
	p.answered = append(p.answered, id)
	return nil
}

func (p *poster) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.answered)
}

func (p *poster) processed(t *testing.T, s *systemtest.Server) {
	t.Helper()
	for _, id := range p.answered {
		if crash := s.Processed(t, id); crash.MDSWStatus != "OK" {
			t.Errorf("crash %s: walker %q", id, crash.MDSWStatus)
		}
	}
}

func TestReceiptsBalanceAfterKillsUnderLoad(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := newPoster(t)
	server := systemtest.Start(t, program, "--data", data)
	for range 4 {
		var load sync.WaitGroup
		for range 4 {
			load.Go(func() {
				for p.post(t, server) == nil { // until it is killed
				}
			})
		}
		before := p.count()
		systemtest.Eventually(t, "some crashes are answered", func() error {
			if n := p.count() - before; n < 20 {
				return fmt.Errorf("%d", n)
			}
			return nil
		})
		server.Kill()
		load.Wait()
		server = systemtest.Start(t, program, "--data", data)
	}
	r := balanced(t, server, p.count())
	p.processed(t, server)
	t.Logf("%d answered, receipts %+v", p.count(), r)
}

func TestUploadsGoOnWhileTheCrashStoreIsDown(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := newPoster(t)
	server := systemtest.Start(t, program, "--data", data)
	if err := p.post(t, server); err != nil {
		t.Fatal(err)
	}
	balanced(t, server, 1)
	store, away := filepath.Join(data, "crashes"), filepath.Join(data, "unmounted")
	if err := os.Rename(store, away); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if err := p.post(t, server); err != nil {
			t.Fatal(err)
		}
	}
	var r receipts
	if err := server.JSON("/api/Receipts/", &r); err != nil || r.Kept != 61 || r.Spooled != 60 || r.Missing != 0 {
		t.Errorf("during the outage: %+v, %v; want 60 in the spool", r, err)
	}
	if err := os.Rename(away, store); err != nil {
		t.Fatal(err)
	}
	balanced(t, server, 61)
	p.processed(t, server)
	if len(p.refused) > 0 {
		t.Errorf("uploads were refused: %v", p.refused)
	}
	if code, err := server.Stop(); code != 0 || err != nil {
		t.Errorf("stop: %d, %v\n%s", code, err, server.Log())
	}
}

func TestAFullDiskRefusesAndLosesNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=48m"); err != nil {
		absent(t, "a small disk cannot be mounted: %v (needs root)", err)
	}
	t.Cleanup(func() { syscall.Unmount(data, syscall.MNT_DETACH) })
	p := newPoster(t)
	p.dump = append(p.dump, make([]byte, 300<<10)...)
	// Without a reserve uploads run into the last byte of the disk.
	for _, reserve := range []string{"20", "1"} {
		server := systemtest.Start(t, program, "--data", data, "--min-free", reserve, "--roles", "collector,webapp")
		for tries := 0; tries < 300 && p.refused[http.StatusServiceUnavailable] == 0; tries++ {
			if err := p.post(t, server); err != nil {
				t.Fatal(err)
			}
		}
		if p.refused[http.StatusServiceUnavailable] == 0 || len(p.refused) > 1 {
			t.Fatalf("%d answered, refused %v; want 503 when the disk is full", p.count(), p.refused)
		}
		p.refused = map[int]int{}
		server.Kill()
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT, "size=512m"); err != nil {
		t.Fatal(err)
	}
	server := systemtest.Start(t, program, "--data", data)
	balanced(t, server, p.count())
	p.processed(t, server)
	t.Cleanup(server.Kill)
	t.Logf("%d answered before the disk was full", p.count())
}

func TestADeferredCrashIsProcessedWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rules")
	if err := os.WriteFile(rules, []byte("rule later: product = Loss -> defer\nend_of_life Loss 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := systemtest.Start(t, program, "--data", t.TempDir(), "--collector-rules", rules)
	p := newPoster(t)
	if err := p.post(t, server); err != nil {
		t.Fatal(err)
	}
	systemtest.Eventually(t, "the crash is put off", func() error {
		q, err := server.Queue()
		if err == nil && q.ByState[socorro.Deferred] != 1 {
			err = fmt.Errorf("queue %+v", q.ByState)
		}
		return err
	})
	p.processed(t, server) // asks
	resp, err := http.Get(server.URL + "/debug/uploads")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page bytes.Buffer
	page.ReadFrom(resp.Body)
	if text := page.String(); resp.StatusCode != 200 || !strings.Contains(text, string(p.answered[0])) || !strings.Contains(text, "None is missing") {
		t.Errorf("/debug/uploads = %d\n%s", resp.StatusCode, text)
	}
}

func TestAReportIsRecognisedAfterARestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	send := func(server *systemtest.Server) string {
		contentType, body := systemtest.Form(t, readFile(t, "testdata", "crashes", "c_div0.dmp"), map[string]string{"ProductName": "Again", "Version": time.Now().String()})
		_, reply, err := server.Post(http.Header{"Content-Type": {contentType}}, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	server := systemtest.Start(t, program, "--data", data)
	first := send(server)
	server.Kill()
	server = systemtest.Start(t, program, "--data", data)
	if again := send(server); again != first {
		t.Errorf("after a kill the same dump got %q; want %q", again, first)
	}
	r := balanced(t, server, 1)
	if r.Kept != 1 || r.Results[socorro.Duplicate][""] != 1 {
		t.Errorf("receipts %+v; want one crash and one duplicate", r)
	}
}
