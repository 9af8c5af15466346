package socorro

import (
	"fmt"
	"time"
)

// Lane is a priority of the processing queue. Lower numbers are claimed first.
type Lane int

const (
	Priority     Lane = iota // somebody is waiting in front of the report page
	Normal                   // fresh from the collector
	Reprocessing             // asked for in bulk
)

func (l Lane) String() string {
	switch l {
	case Priority:
		return "priority"
	case Normal:
		return "normal"
	case Reprocessing:
		return "reprocessing"
	}
	return fmt.Sprintf("lane(%d)", int(l))
}

// CrashState is where a crash stands in the queue.
type CrashState string

const (
	Queued   CrashState = "queued"    // waits for a processor
	Claimed  CrashState = "claimed"   // a processor works on it
	Done     CrashState = "processed" // committed, and handed to every destination's outbox
	Parked   CrashState = "parked"    // gave up after too many tries; an operator releases it
	Deferred CrashState = "deferred"  // kept but not processed until asked for
)

// Claim is the right to process one crash until Lease. Epoch grows by one with
// every claim of the same crash: what is written under an older epoch is refused.
type Claim struct {
	ID      CrashID
	Epoch   int64
	Attempt int // 1 for the first try
	Lost    int // earlier claims in a row whose lease ran out with no answer: the processor was killed or hung
	Lane    Lane
	Owner   string
	Lease   time.Time
}

// Delivery is one row of a destination's outbox: bring this processed crash there.
// Seq orders the deliveries of one destination.
type Delivery struct {
	Seq     int64
	ID      CrashID
	Epoch   int64 // of the claim that committed it
	Attempt int   // failures so far
}

// ParkedDelivery is a delivery that its destination gave up on, until an
// operator releases it.
type ParkedDelivery struct {
	Delivery
	Destination string
	Reason      string
	Parked      time.Time
}

// QueueStatus is where one crash stands.
type QueueStatus struct {
	ID        CrashID
	State     CrashState
	Lane      Lane
	Epoch     int64
	Attempts  int
	LastError string
	Enqueued  time.Time
	Changed   time.Time
}

// QueueDepth counts the queue for operators.
type QueueDepth struct {
	ByState map[CrashState]int
	ByLane  map[Lane]int           // waiting only
	Oldest  time.Time              // when the longest waiting crash was queued; zero when none waits
	Outbox  map[string]OutboxDepth // by destination
}

// OutboxDepth counts one destination's outbox.
type OutboxDepth struct {
	Waiting int
	Parked  int
	Oldest  time.Time // zero when nothing waits
}
