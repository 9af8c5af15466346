package destination

import (
	"context"
	"fmt"

	"socorro"
)

// Outbox holds what is still to be delivered, for each destination by itself.
type Outbox interface {
	// Peek returns up to max deliveries that wait, with Seq above after, in order. It changes nothing.
	Peek(ctx context.Context, destination string, after int64, max int) ([]socorro.Delivery, error)
	// Ack removes a delivery that arrived. ErrNotFound means that it is gone already.
	Ack(ctx context.Context, destination string, seq int64) error
	// Fail notes a failure and returns how many the delivery has had.
	Fail(ctx context.Context, destination string, seq int64, reason string) (int, error)
	// ParkDelivery puts a delivery aside until an operator releases it.
	ParkDelivery(ctx context.Context, destination string, seq int64, reason string) error
}

// Crashes is what a destination needs of the crash store.
type Crashes interface {
	LoadRaw(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, error)
	LoadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error)
}

// Saver is a destination. Save must be idempotent: after a crash of ours it is
// called again with what it already has. Its errors decide what happens next:
// ErrInvalid, ErrNotFound and ErrRejected park the delivery, ErrConflict means
// that something newer is there already, anything else is tried again.
type Saver interface {
	Save(ctx context.Context, raw *socorro.RawCrash, processed *socorro.ProcessedCrash) error
}

// steps does tasks. It runs in the worker.
type steps struct {
	name    string
	window  int
	outbox  Outbox
	crashes Crashes
	saver   Saver
}

// result is what a task gave, beside its error.
type result struct {
	found    []socorro.Delivery // of peek
	failures int                // of fail
}

func (s *steps) do(ctx context.Context, t task) (result, error) {
	var r result
	var err error
	switch t.kind {
	case peek:
		// Always from the start: a delivery that was released, or one that was
		// committed late, may have a lower number than those already acked.
		r.found, err = s.outbox.Peek(ctx, s.name, 0, s.window)
		r.found = r.found[:min(len(r.found), s.window)]
	case save:
		return r, s.save(ctx, t.delivery)
	case ack:
		err = s.outbox.Ack(ctx, s.name, t.delivery.Seq)
	case fail:
		r.failures, err = s.outbox.Fail(ctx, s.name, t.delivery.Seq, t.reason)
	case park:
		err = s.outbox.ParkDelivery(ctx, s.name, t.delivery.Seq, t.reason)
	}
	if err != nil {
		return r, fmt.Errorf("actors/destination: %s: %s %d: %w", s.name, t.kind, t.delivery.Seq, err)
	}
	return r, nil
}

func (s *steps) save(ctx context.Context, d socorro.Delivery) error {
	raw, err := s.crashes.LoadRaw(ctx, d.ID)
	if err != nil {
		return fmt.Errorf("actors/destination: %s: load raw %s: %w", s.name, d.ID, err)
	}
	processed, err := s.crashes.LoadProcessed(ctx, d.ID)
	if err != nil {
		return fmt.Errorf("actors/destination: %s: load processed %s: %w", s.name, d.ID, err)
	}
	if raw == nil || processed == nil {
		return fmt.Errorf("actors/destination: %s: load %s: the store returned nothing: %w", s.name, d.ID, socorro.ErrNotFound)
	}
	if processed.Epoch < d.Epoch {
		return fmt.Errorf("actors/destination: %s: load processed %s of epoch %d, have %d: %w", s.name, d.ID, d.Epoch, processed.Epoch, errStale)
	}
	if err := s.saver.Save(ctx, raw, processed); err != nil {
		return fmt.Errorf("actors/destination: %s: save %s: %w", s.name, d.ID, err)
	}
	return nil
}
