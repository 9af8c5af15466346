package kit

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Alarm is one timer of one actor. Only its newest setting rings: a ring that
// was already in the mailbox when the alarm was set again or cancelled is stale
// and [Alarm.Rang] says no to it. The zero value is ready; use it only from
// within the actor's Receive.
type Alarm struct {
	timer *time.Timer
	epoch uint64
}

type ring struct {
	alarm *Alarm
	epoch uint64
}

// Set makes the alarm ring once after d, and not at any time set before.
func (a *Alarm) Set(c actor.Context, d time.Duration) {
	a.Cancel()
	message := ring{alarm: a, epoch: a.epoch}
	self, root := c.Self(), c.ActorSystem().Root
	a.timer = time.AfterFunc(d, func() { root.Send(self, message) })
}

// Cancel makes the alarm silent. Call it in Stopping and Restarting: a timer
// that outlives its actor only makes dead letters.
func (a *Alarm) Cancel() {
	a.epoch++
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// IsSet reports whether the alarm is yet to ring.
func (a *Alarm) IsSet() bool { return a.timer != nil }

// Rang reports whether message is this alarm's ring.
func (a *Alarm) Rang(message any) bool {
	r, ok := message.(ring)
	if !ok || r.alarm != a || r.epoch != a.epoch || a.timer == nil {
		return false
	}
	a.timer = nil
	return true
}

// Bell sends an actor a message that carries no data, and no second one until
// the actor has heard the first: a thousand rings cost one message.
type Bell struct {
	pending atomic.Bool
	send    func()
}

// NewBell makes a bell that calls send.
func NewBell(send func()) *Bell { return &Bell{send: send} }

// Ring may be called from any goroutine.
func (b *Bell) Ring() {
	if !b.pending.Swap(true) {
		b.send()
	}
}

// Heard is for the actor, before it looks for what the bell announced, and
// again in Started: a message that was lost in a restart must not silence the
// bell for ever.
func (b *Bell) Heard() { b.pending.Store(false) }
