// Package cron runs jobs again and again, each in an actor of its own with a
// worker child. A job that panics or fails is tried again sooner; one that
// still runs when it is due is not started twice.
package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"socorro"
	"socorro/actors/kit"
)

// Job is something to do regularly.
type Job struct {
	Name       string        // unique; no slash
	Every      time.Duration // from the beginning of one run to that of the next; at least 1s
	First      time.Duration // from the start of the program to the first run; 0 = at once
	RetryAfter time.Duration // from the end of a failed run to the next; 0 = Every/10, at least 1s
	Timeout    time.Duration // of one run; 0 = 1h
	Run        func(context.Context) error
}

// Check says what is wrong with the job; the error wraps [socorro.ErrInvalid].
func (j Job) Check() error {
	switch {
	case j.Name == "" || strings.Contains(j.Name, "/"):
		return fmt.Errorf("actors/cron: job %q: a name without slash is needed: %w", j.Name, socorro.ErrInvalid)
	case j.Every < time.Second:
		return fmt.Errorf("actors/cron: job %s: Every is %s, at least 1s is needed: %w", j.Name, j.Every, socorro.ErrInvalid)
	case j.First < 0 || j.RetryAfter < 0 || j.Timeout < 0:
		return fmt.Errorf("actors/cron: job %s: a time is negative: %w", j.Name, socorro.ErrInvalid)
	case j.Run == nil:
		return fmt.Errorf("actors/cron: job %s: Run is missing: %w", j.Name, socorro.ErrInvalid)
	}
	return nil
}

func (j Job) withDefaults() Job {
	if j.RetryAfter == 0 {
		j.RetryAfter = max(j.Every/10, time.Second)
	}
	if j.Timeout == 0 {
		j.Timeout = time.Hour
	}
	return j
}

// Finish cancels the run in hand, waits for its end, and ends the actor. From
// the engine; answered by the actor's end.
type Finish struct{}

// Deps is what a job's actor works with.
type Deps struct {
	Registry   *kit.Registry
	Supervisor *kit.Supervisor
	Log        *slog.Logger
	Record     *Record // of this job
}

var errStops = errors.New("the engine stops")

type schedule struct {
	plan      plan
	deps      Deps
	log       *slog.Logger
	node      *kit.Node
	worker    *kit.Worker[struct{}, struct{}]
	due       kit.Alarm
	finishing bool
}

// Props describes the actor of one job.
func Props(job Job, deps Deps) *actor.Props {
	job = job.withDefaults()
	produce := func(n *kit.Node) actor.Actor {
		return &schedule{
			plan: plan{job: job, record: deps.Record}, deps: deps, node: n, log: deps.Log.With("job", job.Name),
			worker: kit.NewWorker(deps.Registry, kit.WorkerConfig{Kind: "cron worker", Timeout: job.Timeout},
				func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, job.Run(ctx) }),
		}
	}
	return deps.Registry.Props("cron job", produce, actor.WithSupervisor(deps.Supervisor))
}

// Receive implements actor.Actor.
func (s *schedule) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		s.wait(c, s.plan.first(time.Now()))
	case *actor.Stopping, *actor.Restarting:
		s.due.Cancel()
		s.worker.Stop()
	case Finish:
		s.finishing = true
		s.due.Cancel()
		s.worker.Cancel(c, errStops)
		s.leave(c)
	default:
		if done, ok := s.worker.Result(c, m); ok {
			s.ended(c, done.Err, done.Took)
		} else if s.due.Rang(m) {
			s.run(c)
		}
	}
}

func (s *schedule) wait(c actor.Context, next time.Time) {
	s.due.Set(c, time.Until(next))
	s.node.Step("next run " + next.UTC().Format(time.RFC3339))
	s.node.InFlight(0)
}

func (s *schedule) run(c actor.Context) {
	s.plan.began(time.Now())
	s.node.Step("run")
	s.node.InFlight(1)
	s.worker.Give(c, struct{}{})
}

func (s *schedule) ended(c actor.Context, err error, took time.Duration) {
	if s.finishing && err != nil {
		s.log.Info("job cancelled", "took", took, "err", err)
		s.leave(c)
		return
	}
	next := s.plan.ended(time.Now(), err)
	outcome := "success"
	if err != nil {
		outcome = "failure"
		s.node.Fault(err)
		attrs := []any{"err", err, "took", took, "next", next}
		if panicked, ok := errors.AsType[*kit.PanicError](err); ok {
			attrs = append(attrs, "stack", string(panicked.Stack))
		}
		s.log.Error("job failed", attrs...)
	} else {
		s.log.Debug("job done", "took", took, "next", next)
	}
	s.deps.Registry.Metrics().CountJob(s.plan.job.Name, outcome, took)
	if s.finishing {
		s.leave(c)
		return
	}
	s.wait(c, next)
}

func (s *schedule) leave(c actor.Context) {
	if !s.worker.Busy() {
		c.Poison(c.Self())
	}
}
