package storagetest

import (
	"errors"
	"time"

	"socorro"
)

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
