package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

const lease = time.Minute

// queueTest is what a test of a queue works with.
type queueTest struct {
	*testing.T
	q     QueueStore
	clock *Clock
}

// Queue is the suite of queues. It ends with random work that is compared with
// a naive model.
func Queue(t *testing.T, open Opener[QueueStore]) {
	for name, test := range map[string]func(queueTest){
		"a crash is queued once":                               enqueueOnce,
		"a deferred crash waits until it is asked for":         deferThenRequeue,
		"requeue takes what is settled and speeds up the rest": requeue,
		"the lanes come in order and none starves":             fairLanes,
		"a claim is exclusive until its lease ends":            leases,
		"an extended lease lasts":                              extend,
		"a dead run's claims come back at once":                recoverOwner,
		"a stale epoch commits nothing":                        staleCommit,
		"a commit may be repeated":                             commitTwice,
		"a retried crash waits its time":                       retry,
		"a released crash is unharmed":                         release,
		"a parked crash stays until it is requeued":            park,
		"claims need an owner, a number and a lease":           badClaims,
		"ids and lanes are checked":                            badIntake,
		"depth counts":                                         depth,
		"a forgotten crash leaves nothing":                     forget,
		"no crash is claimed twice":                            claimRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			test(queueTest{t, open(t, t.TempDir(), clock.Now), clock})
		})
	}
	t.Run("what was answered is there without Close", func(t *testing.T) {
		t.Parallel()
		reopenedQueue(t, open)
	})
	t.Run("two processes share the work", func(t *testing.T) {
		t.Parallel()
		sharedQueue(t, open)
	})
	t.Run("random work agrees with the model", func(t *testing.T) {
		t.Parallel()
		modelled(t, open)
	})
}

func (t queueTest) enqueue(lane socorro.Lane, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		if added, err := t.q.Enqueue(t.Context(), ID(n), lane); err != nil || !added {
			t.Fatalf("Enqueue(%d) = %t, %v", n, added, err)
		}
		t.clock.Advance(time.Millisecond)
	}
}

func (t queueTest) claim(owner string, limit int) []socorro.Claim {
	t.Helper()
	claims, err := t.q.Claim(t.Context(), owner, limit, lease)
	check(t, err)
	return claims
}

// one claims exactly one crash.
func (t queueTest) one(owner string) socorro.Claim {
	t.Helper()
	claims := t.claim(owner, 1)
	if len(claims) != 1 {
		t.Fatalf("%d claims; want 1", len(claims))
	}
	return claims[0]
}

func (t queueTest) status(n int) socorro.QueueStatus {
	t.Helper()
	s, err := t.q.Status(t.Context(), ID(n))
	check(t, err)
	return s
}

func (t queueTest) is(n int, want socorro.CrashState) {
	t.Helper()
	if s := t.status(n); s.State != want {
		t.Errorf("crash %d is %s; want %s", n, s.State, want)
	}
}

func ids(claims []socorro.Claim) (list []socorro.CrashID) {
	for _, c := range claims {
		list = append(list, c.ID)
	}
	return list
}

func enqueueOnce(t queueTest) {
	before := t.clock.Now()
	t.enqueue(socorro.Normal, 1)
	if added, err := t.q.Enqueue(t.Context(), ID(1), socorro.Priority); added || err != nil {
		t.Errorf("second Enqueue = %t, %v; want false", added, err)
	}
	want := socorro.QueueStatus{ID: ID(1), State: socorro.Queued, Lane: socorro.Normal, Enqueued: before, Changed: before}
	if diff := cmp.Diff(want, t.status(1)); diff != "" {
		t.Error("Status (-want +got):", diff)
	}
	c := t.one("a")
	check(t, t.q.Commit(t.Context(), c, nil))
	if added, err := t.q.Enqueue(t.Context(), ID(1), socorro.Normal); added || err != nil {
		t.Errorf("Enqueue of a processed crash = %t, %v; want false", added, err)
	}
	t.is(1, socorro.Done)
	if _, err := t.q.Status(t.Context(), ID(2)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Status of an unknown crash = %v; want ErrNotFound", err)
	}
}

func deferThenRequeue(t queueTest) {
	check(t, t.q.Defer(t.Context(), ID(1)))
	if added, err := t.q.Enqueue(t.Context(), ID(1), socorro.Normal); added || err != nil {
		t.Errorf("Enqueue = %t, %v; want false", added, err)
	}
	if got := t.claim("a", 10); len(got) != 0 {
		t.Errorf("a deferred crash was claimed: %v", got)
	}
	if n, err := t.q.Requeue(t.Context(), []socorro.CrashID{ID(1)}, socorro.Priority); n != 1 || err != nil {
		t.Errorf("Requeue = %d, %v; want 1", n, err)
	}
	check(t, t.q.Defer(t.Context(), ID(1)))
	if c := t.one("a"); c.ID != ID(1) || c.Lane != socorro.Priority {
		t.Errorf("claimed %+v", c)
	}
}

