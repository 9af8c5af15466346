package crash

import (
	"time"

	"socorro"
)

// Key names one claim of one crash. A later claim of the same crash has a
// higher epoch and is another Key.
type Key struct {
	ID    socorro.CrashID
	Epoch int64
}

// KeyOf is the claim's key.
func KeyOf(c socorro.Claim) Key { return Key{ID: c.ID, Epoch: c.Epoch} }

// Start asks the crew to work on a claim. From the dispatcher; answered by one
// Settled, unless the crash actor fails, and in any case by one Gone.
type Start struct{ Claim socorro.Claim }

// Lost says that the claim is no longer ours: its work is cancelled and nothing
// is saved. From the dispatcher, passed on by the crew; answered by Settled.
type Lost struct{ Key Key }

// GiveBack asks all crash actors to stop their work and release their claims.
// From the dispatcher when the engine stops; answered by one Settled each.
type GiveBack struct{}

// Census asks the crew what is running. From a dispatcher that has restarted;
// answered by Running.
type Census struct{}

// Running is what the crew works on.
type Running struct{ Claims []socorro.Claim }

// Settled is a crash actor's answer: how its claim ended.
type Settled struct {
	Key     Key
	Outcome Outcome
	Took    time.Duration
}

// Gone says that the crash actor has ended, with or without an answer. From the crew.
type Gone struct{ Key Key }

// Outcome is how a claim ended.
type Outcome string

const (
	Committed   Outcome = "committed"   // processed, saved, and handed to the destinations
	Retry       Outcome = "retry"       // failed; the queue brings it back later
	Unavailable Outcome = "unavailable" // a store was down; the queue brings it back later
	Parked      Outcome = "parked"      // an operator has to look at it
	Released    Outcome = "released"    // given back unharmed, because the engine stops
	Superseded  Outcome = "lost"        // the lease was lost, or a newer claim was first
	Failed      Outcome = "failed"      // the queue took no answer; the lease runs out by itself
)
