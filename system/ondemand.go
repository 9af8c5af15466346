package system

import (
	"context"
	"errors"

	"socorro"
	"socorro/storage/fs"
	"socorro/storage/sqlite"
)

// onDemand is the crash store as readers see it. Whoever asks for the processed
// form of a crash that the throttle put off gets it processed: the page says
// that it waits, and shows it a moment later.
type onDemand struct {
	*fs.Store
	queue *sqlite.Queue
	wake  func()
}

// LoadProcessed reads a processed crash, and orders the processing of a deferred one.
func (d onDemand) LoadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error) {
	crash, err := d.Store.LoadProcessed(ctx, id)
	if !errors.Is(err, socorro.ErrNotFound) {
		return crash, err
	}
	status, unknown := d.queue.Status(ctx, id)
	if unknown != nil || status.State != socorro.Deferred {
		return nil, err
	}
	if _, requeueErr := d.queue.Requeue(ctx, []socorro.CrashID{id}, socorro.Priority); requeueErr != nil {
		return nil, errors.Join(err, requeueErr)
	}
	d.wake()
	return nil, err
}