func requeue(t queueTest) {
	t.enqueue(socorro.Normal, 1, 2, 3, 4)
	done, parked := t.one("a"), t.one("a")
	check(t, t.q.Commit(t.Context(), done, nil))
	check(t, t.q.Park(t.Context(), parked, "why"))
	held := t.one("a")
	all := []socorro.CrashID{ID(1), ID(2), ID(3), ID(4), ID(5)} // processed, parked, claimed, queued, unknown
	if n, err := t.q.Requeue(t.Context(), all, socorro.Reprocessing); n != 3 || err != nil {
		t.Errorf("Requeue = %d, %v; want 3", n, err)
	}
	if s := t.status(2); s.State != socorro.Queued || s.Attempts != 0 || s.LastError != "" || s.Epoch != 1 {
		t.Errorf("requeued crash is %+v", s)
	}
	if s := t.status(4); s.Lane != socorro.Normal {
		t.Errorf("a waiting crash was moved to a slower lane: %+v", s)
	}
	if n, err := t.q.Requeue(t.Context(), all, socorro.Priority); n != 4 || err != nil {
		t.Errorf("Requeue to a faster lane = %d, %v; want 4", n, err)
	}
	check(t, t.q.Commit(t.Context(), held, nil))
	for _, c := range t.claim("a", 10) {
		if c.Lane != socorro.Priority || c.Attempt != 1 {
			t.Errorf("claimed %+v", c)
		}
		if c.ID == done.ID && c.Epoch != done.Epoch+1 {
			t.Errorf("epoch %d follows %d", c.Epoch, done.Epoch)
		}
	}
	if n, err := t.q.Requeue(t.Context(), nil, socorro.Normal); n != 0 || err != nil {
		t.Errorf("Requeue of nothing = %d, %v", n, err)
	}
}

func fairLanes(t queueTest) {
	for n := range 40 {
		t.enqueue(socorro.Reprocessing, n)
		t.enqueue(socorro.Normal, 100+n)
		t.enqueue(socorro.Priority, 200+n)
	}
	count := map[socorro.Lane]int{}
	var last [3]int
	for i := range 32 {
		c := t.one("a")
		count[c.Lane]++
		if want := ID(100*(2-int(c.Lane)) + last[c.Lane]); c.ID != want {
			t.Errorf("claim %d is %s of %s; want %s", i, c.ID, c.Lane, want)
		}
		last[c.Lane]++
	}
	if count[socorro.Priority] <= count[socorro.Normal]+count[socorro.Reprocessing] {
		t.Errorf("priority is not preferred: %v", count)
	}
	if count[socorro.Normal] == 0 || count[socorro.Reprocessing] == 0 {
		t.Errorf("a lane starves: %v", count)
	}
	if rest := t.claim("a", 1000); len(rest) != 120-32 {
		t.Errorf("%d are left to claim; want %d", len(rest), 120-32)
	}
}

func leases(t queueTest) {
	t.enqueue(socorro.Normal, 1)
	first := t.one("a")
	want := socorro.Claim{ID: ID(1), Epoch: 1, Attempt: 1, Lane: socorro.Normal, Owner: "a", Lease: t.clock.Now().Add(lease)}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error("Claim (-want +got):", diff)
	}
	t.clock.Advance(lease - time.Microsecond)
	if got := t.claim("b", 1); len(got) != 0 {
		t.Errorf("claimed within the lease: %v", got)
	}
	t.clock.Advance(time.Microsecond)
	if second := t.one("b"); second.Epoch != 2 || second.Attempt != 2 || second.Owner != "b" {
		t.Errorf("second claim is %+v", second)
	}
}

