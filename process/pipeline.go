package process

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"socorro"
	"socorro/stackwalk"
)

// State is one crash on its way through the rules.
type State struct {
	Raw     *socorro.RawCrash
	Dumps   []socorro.Dump
	Earlier *socorro.ProcessedCrash // the result of the last processing; nil the first time
	Crash   *socorro.ProcessedCrash // what the rules fill in
	Report  *stackwalk.Report       // of the main dump; nil when there is none or it could not be walked
	Now     time.Time

	release func() error // of Report; nil when there is nothing to let go of
}

// note adds a line to the crash's public processor notes.
func (s *State) note(format string, args ...any) {
	s.Crash.AddNote(socorro.Note(fmt.Sprintf(format, args...)))
}

// dump finds a dump by name.
func (s *State) dump(name string) (socorro.Dump, bool) {
	for _, d := range s.Dumps {
		if d.Name == name {
			return d, true
		}
	}
	return socorro.Dump{}, false
}

// A Rule is one step. A rule that fails leaves a note, and the next one runs:
// half a report is better than none.
type Rule struct {
	Name  string
	When  func(*State) bool // nil means always
	Apply func(context.Context, *State) error
}

// Pipeline is rules in order.
type Pipeline []Rule

// Run applies every rule. It returns an error only when ctx ended: then the
// crash is half done and must not be saved.
func (p Pipeline) Run(ctx context.Context, s *State, log *slog.Logger) error {
	for _, r := range p {
		if err := r.run(ctx, s); err != nil && ctx.Err() == nil {
			// The note is public, the error may hold a path or personal data.
			s.note("rule %s failed: %s", r.Name, kind(err))
			log.Warn("rule failed", "crash_id", string(s.Raw.ID), "stage", r.Name, "err", err)
		}
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("process: rule %s of crash %s: %w", r.Name, s.Raw.ID, err)
		}
	}
	return nil
}

// run applies one rule. A panic is a bug of ours that would come back at every
// retry, so it costs the crash this one rule and not the rest of the report.
func (r Rule) run(ctx context.Context, s *State) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
	}()
	if r.When != nil && !r.When(s) {
		return nil
	}
	return r.Apply(ctx, s)
}

type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }
