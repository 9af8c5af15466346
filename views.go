package socorro

import "time"

// CrashSummary is one row of a list of crashes.
type CrashSummary struct {
	ID          CrashID
	Submitted   time.Time
	Product     string
	Version     string
	BuildID     string
	Channel     string
	ProcessType string
	OS          string // pretty version: "Windows 11", "Debian GNU/Linux 12"
	CPU         string
	Signature   string
	Reason      string
	Address     string
	Success     bool
}

// SignatureCount is one row of a list of signatures.
type SignatureCount struct {
	Signature string
	Crashes   int
	Products  []string
	First     time.Time
	Last      time.Time
}

// ActorStatus is a live actor as operators see it.
type ActorStatus struct {
	Path         string // "engine/destinations/index/worker"
	Kind         string // "destination worker"
	Mailbox      int    // user messages waiting
	Handled      uint64 // user messages handled
	Restarts     int
	LastError    string
	LastErrorAt  time.Time
	BackoffUntil time.Time // zero when it is not waiting
	Step         string    // what it does now
	InFlight     int
	Started      time.Time
}

// CrashFilter narrows a list of crashes, newest first. Empty fields do not narrow.
type CrashFilter struct {
	Product           string
	Signature         string // exactly
	SignatureContains string // ignoring case
	Since, Before     time.Time
	Limit             int // 0 means 50; at most 1,000
	Offset            int
}
