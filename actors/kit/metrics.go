package kit

import "time"

// Metrics is where the actors count. Every field may be nil, and so may the
// pointer. The functions are called from many goroutines at once.
type Metrics struct {
	// Crash: one crash was answered. Outcome is one of "committed", "retry",
	// "unavailable", "parked", "released", "lost", "failed".
	Crash func(outcome string, took time.Duration)
	// Save: one try to bring a crash to a destination ended. Outcome is one of
	// "saved", "retry", "suspect", "permanent".
	Save func(destination, outcome string, took time.Duration)
	// Restart: an actor of this kind was restarted after a panic.
	Restart func(kind string)
	// Backoff: the actor at path waits for so long; 0 when it goes on.
	Backoff func(path string, wait time.Duration)
	// Credits: how many more crashes the dispatcher may take, and how many in all.
	Credits func(free, total int)
	// Job: one run of a cron job ended. Outcome is "success" or "failure".
	Job func(name, outcome string, took time.Duration)
}

// CountCrash calls Crash if there is one.
func (m *Metrics) CountCrash(outcome string, took time.Duration) {
	if m != nil && m.Crash != nil {
		m.Crash(outcome, took)
	}
}

// CountSave calls Save if there is one.
func (m *Metrics) CountSave(destination, outcome string, took time.Duration) {
	if m != nil && m.Save != nil {
		m.Save(destination, outcome, took)
	}
}

// CountRestart calls Restart if there is one.
func (m *Metrics) CountRestart(kind string) {
	if m != nil && m.Restart != nil {
		m.Restart(kind)
	}
}

// ShowBackoff calls Backoff if there is one.
func (m *Metrics) ShowBackoff(path string, wait time.Duration) {
	if m != nil && m.Backoff != nil {
		m.Backoff(path, wait)
	}
}

// ShowCredits calls Credits if there is one.
func (m *Metrics) ShowCredits(free, total int) {
	if m != nil && m.Credits != nil {
		m.Credits(free, total)
	}
}

// CountJob calls Job if there is one.
func (m *Metrics) CountJob(name, outcome string, took time.Duration) {
	if m != nil && m.Job != nil {
		m.Job(name, outcome, took)
	}
}
