package storagetest

import (
	"errors"
	"slices"
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
