package systemtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"socorro"
	"socorro/storage/sqlite"
	"socorro/system/systemtest"
)

const (
	wantAnswered = 220 // crashes whose CrashID a client has seen
	wantKills    = 12
	submitters   = 4
)

// The promise of the whole program: a crash whose CrashID was answered is
// processed and reaches every destination, exactly once in the end, whatever
// happens to the program or to a destination meanwhile.
func TestNoAnsweredCrashIsLostWhenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	telemetry := filepath.Join(dir, "telemetry")
	k := &killTest{
		args: []string{
			"--data", filepath.Join(dir, "data"), "--telemetry", telemetry,
			"--inject-faults", "telemetry:error=5,panic=7", "--inject-faults", "index:error=11,panic=13",
			"--duplicate-window", "0s", "--backoff-initial", "10ms", "--backoff-max", "100ms",
			"--symbols", filepath.Join(systemtest.Root(), "testdata", "symbols"),
		},
		answered: map[socorro.CrashID]bool{},
	}
	k.start(t)

	var done sync.WaitGroup
	stop := make(chan struct{})
	for i := range submitters {
		done.Go(func() { k.submit(t, i, stop) })
	}
	kills := 0
	chance := rand.New(rand.NewPCG(1, 2))
	for kills < wantKills || k.count() < wantAnswered {
		k.waitForMore(t, 1+chance.IntN(30))
		// A random moment inside the work that follows, start-up included.
		time.Sleep(time.Duration(chance.IntN(120)) * time.Millisecond)
		k.server.Load().Kill()
		kills++
		k.start(t)
	}
	close(stop)
	done.Wait()
	server := k.server.Load()

	systemtest.Eventually(t, "queue and outboxes are empty", server.Drained)
	for id := range k.answered {
		crash := server.Processed(t, id)
		if crash.Signature == "" || crash.Product != "Victim" || crash.MDSWStatus != "OK" {
			t.Errorf("crash %s: signature %q product %q walker %q; want a whole crash", id, crash.Signature, crash.Product, crash.MDSWStatus)
		}
	}
	if code, err := server.Stop(); code != 0 || err != nil {
		t.Errorf("after SIGTERM the program ended with %d, %v; want 0\n%s", code, err, server.Log())
	}
	t.Logf("%d crashes answered, %d kills", len(k.answered), kills)
	k.compare(t, "index", indexed(t, filepath.Join(dir, "data", "index.db")))
	k.compare(t, "telemetry", exported(t, telemetry))
}

type killTest struct {
	args   []string
	server atomic.Pointer[systemtest.Server]

	mu       sync.Mutex
	answered map[socorro.CrashID]bool
}

func (k *killTest) start(t *testing.T) {
	t.Helper()
	k.server.Store(systemtest.Start(t, program, k.args...))
}

func (k *killTest) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.answered)
}

// submit posts crashes until stop is closed. While the server is dead its posts fail.
func (k *killTest) submit(t *testing.T, worker int, stop <-chan struct{}) {
	t.Helper()
	dumps := []string{"c_div0.dmp", "c_nullfn.dmp", "cpp_inline.dmp", "rs_panic.dmp"}
	dump := readFile(t, "testdata", "crashes", dumps[worker%len(dumps)])
	contentType, body := systemtest.Form(t, dump, map[string]string{"ProductName": "Victim", "Version": fmt.Sprint(worker)})
	for {
		select {
		case <-stop:
			return
		default:
		}
		status, reply, err := k.server.Load().Post(http.Header{"Content-Type": {contentType}}, bytes.NewReader(body))
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		id, err := systemtest.Accepted(status, reply)
		if err != nil {
			t.Error(err)
			return
		}
		k.mu.Lock()
		k.answered[id] = true
		k.mu.Unlock()
	}
}

// waitForMore waits until n more crashes are answered.
func (k *killTest) waitForMore(t *testing.T, n int) {
	t.Helper()
	before := k.count()
	systemtest.Eventually(t, "more crashes are answered", func() error {
		if k.count() < before+n {
			return fmt.Errorf("%d of %d", k.count()-before, n)
		}
		return nil
	})
}

// compare checks that a destination holds every answered crash once. It may
// hold more: crashes that were stored when the answer was cut off.
func (k *killTest) compare(t *testing.T, name string, got map[socorro.CrashID]int) {
	t.Helper()
	for id := range k.answered {
		if got[id] != 1 {
			t.Errorf("%s has crash %s %d times; want once", name, id, got[id])
		}
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("%s has crash %s %d times; want once", name, id, n)
		}
	}
	t.Logf("%s: %d crashes, %d of them never answered", name, len(got), len(got)-len(k.answered))
}

// indexed counts the rows of the index by crash.
func indexed(t *testing.T, path string) map[socorro.CrashID]int {
	t.Helper()
	index, err := sqlite.OpenIndex(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	got := map[socorro.CrashID]int{}
	for offset := 0; ; offset += 500 {
		rows, err := index.Recent(t.Context(), socorro.CrashFilter{Limit: 500, Offset: offset})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			got[row.ID]++
		}
		if len(rows) == 0 {
			return got
		}
	}
}

// exported counts the files of the telemetry export by crash, each a whole JSON document.
func exported(t *testing.T, dir string) map[socorro.CrashID]int {
	t.Helper()
	got := map[socorro.CrashID]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		id, err := socorro.ParseCrashID(d.Name())
		if err != nil {
			return nil //nolint:nilerr // what a kill left half written has another name
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var report struct{ Signature string }
		if err := json.Unmarshal(data, &report); err != nil || report.Signature == "" {
			t.Errorf("%s: signature %q, %v", path, report.Signature, err)
		}
		got[id]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func readFile(t testing.TB, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{systemtest.Root()}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
