package storagetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"socorro"
)

// claimRace has many owners at work on one queue.
func claimRace(t queueTest) {
	const crashes, owners = 300, 8
	for n := range crashes {
		t.enqueue(socorro.Lane(n%3), n)
	}
	work(t.T, crashes, slices.Repeat([]QueueStore{t.q}, owners))
}

// work lets each worker claim and commit until nothing is left.
func work(t *testing.T, crashes int, workers []QueueStore) {
	t.Helper()
	var mu sync.Mutex
	owner := map[socorro.CrashID]string{}
	var all sync.WaitGroup
	for i, q := range workers {
		all.Go(func() {
			me := fmt.Sprint("owner ", i)
			for {
				claims, err := q.Claim(t.Context(), me, 3, time.Hour)
				if err != nil {
					t.Error(err)
				}
				if len(claims) == 0 {
					return
				}
				for _, c := range claims {
					mu.Lock()
					if other, twice := owner[c.ID]; twice {
						t.Errorf("%s was claimed by %s and by %s", c.ID, other, me)
					}
					owner[c.ID] = me
					mu.Unlock()
					if err := q.Commit(t.Context(), c, []string{"index"}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if len(owner) != crashes {
		t.Errorf("%d crashes were claimed; want %d", len(owner), crashes)
	}
	rows, err := workers[0].Peek(t.Context(), "index", 0, 1000)
	if err != nil || len(rows) != crashes {
		t.Errorf("%d rows in the outbox, %v; want %d", len(rows), err, crashes)
	}
}

func sharedQueue(t *testing.T, open Opener[QueueStore]) {
	dir, clock := t.TempDir(), NewClock()
	a, b := open(t, dir, clock.Now), open(t, dir, clock.Now)
	const crashes = 60
	for n := range crashes {
		_, err := []QueueStore{a, b}[n%2].Enqueue(t.Context(), ID(n), socorro.Normal)
		check(t, err)
	}
	work(t, crashes, []QueueStore{a, b, a, b})
}

func reopenedQueue(t *testing.T, open Opener[QueueStore]) {
	dir, clock := t.TempDir(), NewClock()
	at := func() queueTest { return queueTest{t, open(t, dir, clock.Now), clock} }
	at().enqueue(socorro.Normal, 1, 2, 3)
	first := at().one("a")
	check(t, at().q.Commit(t.Context(), first, []string{"index"}))
	check(t, at().q.Park(t.Context(), at().one("a"), "why"))
	at().one("a")
	q := at()
	q.is(1, socorro.Done)
	q.is(2, socorro.Parked)
	q.is(3, socorro.Claimed)
	if rows, err := q.q.Peek(t.Context(), "index", 0, 10); err != nil || len(rows) != 1 {
		t.Errorf("outbox = %v, %v; want one row", rows, err)
	}
}