func extend(t queueTest) {
	t.enqueue(socorro.Normal, 1, 2)
	claims := t.claim("a", 2)
	t.clock.Advance(lease / 2)
	check(t, t.q.Commit(t.Context(), claims[1], nil))
	lost, err := t.q.Extend(t.Context(), claims, lease)
	if err != nil || !slices.Equal(lost, []socorro.CrashID{ID(2)}) {
		t.Errorf("Extend = %v, %v; want the committed one lost", lost, err)
	}
	t.clock.Advance(lease * 3 / 4)
	if got := t.claim("b", 1); len(got) != 0 {
		t.Errorf("claimed within the extended lease: %v", got)
	}
	t.clock.Advance(lease)
	// The lease ran out, but nobody took the crash: it is still ours to extend.
	if lost, err := t.q.Extend(t.Context(), claims[:1], lease); err != nil || len(lost) != 0 {
		t.Errorf("Extend = %v, %v; want none lost", lost, err)
	}
	t.clock.Advance(2 * lease)
	t.one("b")
	if lost, err := t.q.Extend(t.Context(), claims[:1], lease); err != nil || len(lost) != 1 {
		t.Errorf("Extend = %v, %v; want it lost", lost, err)
	}
}

func recoverOwner(t queueTest) {
	t.enqueue(socorro.Normal, 1, 2)
	t.one("a")
	t.one("b")
	if n, err := t.q.RecoverOwner(t.Context(), "a"); n != 1 || err != nil {
		t.Errorf("RecoverOwner = %d, %v; want 1", n, err)
	}
	got := t.claim("a", 10)
	if len(got) != 1 || got[0].ID != ID(1) || got[0].Attempt != 2 {
		t.Errorf("claimed %v; want crash 1, second attempt", got)
	}
}

func staleCommit(t queueTest) {
	t.enqueue(socorro.Normal, 1)
	old := t.one("a")
	t.clock.Advance(lease)
	t.one("b")
	for what, err := range map[string]error{
		"Commit":  t.q.Commit(t.Context(), old, []string{"index"}),
		"Retry":   t.q.Retry(t.Context(), old, 0, "x"),
		"Park":    t.q.Park(t.Context(), old, "x"),
		"Release": t.q.Release(t.Context(), old),
	} {
		if !errors.Is(err, socorro.ErrConflict) {
			t.Errorf("%s = %v; want ErrConflict", what, err)
		}
	}
	t.is(1, socorro.Claimed)
	if rows, err := t.q.Peek(t.Context(), "index", 0, 10); err != nil || len(rows) != 0 {
		t.Errorf("outbox = %v, %v; want none", rows, err)
	}
	unknown := socorro.Claim{ID: ID(9), Epoch: 1}
	if err := t.q.Commit(t.Context(), unknown, nil); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Commit of an unknown crash = %v; want ErrNotFound", err)
	}
}

func commitTwice(t queueTest) {
	t.enqueue(socorro.Normal, 1)
	c := t.one("a")
	t.clock.Advance(2 * lease) // late, but nobody else took it
	for range 2 {
		check(t, t.q.Commit(t.Context(), c, []string{"index", "telemetry"}))
	}
	for _, d := range []string{"index", "telemetry"} {
		rows, err := t.q.Peek(t.Context(), d, 0, 10)
		if err != nil || len(rows) != 1 || rows[0].ID != c.ID || rows[0].Epoch != c.Epoch || rows[0].Attempt != 0 {
			t.Errorf("outbox of %s = %v, %v; want one row", d, rows, err)
		}
	}
	if _, err := t.q.Requeue(t.Context(), []socorro.CrashID{c.ID}, socorro.Normal); err != nil {
		t.Error(err)
	}
	if err := t.q.Commit(t.Context(), c, nil); !errors.Is(err, socorro.ErrConflict) {
		t.Errorf("Commit of an old claim after Requeue = %v; want ErrConflict, or the request is lost", err)
	}
	if err := t.q.Commit(t.Context(), t.one("a"), []string{"", "x"}); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Commit to a nameless destination = %v; want ErrInvalid", err)
	}
	t.is(1, socorro.Claimed)
}

func retry(t queueTest) {
	t.enqueue(socorro.Normal, 1)
	check(t, t.q.Retry(t.Context(), t.one("a"), time.Hour, "store is down"))
	if s := t.status(1); s.State != socorro.Queued || s.LastError != "store is down" || s.Attempts != 1 {
		t.Errorf("retried crash is %+v", s)
	}
	t.clock.Advance(time.Hour - time.Microsecond)
	if got := t.claim("a", 1); len(got) != 0 {
		t.Errorf("claimed too early: %v", got)
	}
	t.clock.Advance(time.Microsecond)
	if c := t.one("a"); c.Attempt != 2 || c.Epoch != 2 {
		t.Errorf("claimed %+v", c)
	}
}

func release(t queueTest) {
	t.enqueue(socorro.Normal, 1, 2)
	check(t, t.q.Release(t.Context(), t.one("a")))
	if c := t.one("b"); c.ID != ID(1) || c.Attempt != 1 || c.Epoch != 2 {
		t.Errorf("claimed %+v; want crash 1, first attempt, at its old place", c)
	}
}

