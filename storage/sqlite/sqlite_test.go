package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"socorro"
	"socorro/storage/sqlite"
	"socorro/storage/storagetest"
)

func TestMain(m *testing.M) {
	os.Exit(storagetest.Main(m, map[string]storagetest.Writer{"queue": writeQueue, "index": writeIndex}))
}

func openQueue(t testing.TB, dir string, now func() time.Time) *sqlite.Queue {
	t.Helper()
	q, err := sqlite.OpenQueue(t.Context(), filepath.Join(dir, "queue.db"), sqlite.QueueConfig{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func queueStore(t testing.TB, dir string, now func() time.Time) storagetest.QueueStore {
	return openQueue(t, dir, now)
}

func TestQueueKeepsThePromises(t *testing.T) { storagetest.Queue(t, queueStore) }

func TestOutboxKeepsThePromises(t *testing.T) { storagetest.Deliveries(t, queueStore) }

// writeQueue enqueues, claims and commits, from four goroutines.
func writeQueue(dir string, acked func(...any)) error {
	ctx := context.Background()
	q, err := sqlite.OpenQueue(ctx, filepath.Join(dir, "queue.db"), sqlite.QueueConfig{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for worker := range 4 {
		go func() {
			for n := worker; ; n += 4 {
				id := storagetest.ID(n)
				if _, err := q.Enqueue(ctx, id, socorro.Normal); err != nil {
					failed <- err
				}
				acked(socorro.Queued, id)
				claims, err := q.Claim(ctx, "me", 1, time.Hour)
				if err != nil {
					failed <- err
				}
				for _, c := range claims {
					acked(socorro.Claimed, c.ID)
					if err := q.Commit(ctx, c, []string{"index"}); err != nil {
						failed <- err
					}
					acked(socorro.Done, c.ID)
				}
			}
		}()
	}
	return <-failed
}

func TestKilledQueueHasEveryAnswer(t *testing.T) {
	t.Parallel()
	rank := map[socorro.CrashState]int{socorro.Queued: 1, socorro.Claimed: 2, socorro.Done: 3}
	for round := range 3 {
		dir := t.TempDir()
		acked := storagetest.Kill(t, "queue", dir, 50+31*round)
		q := openQueue(t, dir, time.Now)
		rows, err := q.Peek(t.Context(), "index", 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		outbox := map[socorro.CrashID]int{}
		for _, r := range rows {
			outbox[r.ID]++
		}
		for _, words := range acked {
			state, id := socorro.CrashState(words[0]), socorro.CrashID(words[1])
			s, err := q.Status(t.Context(), id)
			if err != nil || rank[s.State] < rank[state] {
				t.Errorf("%s was answered to be %s and is %s, %v", id, state, s.State, err)
			}
			if (s.State == socorro.Done) != (outbox[id] == 1) {
				t.Errorf("%s is %s with %d rows in the outbox", id, s.State, outbox[id])
			}
		}
	}
}

func openIndex(t testing.TB, dir string) *sqlite.Index {
	t.Helper()
	x, err := sqlite.OpenIndex(t.Context(), filepath.Join(dir, "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

func writeIndex(dir string, acked func(...any)) error {
	x, err := sqlite.OpenIndex(context.Background(), filepath.Join(dir, "index.db"))
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		id := storagetest.ID(n)
		if err := x.Save(context.Background(), storagetest.Raw(id), storagetest.Processed(id, 1)); err != nil {
			return fmt.Errorf("writer: %w", err)
		}
		acked(id)
	}
}

func TestIndexKeepsThePromises(t *testing.T) {
	storagetest.Index(t, func(t testing.TB, dir string, _ func() time.Time) storagetest.IndexStore { return openIndex(t, dir) })
}

func TestKilledIndexHasEveryAnswer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acked := storagetest.Kill(t, "index", dir, 100)
	x := openIndex(t, dir)
	list, err := x.Recent(t.Context(), socorro.CrashFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := x.Count(t.Context(), socorro.CrashFilter{}); n != len(list) || err != nil {
		t.Errorf("Count = %d, %v; %d are listed", n, err, len(list))
	}
	listed := map[socorro.CrashID]bool{}
	for _, c := range list {
		listed[c.ID] = true
	}
	for _, words := range acked {
		if !listed[socorro.CrashID(words[0])] {
			t.Errorf("%s was answered and is not listed", words[0])
		}
	}
}
