package cron

import (
	"sync"
	"time"
)

// Status is what a job did and will do.
type Status struct {
	Name        string
	Every       time.Duration
	Running     bool
	LastRun     time.Time // when the newest run began; zero before the first
	LastSuccess time.Time // when the newest successful run ended
	LastError   string    // of the newest failed run, also after a success
	LastErrorAt time.Time
	Next        time.Time // when the next run is due
	Runs        int
	Failures    int // in a row
	Skipped     int // runs that were due while the job still ran
}

// Record is a job's history. It outlives restarts of the job's actor and may be
// read from any goroutine.
type Record struct {
	mu sync.Mutex
	s  Status
}

// Status is a copy of the record as it is now.
func (r *Record) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s
}

func (r *Record) update(f func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.s)
}

// plan decides when a job runs. It knows no actors.
type plan struct {
	job    Job
	record *Record
}

// first is when the first run is due after the actor started at now. After a
// restart of the actor the old date stands.
func (p *plan) first(now time.Time) time.Time {
	var next time.Time
	p.record.update(func(s *Status) {
		s.Name, s.Every, s.Running = p.job.Name, p.job.Every, false
		if s.Next.IsZero() {
			s.Next = now.Add(p.job.First)
		}
		next = s.Next
	})
	return next
}

func (p *plan) began(now time.Time) {
	p.record.update(func(s *Status) {
		s.Running, s.LastRun, s.Runs = true, now, s.Runs+1
	})
}

// ended notes the result of a run that ended at now and returns when the next
// one is due: every Every from the beginning of the last one, without those
// that came due while it ran; after a failure sooner, if that is sooner.
func (p *plan) ended(now time.Time, err error) time.Time {
	var next time.Time
	p.record.update(func(s *Status) {
		s.Running = false
		next = s.LastRun.Add(p.job.Every)
		if late := now.Sub(next); late > 0 {
			missed := int(late/p.job.Every) + 1
			s.Skipped += missed
			next = next.Add(time.Duration(missed) * p.job.Every)
		}
		if err == nil {
			s.LastSuccess, s.Failures = now, 0
		} else {
			s.LastError, s.LastErrorAt = err.Error(), now
			s.Failures++
			if sooner := now.Add(p.job.RetryAfter); sooner.Before(next) {
				next = sooner
			}
		}
		s.Next = next
	})
	return next
}
