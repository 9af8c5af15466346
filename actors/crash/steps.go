package crash

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"socorro"
)

// Crashes is what a crash actor needs of the crash store.
type Crashes interface {
	LoadRaw(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, error)
	Dumps(ctx context.Context, id socorro.CrashID) ([]socorro.Dump, error)
	// LoadProcessed returns ErrNotFound for a crash that was never processed.
	LoadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error)
	// SaveProcessed returns ErrConflict when what it has is of a newer epoch.
	SaveProcessed(ctx context.Context, p *socorro.ProcessedCrash) error
}

// Processor makes a processed crash of a raw one. It does not save anything.
// earlier is the result of the last processing, nil the first time.
type Processor interface {
	Process(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump, earlier *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error)
}

// Queue is how a crash actor answers its claim. A claim whose epoch is not the
// crash's newest is answered with ErrConflict.
type Queue interface {
	// Commit marks the crash processed and adds it to each destination's outbox, in one transaction.
	Commit(ctx context.Context, c socorro.Claim, destinations []string) error
	// Retry brings the crash back after a while.
	Retry(ctx context.Context, c socorro.Claim, after time.Duration, reason string) error
	// Park puts the crash aside until an operator releases it.
	Park(ctx context.Context, c socorro.Claim, reason string) error
	// Release gives the crash back as it was: this claim does not count as an attempt.
	Release(ctx context.Context, c socorro.Claim) error
}

// Stage is a step of the work on a crash.
type Stage int32

const (
	Loading Stage = iota
	Processing
	Saving
)

func (s Stage) String() string {
	switch s {
	case Loading:
		return "load"
	case Processing:
		return "process"
	case Saving:
		return "save"
	}
	return fmt.Sprintf("stage(%d)", int32(s))
}

// steps is the work itself: load, process, save. Nothing of it is kept between
// tries, and all of it may be repeated.
type steps struct {
	crashes   Crashes
	processor Processor
	timeout   time.Duration // of each call to the store
	show      func(Stage)
	stage     atomic.Int32
}

func (s *steps) enter(stage Stage) {
	s.stage.Store(int32(stage))
	s.show(stage)
}

func (s *steps) run(ctx context.Context, claim socorro.Claim) error {
	s.enter(Loading)
	raw, dumps, earlier, err := s.load(ctx, claim.ID)
	if err != nil {
		return err
	}
	s.enter(Processing)
	processed, err := s.processor.Process(ctx, raw, dumps, earlier)
	switch {
	case err != nil:
		return fmt.Errorf("actors/crash: process %s: %w", claim.ID, err)
	case processed == nil:
		return fmt.Errorf("actors/crash: process %s: the processor returned nothing", claim.ID)
	case processed.ID != claim.ID:
		return fmt.Errorf("actors/crash: process %s: the processor returned crash %q", claim.ID, processed.ID)
	case ctx.Err() != nil:
		// Half a result of a processor that does not look at its context.
		return fmt.Errorf("actors/crash: process %s: %w", claim.ID, context.Cause(ctx))
	}
	s.enter(Saving)
	processed.Epoch = claim.Epoch
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.crashes.SaveProcessed(ctx, processed); err != nil {
		return fmt.Errorf("actors/crash: save processed %s: %w", claim.ID, err)
	}
	return nil
}

func (s *steps) load(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, []socorro.Dump, *socorro.ProcessedCrash, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	raw, err := s.crashes.LoadRaw(ctx, id)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("actors/crash: load raw %s: %w", id, err)
	}
	if raw == nil {
		return nil, nil, nil, fmt.Errorf("actors/crash: load raw %s: the store returned nothing: %w", id, socorro.ErrInvalid)
	}
	dumps, err := s.crashes.Dumps(ctx, id)
	if err != nil && !errors.Is(err, socorro.ErrNotFound) { // a crash without a dump is a crash all the same
		return nil, nil, nil, fmt.Errorf("actors/crash: find dumps of %s: %w", id, err)
	}
	earlier, err := s.crashes.LoadProcessed(ctx, id)
	switch {
	case errors.Is(err, socorro.ErrNotFound), errors.Is(err, socorro.ErrInvalid):
		// A processed crash that cannot be read must not keep us from making a new one.
		earlier = nil
	case err != nil:
		return nil, nil, nil, fmt.Errorf("actors/crash: load processed %s: %w", id, err)
	}
	return raw, dumps, earlier, nil
}

// tell brings a verdict to the queue.
func tell(ctx context.Context, q Queue, claim socorro.Claim, v verdict, destinations []string) error {
	var err error
	switch v.outcome {
	case Committed:
		err = q.Commit(ctx, claim, destinations)
	case Retry, Unavailable:
		err = q.Retry(ctx, claim, v.after, v.reason)
	case Parked:
		err = q.Park(ctx, claim, v.reason)
	case Released:
		err = q.Release(ctx, claim)
	}
	if err != nil {
		return fmt.Errorf("actors/crash: settle %s as %s: %w", claim.ID, v.outcome, err)
	}
	return nil
}
