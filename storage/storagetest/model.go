package storagetest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"socorro"
)

const modelOutbox = "index"

// model is a queue as a child would write it: maps and loops, no index, no
// transaction. Each action does the same to the model and to the real queue
// and compares the answers; after each, everything that can be seen is compared.
type model struct {
	real  QueueStore
	clock *Clock
	open  func() QueueStore

	crashes map[socorro.CrashID]*modelCrash
	outbox  []socorro.Delivery // in order
	parked  []socorro.Delivery
	held    []socorro.Claim // every claim that was ever handed out
}

type modelCrash struct {
	socorro.QueueStatus
	due   time.Time
	owner string
	lost  int
}

func modelled(t *testing.T, open Opener[QueueStore]) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "model") //nolint:usetesting // one for each of rapid's runs, not one for the test
		check(t, err)
		clock := NewClock()
		m := &model{clock: clock, crashes: map[socorro.CrashID]*modelCrash{}}
		m.open = func() QueueStore { return open(t, dir, clock.Now) }
		m.real = m.open()
		rt.Repeat(map[string]func(*rapid.T){
			"":        func(rt *rapid.T) { m.compare(t, rt) },
			"time":    m.pass,
			"enqueue": func(rt *rapid.T) { m.enqueue(t, rt) },
			"defer":   func(rt *rapid.T) { m.deferIt(t, rt) },
			"requeue": func(rt *rapid.T) { m.requeue(t, rt) },
			"claim":   func(rt *rapid.T) { m.claim(t, rt) },
			"settle":  func(rt *rapid.T) { m.settle(t, rt) },
			"extend":  func(rt *rapid.T) { m.extend(t, rt) },
			"recover": func(rt *rapid.T) { m.recover(t, rt) },
			"deliver": func(rt *rapid.T) { m.deliver(t, rt) },
			"reopen":  func(*rapid.T) { m.real = m.open() },
		})
	})
}

func agree(rt *rapid.T, what string, want, got any) {
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("%s (-model +real): %s", what, diff)
	}
}

func (m *model) pass(rt *rapid.T) {
	m.clock.Advance(time.Duration(rapid.IntRange(1, 90).Draw(rt, "seconds")) * time.Second)
}

func anyID(rt *rapid.T) socorro.CrashID { return ID(rapid.IntRange(1, 8).Draw(rt, "crash")) }

func anyLane(rt *rapid.T) socorro.Lane { return socorro.Lane(rapid.IntRange(0, 2).Draw(rt, "lane")) }

func (m *model) add(id socorro.CrashID, state socorro.CrashState, lane socorro.Lane) bool {
	if m.crashes[id] != nil {
		return false
	}
	now := m.clock.Now()
	m.crashes[id] = &modelCrash{
		QueueStatus: socorro.QueueStatus{ID: id, State: state, Lane: lane, Enqueued: now, Changed: now}, due: now,
	}
	return true
}

func (m *model) enqueue(t *testing.T, rt *rapid.T) {
	id, lane := anyID(rt), anyLane(rt)
	added, err := m.real.Enqueue(t.Context(), id, lane)
	agree(rt, "Enqueue error", nil, err)
	agree(rt, "Enqueue", m.add(id, socorro.Queued, lane), added)
}

func (m *model) deferIt(t *testing.T, rt *rapid.T) {
	id := anyID(rt)
	agree(rt, "Defer", nil, m.real.Defer(t.Context(), id))
	m.add(id, socorro.Deferred, socorro.Normal)
}

func (m *model) requeue(t *testing.T, rt *rapid.T) {
	lane := anyLane(rt)
	list := []socorro.CrashID{anyID(rt), anyID(rt)}
	n, err := m.real.Requeue(t.Context(), list, lane)
	agree(rt, "Requeue error", nil, err)
	want := 0
	for _, id := range list {
		c := m.crashes[id]
		if c == nil {
			m.add(id, socorro.Queued, lane)
			want++
			continue
		}
		if c.State == socorro.Claimed || c.State == socorro.Queued && c.Lane <= lane {
			continue
		}
		if c.State != socorro.Queued {
			c.Enqueued = m.clock.Now()
		}
		c.State, c.Lane, c.Attempts, c.LastError, c.owner = socorro.Queued, lane, 0, "", ""
		c.due, c.Changed = m.clock.Now(), m.clock.Now()
		want++
	}
	agree(rt, "Requeue", want, n)
}

func (m *model) claimable(c *modelCrash) bool {
	return (c.State == socorro.Queued || c.State == socorro.Claimed) && !c.due.After(m.clock.Now())
}