func park(t queueTest) {
	t.enqueue(socorro.Normal, 1, 2)
	reason := "panic: \x00\xff" + string(make([]byte, 100_000))
	first := t.one("a")
	check(t, t.q.Park(t.Context(), first, reason))
	check(t, t.q.Park(t.Context(), first, "again"))
	t.clock.Advance(time.Second)
	check(t, t.q.Park(t.Context(), t.one("a"), "second"))
	if got := t.claim("a", 1); len(got) != 0 {
		t.Errorf("a parked crash was claimed: %v", got)
	}
	list, err := t.q.ParkedCrashes(t.Context(), 10)
	if err != nil || len(list) != 2 || list[0].ID != ID(2) || list[0].LastError != "second" {
		t.Errorf("ParkedCrashes = %v, %v; want the latest first", list, err)
	}
	if len(list) == 2 && len(list[1].LastError) > 10_000 {
		t.Errorf("a reason of %d bytes was kept", len(list[1].LastError))
	}
	for _, limit := range []int{0, -1} {
		if list, err := t.q.ParkedCrashes(t.Context(), limit); err != nil || len(list) != 0 {
			t.Errorf("ParkedCrashes(%d) = %d rows, %v", limit, len(list), err)
		}
	}
}

func badClaims(t queueTest) {
	t.enqueue(socorro.Normal, 1)
	for _, bad := range []struct {
		owner string
		limit int
		lease time.Duration
	}{{"", 1, lease}, {"a", 0, lease}, {"a", -1, lease}, {"a", 1, 0}} {
		if _, err := t.q.Claim(t.Context(), bad.owner, bad.limit, bad.lease); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("Claim(%+v) = %v; want ErrInvalid", bad, err)
		}
	}
}

func badIntake(t queueTest) {
	_, id := t.q.Enqueue(t.Context(), "nonsense", socorro.Normal)
	_, lane := t.q.Enqueue(t.Context(), ID(1), 7)
	_, requeued := t.q.Requeue(t.Context(), []socorro.CrashID{ID(1), "'; DROP TABLE crash"}, socorro.Normal)
	_, toLane := t.q.Requeue(t.Context(), []socorro.CrashID{ID(1)}, -1)
	for what, err := range map[string]error{
		"Enqueue": id, "Enqueue lane": lane, "Defer": t.q.Defer(t.Context(), "bp-"+ID(1)), "Requeue": requeued, "Requeue lane": toLane,
	} {
		if !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("%s = %v; want ErrInvalid", what, err)
		}
	}
	if _, err := t.q.Status(t.Context(), ID(1)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("a refused call left a row: %v", err)
	}
}

func depth(t queueTest) {
	first := t.clock.Now()
	t.enqueue(socorro.Normal, 1, 2, 3)
	t.enqueue(socorro.Priority, 4)
	check(t, t.q.Defer(t.Context(), ID(5)))
	check(t, t.q.Commit(t.Context(), t.one("a"), []string{"index", "telemetry"}))
	committed := t.clock.Now()
	rows, err := t.q.Peek(t.Context(), "telemetry", 0, 1)
	check(t, err)
	check(t, t.q.ParkDelivery(t.Context(), "telemetry", rows[0].Seq, "no"))
	got, err := t.q.Depth(t.Context())
	check(t, err)
	want := socorro.QueueDepth{
		ByState: map[socorro.CrashState]int{socorro.Queued: 3, socorro.Deferred: 1, socorro.Done: 1},
		ByLane:  map[socorro.Lane]int{socorro.Priority: 0, socorro.Normal: 3, socorro.Reprocessing: 0},
		Oldest:  first,
		Outbox:  map[string]socorro.OutboxDepth{"index": {Waiting: 1, Oldest: committed}, "telemetry": {Parked: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("Depth (-want +got):", diff)
	}
}

func forget(t queueTest) {
	t.enqueue(socorro.Normal, 1)
	check(t, t.q.Commit(t.Context(), t.one("a"), []string{"index"}))
	check(t, t.q.Forget(t.Context(), ID(1)))
	check(t, t.q.Forget(t.Context(), ID(1)))
	if _, err := t.q.Status(t.Context(), ID(1)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Status = %v; want ErrNotFound", err)
	}
	if rows, err := t.q.Peek(t.Context(), "index", 0, 1); err != nil || len(rows) != 0 {
		t.Errorf("outbox = %v, %v; want none", rows, err)
	}
}

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
