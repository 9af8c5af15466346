package system

import (
	"context"
	"log/slog"

	"socorro"
)

// rawStore keeps raw crashes durably.
type rawStore interface {
	SaveRaw(context.Context, *socorro.RawCrash, []socorro.Dump) error
	Acknowledge(context.Context, socorro.CrashID) error
}

// enqueuer takes crashes into the processing queue.
type enqueuer interface {
	Enqueue(context.Context, socorro.CrashID, socorro.Lane) (bool, error)
	Defer(context.Context, socorro.CrashID) error
}

// accepter stands between the collector's spool and the stores: when Accept
// returns nil the crash is in the crash store, and on its way.
type accepter struct {
	store rawStore
	queue enqueuer
	wake  func()
	log   *slog.Logger
}

// Accept stores the crash and hands it to the queue. After an error it may be
// called again with the same crash: both steps can be repeated.
func (a *accepter) Accept(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	if err := a.store.SaveRaw(ctx, raw, dumps); err != nil {
		return err
	}
	return a.handOver(ctx, raw.ID)
}

// handOver queues a stored crash, and only then forgets that it was to be queued.
func (a *accepter) handOver(ctx context.Context, id socorro.CrashID) error {
	if id.Throttle() == socorro.Defer {
		if err := a.queue.Defer(ctx, id); err != nil {
			return err
		}
		return a.store.Acknowledge(ctx, id)
	}
	if _, err := a.queue.Enqueue(ctx, id, socorro.Normal); err != nil {
		return err
	}
	a.wake()
	return a.store.Acknowledge(ctx, id)
}
