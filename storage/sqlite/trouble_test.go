package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socorro"
	"socorro/storage/sqlite"
	"socorro/storage/storagetest"
)

// rawDB opens a file beside the package, as an operator with a shell would.
func rawDB(t *testing.T, path string, statements ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return db
}

func TestOpenExplainsAFileThatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	index := t.TempDir()
	openIndex(t, index)
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	rawDB(t, foreign, "CREATE TABLE t (x)", "PRAGMA user_version = 3")
	newer := filepath.Join(t.TempDir(), "queue.db")
	openQueue(t, filepath.Dir(newer), time.Now)
	rawDB(t, newer, "PRAGMA user_version = 99")
	for name, c := range map[string]struct {
		path string
		kind error
		says string
	}{
		"a text":         {text, socorro.ErrUnavailable, "damaged or no database"},
		"an index":       {filepath.Join(index, "index.db"), socorro.ErrInvalid, "no queue of ours"},
		"a foreign file": {foreign, socorro.ErrInvalid, "no queue of ours"},
		"a newer queue":  {newer, socorro.ErrInvalid, "newer version"},
		"a folder":       {t.TempDir(), socorro.ErrUnavailable, "cannot be opened"},
	} {
		q, err := sqlite.OpenQueue(t.Context(), c.path, sqlite.QueueConfig{})
		if err == nil {
			err = q.Close()
			t.Errorf("%s was opened (closing: %v)", name, err)
		} else if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("opening %s = %v; want %v that says %q", name, err, c.kind, c.says)
		}
	}
}

func TestPathsMayHoldAnyCharacter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e", "ü")
	openQueue(t, dir, time.Now)
	if _, err := os.Stat(filepath.Join(dir, "queue.db")); err != nil {
		t.Error(err)
	}
}

// TestFullDatabaseLosesNothing limits the pages of the file, which gives the
// error of a full disk.
func TestFullDatabaseLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := openQueue(t, dir, time.Now)
	if err := q.Exec(t.Context(), "PRAGMA max_page_count = 60"); err != nil {
		t.Fatal(err)
	}
	var kept []socorro.CrashID
	var full error
	for n := 0; full == nil && n < 100_000; n++ {
		if _, full = q.Enqueue(t.Context(), storagetest.ID(n), socorro.Normal); full == nil {
			kept = append(kept, storagetest.ID(n))
		}
	}
	if !errors.Is(full, socorro.ErrUnavailable) || !strings.Contains(full.Error(), "disk is full") {
		t.Fatalf("after %d crashes Enqueue = %v; want ErrUnavailable that says what to do", len(kept), full)
	}
	for _, id := range kept {
		if _, err := q.Status(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Exec(t.Context(), "PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Enqueue(t.Context(), storagetest.ID(1_000_000), socorro.Normal); err != nil {
		t.Error("with room again:", err)
	}
}

func TestLockedDatabaseIsUnavailableAndReadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q := openQueue(t, dir, time.Now)
	if _, err := q.Enqueue(t.Context(), storagetest.ID(1), socorro.Normal); err != nil {
		t.Fatal(err)
	}
	if err := q.Exec(t.Context(), "PRAGMA busy_timeout = 20"); err != nil {
		t.Fatal(err)
	}
	other := rawDB(t, filepath.Join(dir, "queue.db"), "BEGIN IMMEDIATE")
	_, err := q.Enqueue(t.Context(), storagetest.ID(2), socorro.Normal)
	if !errors.Is(err, socorro.ErrUnavailable) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("Enqueue = %v; want ErrUnavailable that says why", err)
	}
	if _, err := q.Status(t.Context(), storagetest.ID(1)); err != nil {
		t.Error("reading waits for the lock:", err)
	}
	if _, err := other.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if added, err := q.Enqueue(t.Context(), storagetest.ID(2), socorro.Normal); !added || err != nil {
		t.Errorf("with the lock gone Enqueue = %t, %v", added, err)
	}
}

func TestDamagedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "queue.db")
	q, err := sqlite.OpenQueue(t.Context(), path, sqlite.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 500 {
		if _, err := q.Enqueue(t.Context(), storagetest.ID(n), socorro.Normal); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8192; i < len(file); i++ { // the schema stays, the rows do not
		file[i] = 0xA5
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if q, err = sqlite.OpenQueue(t.Context(), path, sqlite.QueueConfig{}); err == nil {
		_, err = q.Enqueue(t.Context(), storagetest.ID(0), socorro.Normal)
		if closing := q.Close(); closing != nil {
			t.Error(closing)
		}
	}
	if !errors.Is(err, socorro.ErrUnavailable) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file = %v; want ErrUnavailable that says so", err)
	}
}

func TestOneFailureHurtsNobodyElseInTheBatch(t *testing.T) {
	t.Parallel()
	q := openQueue(t, t.TempDir(), time.Now)
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			if n%2 == 0 {
				if _, err := q.Enqueue(t.Context(), storagetest.ID(n), socorro.Normal); err != nil {
					t.Error(err)
				}
				return
			}
			c := socorro.Claim{ID: storagetest.ID(n), Epoch: 1}
			if err := q.Commit(t.Context(), c, nil); !errors.Is(err, socorro.ErrNotFound) {
				t.Errorf("Commit of an unknown crash = %v; want ErrNotFound", err)
			}
		})
	}
	all.Wait()
	if d, err := q.Depth(t.Context()); err != nil || d.ByState[socorro.Queued] != 100 {
		t.Errorf("Depth = %v, %v; want 100 queued", d, err)
	}
}

func TestCloseAnswersEverybody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	q, err := sqlite.OpenQueue(t.Context(), filepath.Join(dir, "queue.db"), sqlite.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	answers := make([]error, 300)
	var all sync.WaitGroup
	started := make(chan struct{}, len(answers))
	for n := range answers {
		all.Go(func() {
			started <- struct{}{}
			_, answers[n] = q.Enqueue(context.Background(), storagetest.ID(n), socorro.Normal)
		})
	}
	for range len(answers) / 2 {
		<-started
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	again := openQueue(t, dir, time.Now)
	for n, err := range answers {
		_, status := again.Status(t.Context(), storagetest.ID(n))
		switch {
		case err == nil && status != nil:
			t.Errorf("crash %d was answered and is lost: %v", n, status)
		case err != nil && !errors.Is(err, socorro.ErrUnavailable):
			t.Errorf("Enqueue after Close = %v; want ErrUnavailable", err)
		}
	}
	if err := q.Close(); err != nil {
		t.Error("second Close:", err)
	}
}

func TestCancelledCallWritesNothing(t *testing.T) {
	t.Parallel()
	q := openQueue(t, t.TempDir(), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Enqueue(ctx, storagetest.ID(1), socorro.Normal); !errors.Is(err, context.Canceled) {
		t.Errorf("Enqueue = %v; want context.Canceled", err)
	}
	if _, err := q.Status(t.Context(), storagetest.ID(1)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Status = %v; want ErrNotFound", err)
	}
}

func TestDepthNamesIdleDestinations(t *testing.T) {
	t.Parallel()
	q, err := sqlite.OpenQueue(t.Context(), filepath.Join(t.TempDir(), "q.db"), sqlite.QueueConfig{Destinations: []string{"index"}})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	d, err := q.Depth(t.Context())
	if _, named := d.Outbox["index"]; !named || err != nil {
		t.Errorf("Depth = %+v, %v; want the index named", d, err)
	}
}

// TestQueriesNeverReadWholeTables asks SQLite how it would run each query: a
// SCAN of a table grows with it, a SEARCH does not, and what comes out of an
// index in order needs no sorting.
func TestQueriesNeverReadWholeTables(t *testing.T) {
	t.Parallel()
	q, x := openQueue(t, t.TempDir(), time.Now), openIndex(t, t.TempDir())
	if err := x.Save(t.Context(), nil, storagetest.Processed(storagetest.ID(1), 1)); err != nil {
		t.Fatal(err)
	}
	for name, query := range sqlite.QueueQueries() {
		plan, err := q.Plan(t.Context(), query)
		checkPlan(t, name, plan, err)
	}
	for name, query := range sqlite.IndexQueries() {
		plan, err := x.Plan(t.Context(), query)
		checkPlan(t, name, plan, err)
	}
	for _, product := range []string{"", "Firefox"} {
		for _, signature := range []string{"", "app::run | main"} {
			plan, err := x.PlanRecent(t.Context(), socorro.CrashFilter{Product: product, Signature: signature})
			checkPlan(t, fmt.Sprintf("recent of %q, %q", product, signature), plan, err)
		}
	}
}

func checkPlan(t *testing.T, name string, plan []string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, step := range plan {
		table, scan := strings.CutPrefix(step, "SCAN ")
		table, index, _ := strings.Cut(table, " ")
		switch {
		case index == "USING INDEX crash_parked": // holds parked crashes only, and they are limited
		case name == "signatureContains" && table == "signature": // few beside the crashes
		case scan && slices.Contains([]string{"crash", "outbox", "signature", "signature_day", "product_day"}, table):
			t.Errorf("%s reads everything: %s", name, strings.Join(plan, "; "))
		case strings.HasSuffix(step, "FOR ORDER BY") && !strings.HasPrefix(name, "sorted "):
			t.Errorf("%s sorts: %s", name, strings.Join(plan, "; "))
		}
	}
}
