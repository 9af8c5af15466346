package storagetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

// Deliveries is the suite of outboxes.
func Deliveries(t *testing.T, open Opener[QueueStore]) {
	for name, test := range map[string]func(queueTest){
		"deliveries come in the order of commits":            outboxOrder,
		"an acknowledged delivery is gone for good":          outboxAck,
		"destinations do not see each other":                 outboxApart,
		"failures are counted and keep the place":            outboxFail,
		"a parked delivery stays aside until it is released": outboxParking,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := NewClock()
			test(queueTest{t, open(t, t.TempDir(), clock.Now), clock})
		})
	}
}

// commit brings crashes through the queue into the outbox.
func (t queueTest) commit(destinations []string, numbers ...int) {
	t.Helper()
	t.enqueue(socorro.Normal, numbers...)
	for range numbers {
		check(t, t.q.Commit(t.Context(), t.one("a"), destinations))
	}
}

func (t queueTest) peek(destination string, after int64, limit int) []socorro.Delivery {
	t.Helper()
	list, err := t.q.Peek(t.Context(), destination, after, limit)
	check(t, err)
	return list
}

func delivered(list []socorro.Delivery) (ids []socorro.CrashID) {
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

func outboxOrder(t queueTest) {
	t.commit([]string{"index"}, 1, 2, 3, 4, 5)
	list := t.peek("index", 0, 10)
	if got, want := delivered(list), []socorro.CrashID{ID(1), ID(2), ID(3), ID(4), ID(5)}; !slices.Equal(got, want) {
		t.Fatalf("Peek = %v; want %v", got, want)
	}
	if !slices.IsSortedFunc(list, func(a, b socorro.Delivery) int { return int(a.Seq - b.Seq) }) {
		t.Errorf("Seq does not grow: %v", list)
	}
	if got := t.peek("index", list[1].Seq, 2); !cmp.Equal(got, list[2:4]) {
		t.Errorf("Peek after %d = %v; want %v", list[1].Seq, got, list[2:4])
	}
	for _, limit := range []int{0, -1} {
		if got := t.peek("index", 0, limit); len(got) != 0 {
			t.Errorf("Peek of %d = %v", limit, got)
		}
	}
}

func outboxAck(t queueTest) {
	t.commit([]string{"index"}, 1, 2, 3)
	list := t.peek("index", 0, 10)
	for range 2 { // an acknowledgement may be repeated
		check(t, t.q.Ack(t.Context(), "index", list[0].Seq))
		check(t, t.q.AckAll(t.Context(), "index", []int64{list[1].Seq, list[2].Seq}))
	}
	check(t, t.q.AckAll(t.Context(), "index", nil))
	if got := t.peek("index", 0, 10); len(got) != 0 {
		t.Errorf("Peek = %v; want none", got)
	}
	t.commit([]string{"index"}, 4)
	if got := t.peek("index", 0, 10); got[0].Seq <= list[2].Seq {
		t.Errorf("seq %d is used again after %d", got[0].Seq, list[2].Seq)
	}
	if _, err := t.q.Fail(t.Context(), "index", list[0].Seq, "x"); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Fail of an acknowledged delivery = %v; want ErrNotFound", err)
	}
	if err := t.q.ParkDelivery(t.Context(), "index", list[0].Seq, "x"); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("ParkDelivery of an acknowledged delivery = %v; want ErrNotFound", err)
	}
}

func outboxApart(t queueTest) {
	t.commit([]string{"index", "telemetry"}, 1)
	seq := t.peek("index", 0, 1)[0].Seq
	check(t, t.q.Ack(t.Context(), "telemetry", seq))
	if _, err := t.q.Fail(t.Context(), "telemetry", seq, "x"); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Fail of another's delivery = %v; want ErrNotFound", err)
	}
	if len(t.peek("index", 0, 10)) != 1 || len(t.peek("telemetry", 0, 10)) != 1 || len(t.peek("other", 0, 10)) != 0 {
		t.Error("an acknowledgement hit another destination")
	}
}

func outboxFail(t queueTest) {
	t.commit([]string{"index"}, 1, 2)
	seq := t.peek("index", 0, 1)[0].Seq
	for want := 1; want <= 3; want++ {
		if n, err := t.q.Fail(t.Context(), "index", seq, "connection refused"); n != want || err != nil {
			t.Errorf("Fail = %d, %v; want %d", n, err, want)
		}
	}
	list := t.peek("index", 0, 10)
	if len(list) != 2 || list[0].Seq != seq || list[0].Attempt != 3 {
		t.Errorf("Peek = %v; want the failed one first, with 3 attempts", list)
	}
}

func outboxParking(t queueTest) {
	t.commit([]string{"index"}, 1, 2)
	seq := t.peek("index", 0, 1)[0].Seq
	_, err := t.q.Fail(t.Context(), "index", seq, "first")
	check(t, err)
	at := t.clock.Now()
	for range 2 {
		check(t, t.q.ParkDelivery(t.Context(), "index", seq, "mapping error"))
	}
	if got := delivered(t.peek("index", 0, 10)); !slices.Equal(got, []socorro.CrashID{ID(2)}) {
		t.Errorf("Peek = %v; want the other only", got)
	}
	list, err := t.q.ParkedDeliveries(t.Context(), "index", 10)
	check(t, err)
	want := []socorro.ParkedDelivery{{
		Delivery:    socorro.Delivery{Seq: seq, ID: ID(1), Epoch: 1, Attempt: 1},
		Destination: "index", Reason: "mapping error", Parked: at,
	}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error("ParkedDeliveries (-want +got):", diff)
	}
	last := t.peek("index", 0, 10)
	check(t, t.q.ReleaseDelivery(t.Context(), "index", seq))
	if err := t.q.ReleaseDelivery(t.Context(), "index", seq); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("second ReleaseDelivery = %v; want ErrNotFound", err)
	}
	got := t.peek("index", last[0].Seq, 10)
	if len(got) != 1 || got[0].ID != ID(1) || got[0].Epoch != 1 || got[0].Attempt != 0 {
		t.Errorf("Peek after the others = %v; want the released one, fresh", got)
	}
	if list, err := t.q.ParkedDeliveries(t.Context(), "index", 10); err != nil || len(list) != 0 {
		t.Errorf("ParkedDeliveries = %v, %v; want none", list, err)
	}
}