// alone says whether a crash that may be killing its processors is in the way of
// everything else, and which one the owner may have now; nil means none.
func (m *model) alone(owner string) (next *modelCrash, alone bool) {
	working := false
	for _, c := range m.crashes {
		switch {
		case c.State != socorro.Claimed:
		case !c.due.After(m.clock.Now()):
			if c.lost+1 >= 2 && (next == nil || c.due.Before(next.due)) {
				next = c
			}
		case c.owner == owner:
			working = true
			alone = alone || c.lost >= 2
		}
	}
	if alone || next != nil && working {
		return nil, true
	}
	return next, next != nil
}

// claim checks what the queue chose rather than choosing itself: as many as
// there are, expired leases before the rest, and in each lane the longest due.
func (m *model) claim(t *testing.T, rt *rapid.T) {
	owner := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "owner")
	limit := rapid.IntRange(1, 4).Draw(rt, "limit")
	claims, err := m.real.Claim(t.Context(), owner, limit, lease)
	agree(rt, "Claim error", nil, err)
	could := slices.DeleteFunc(slices.Collect(maps.Values(m.crashes)), func(c *modelCrash) bool { return !m.claimable(c) })
	want, alone := m.alone(owner)
	if alone {
		agree(rt, "claims beside a suspect", want != nil, len(claims) == 1)
		if len(claims) > 1 || len(claims) == 1 && m.crashes[claims[0].ID].due.After(want.due) {
			rt.Fatalf("Claim = %+v; want the suspect %s alone", claims, want.ID)
		}
	} else {
		agree(rt, "number of claims", min(limit, len(could)), len(claims))
	}
	for _, claim := range claims {
		c := m.crashes[claim.ID]
		if c == nil || !m.claimable(c) {
			rt.Fatalf("%s was claimed and is %+v", claim.ID, c)
		}
		for _, other := range could {
			first := other.State == socorro.Claimed && c.State == socorro.Queued ||
				other.State == c.State && (c.State == socorro.Claimed || other.Lane == c.Lane) && other.due.Before(c.due)
			if first && !alone && m.claimable(other) {
				rt.Fatalf("%+v was claimed before %+v", c, other)
			}
		}
		if c.State == socorro.Claimed {
			c.lost++
		} else {
			c.lost = 0
		}
		c.State, c.owner, c.due, c.Changed = socorro.Claimed, owner, m.clock.Now().Add(lease), m.clock.Now()
		c.Epoch++
		c.Attempts++
		agree(rt, "Claim", socorro.Claim{ID: c.ID, Epoch: c.Epoch, Attempt: c.Attempts, Lost: c.lost, Lane: c.Lane, Owner: owner, Lease: c.due}, claim)
	}
	m.held = append(m.held, claims...)
}

func (m *model) anyClaim(rt *rapid.T) (socorro.Claim, *modelCrash) {
	if len(m.held) == 0 {
		rt.Skip("no claims yet")
	}
	claim := rapid.SampledFrom(m.held).Draw(rt, "claim")
	return claim, m.crashes[claim.ID]
}

func (c *modelCrash) holds(claim socorro.Claim) bool {
	return c.State == socorro.Claimed && c.Epoch == claim.Epoch
}

func (m *model) settle(t *testing.T, rt *rapid.T) {
	claim, c := m.anyClaim(rt)
	now := m.clock.Now()
	var err error
	ends := map[socorro.CrashState]func(){
		socorro.Done:   func() { err = m.real.Commit(t.Context(), claim, []string{modelOutbox}) },
		socorro.Parked: func() { err = m.real.Park(t.Context(), claim, "parked") },
		"retry":        func() { err = m.real.Retry(t.Context(), claim, 10*time.Second, "retried") },
		"release":      func() { err = m.real.Release(t.Context(), claim) },
	}
	end := rapid.SampledFrom(slices.Sorted(maps.Keys(ends))).Draw(rt, "end")
	ends[end]()
	if !c.holds(claim) {
		again := c.State == end && c.Epoch == claim.Epoch
		if again != (err == nil) || err != nil && !errors.Is(err, socorro.ErrConflict) {
			rt.Fatalf("%s under epoch %d of %+v = %v", end, claim.Epoch, c, err)
		}
		return
	}
	agree(rt, fmt.Sprint(end, " error"), nil, err)
	c.Changed, c.owner, c.State = now, "", socorro.Queued
	switch end {
	case socorro.Done:
		c.State, c.LastError = socorro.Done, ""
		m.outbox = append(m.outbox, socorro.Delivery{ID: c.ID, Epoch: c.Epoch})
	case socorro.Parked:
		c.State, c.LastError = socorro.Parked, "parked"
	case "retry":
		c.due, c.LastError = now.Add(10*time.Second), "retried"
	case "release":
		c.due, c.Attempts = c.Enqueued, max(c.Attempts-1, 0)
	}
}

func (m *model) extend(t *testing.T, rt *rapid.T) {
	claim, c := m.anyClaim(rt)
	lost, err := m.real.Extend(t.Context(), []socorro.Claim{claim}, lease)
	agree(rt, "Extend error", nil, err)
	agree(rt, "Extend lost", !c.holds(claim), len(lost) == 1)
	if c.holds(claim) {
		c.due, c.Changed = m.clock.Now().Add(lease), m.clock.Now()
	}
}

func (m *model) recover(t *testing.T, rt *rapid.T) {
	n, err := m.real.RecoverOwner(t.Context(), "a")
	agree(rt, "RecoverOwner error", nil, err)
	now, want := m.clock.Now(), 0
	for _, c := range m.crashes {
		if c.State == socorro.Claimed && c.owner == "a" {
			want++
			c.Changed = now
			if c.due.After(now) {
				c.due = now
			}
		}
	}
	agree(rt, "RecoverOwner", want, n)
}

// deliver takes one delivery that waits or is parked and does something to it.
func (m *model) deliver(t *testing.T, rt *rapid.T) {
	rows, err := m.real.Peek(t.Context(), modelOutbox, 0, 100)
	agree(rt, "Peek error", nil, err)
	if len(m.parked) > 0 && rapid.Bool().Draw(rt, "release") {
		list, err := m.real.ParkedDeliveries(t.Context(), modelOutbox, 100)
		agree(rt, "ParkedDeliveries error", nil, err)
		agree(rt, "ReleaseDelivery", nil, m.real.ReleaseDelivery(t.Context(), modelOutbox, list[0].Seq))
		m.parked[0].Attempt = 0
		m.outbox = append(m.outbox, m.parked[0])
		m.parked = m.parked[1:]
		return
	}
	if len(m.outbox) == 0 {
		rt.Skip("nothing to deliver")
	}
	i := rapid.IntRange(0, len(m.outbox)-1).Draw(rt, "row")
	switch rapid.IntRange(0, 2).Draw(rt, "what") {
	case 0:
		agree(rt, "Ack", nil, m.real.Ack(t.Context(), modelOutbox, rows[i].Seq))
		m.outbox = slices.Delete(m.outbox, i, i+1)
	case 1:
		n, err := m.real.Fail(t.Context(), modelOutbox, rows[i].Seq, "failed")
		agree(rt, "Fail error", nil, err)
		m.outbox[i].Attempt++
		agree(rt, "Fail", m.outbox[i].Attempt, n)
	case 2:
		agree(rt, "ParkDelivery", nil, m.real.ParkDelivery(t.Context(), modelOutbox, rows[i].Seq, "parked"))
		m.parked = append(m.parked, m.outbox[i])
		m.outbox = slices.Delete(m.outbox, i, i+1)
	}
}

// compare looks at everything that can be seen.
func (m *model) compare(t *testing.T, rt *rapid.T) {
	want := socorro.QueueDepth{ByState: map[socorro.CrashState]int{}, ByLane: map[socorro.Lane]int{0: 0, 1: 0, 2: 0}}
	for id, c := range m.crashes {
		got, err := m.real.Status(t.Context(), id)
		agree(rt, "Status error", nil, err)
		agree(rt, "Status", c.QueueStatus, got)
		want.ByState[c.State]++
		if c.State == socorro.Queued {
			want.ByLane[c.Lane]++
			if want.Oldest.IsZero() || c.Enqueued.Before(want.Oldest) {
				want.Oldest = c.Enqueued
			}
		}
	}
	got, err := m.real.Depth(t.Context())
	agree(rt, "Depth error", nil, err)
	box := got.Outbox[modelOutbox]
	got.Outbox = nil
	agree(rt, "Depth", want, got)
	agree(rt, "waiting and parked deliveries", [2]int{len(m.outbox), len(m.parked)}, [2]int{box.Waiting, box.Parked})
	rows, err := m.real.Peek(t.Context(), modelOutbox, 0, 100)
	agree(rt, "Peek error", nil, err)
	for i := range rows {
		rows[i].Seq = 0
	}
	agree(rt, "Peek", append([]socorro.Delivery{}, m.outbox...), rows)
}
