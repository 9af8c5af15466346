package process

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"socorro"
)

// Processor applies a pipeline to crashes. It is safe for concurrent use.
type Processor struct {
	Pipeline Pipeline
	Log      *slog.Logger
	Now      func() time.Time // nil means time.Now
}

// Process makes the processed crash of a raw one. earlier is the result of the
// last processing, nil the first time. The error is ctx's: whatever is wrong
// with the crash itself is in the notes of the result.
func (p *Processor) Process(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump, earlier *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	s := &State{Raw: raw, Dumps: dumps, Earlier: earlier, Crash: &socorro.ProcessedCrash{}, Now: now()}
	defer func() {
		if err := s.close(); err != nil {
			p.Log.Warn("dump not closed", "crash_id", string(raw.ID), "stage", "process", "err", err)
		}
	}()
	s.Crash.Started = socorro.Timestamp(s.Now)
	s.note(">>> Start processing: %s (%s)", s.Crash.Started, host())
	s.history()
	if err := p.Pipeline.Run(ctx, s, p.Log); err != nil {
		return nil, err
	}
	if s.Crash.ID != raw.ID {
		return nil, fmt.Errorf("process: crash %s: no rule copied its id: %w", raw.ID, socorro.ErrInvalid)
	}
	s.Crash.Success = true
	s.Crash.Completed = socorro.Timestamp(now())
	return s.Crash, nil
}

// history keeps the notes of earlier processings, the last one first.
func (s *State) history() {
	if s.Earlier == nil || s.Earlier.ProcessorNotes == "" {
		return
	}
	history := []any{s.Earlier.ProcessorNotes}
	if before, ok := s.Earlier.Other["processor_history"].([]any); ok {
		history = append(history, before...)
	}
	s.set("processor_history", history)
}

// close lets go of the dump that the report points into.
func (s *State) close() error {
	if s.release == nil {
		return nil
	}
	return s.release()
}

func host() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown host"
	}
	return name
}
