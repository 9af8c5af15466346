package dispatcher

import (
	"slices"
	"strings"
	"time"

	"socorro"
	"socorro/actors/crash"
)

// book keeps count of claimed crashes, so that there never are more than there
// are credits. It knows no actors.
type book struct {
	credits int
	open    map[crash.Key]*entry
	zombies map[crash.Key]bool // answered, but their work does not end
}

type entry struct {
	claim socorro.Claim
	until time.Time // when the lease ends, by our clock
	lost  bool      // the crash actor was told so
}

func newBook(credits int) *book {
	return &book{credits: credits, open: map[crash.Key]*entry{}, zombies: map[crash.Key]bool{}}
}

// free is how many more crashes may be claimed. An answered crash gives its
// credit back even if its work hangs, or a few that hang would stop everything;
// but only as many as there are credits, or they would pile up for ever.
func (b *book) free() int {
	return max(0, b.credits-len(b.open)-max(0, len(b.zombies)-b.credits))
}

// take adds claims and returns those that were not there yet.
func (b *book) take(claims []socorro.Claim, until time.Time) []socorro.Claim {
	var added []socorro.Claim
	for _, c := range claims {
		if key := crash.KeyOf(c); b.open[key] == nil && !b.zombies[key] {
			b.open[key] = &entry{claim: c, until: until}
			added = append(added, c)
		}
	}
	return added
}

// settled notes a crash actor's answer. It is false when there was none to expect.
func (b *book) settled(key crash.Key) bool {
	if b.open[key] == nil {
		return false
	}
	delete(b.open, key)
	b.zombies[key] = true
	return true
}

// gone notes a crash actor's end. It is true when it had not answered.
func (b *book) gone(key crash.Key) (unanswered bool) {
	unanswered = b.open[key] != nil
	delete(b.open, key)
	delete(b.zombies, key)
	return unanswered
}

// renewable is the claims whose lease is still ours, in a steady order.
func (b *book) renewable() []socorro.Claim {
	var all []socorro.Claim
	for _, e := range b.open {
		if !e.lost {
			all = append(all, e.claim)
		}
	}
	slices.SortFunc(all, func(a, c socorro.Claim) int { return strings.Compare(string(a.ID), string(c.ID)) })
	return all
}

// renewed notes that the leases of these claims now end at until.
func (b *book) renewed(claims []socorro.Claim, until time.Time) {
	for _, c := range claims {
		if e := b.open[crash.KeyOf(c)]; e != nil {
			e.until = until
		}
	}
}

// lose marks the claims among these whose crash the queue named as lost.
func (b *book) lose(claims []socorro.Claim, ids []socorro.CrashID) []crash.Key {
	var keys []crash.Key
	for _, c := range claims {
		if e := b.open[crash.KeyOf(c)]; e != nil && !e.lost && slices.Contains(ids, c.ID) {
			e.lost = true
			keys = append(keys, crash.KeyOf(c))
		}
	}
	return keys
}

// expired marks the claims whose lease ended before now: somebody else may have
// them already, even if the queue cannot be asked.
func (b *book) expired(now time.Time) []crash.Key {
	var keys []crash.Key
	for key, e := range b.open {
		if !e.lost && !now.Before(e.until) {
			e.lost = true
			keys = append(keys, key)
		}
	}
	return keys
}

// breaker slows claiming down while a store is out: every crash would only be
// claimed, fail and burn an attempt. One crash that always meets an outage of
// its own (a bad disk block) does not open it, since others succeed in between.
type breaker struct {
	limit    int // outages in a row that open it
	outages  int
	failures int // probes that failed since it opened
}

// note takes an outcome, and says whether to pause before the next claim.
// Outcomes that come in while paused are of the same outage and count once.
func (b *breaker) note(o crash.Outcome, paused bool) (pause bool) {
	switch o {
	case crash.Unavailable, crash.Failed:
		if b.outages++; b.outages >= b.limit && !paused {
			b.failures++
			return true
		}
	case crash.Committed, crash.Parked:
		b.outages, b.failures = 0, 0
	}
	return false
}

// allow is how many of the free credits may be used now: one, to probe, while it is open.
func (b *breaker) allow(free, busy int) int {
	if b.outages < b.limit {
		return free
	}
	return max(0, min(free, 1-busy))
}
