package system

import (
	"context"
	"fmt"
	"iter"

	"socorro"
)

// newCrashes lists crashes that are stored and not yet handed to the queue.
type newCrashes interface {
	NewCrashes(context.Context) iter.Seq2[socorro.CrashID, error]
}

// sweep hands over what a kill or a queue that was down left behind: crashes
// that were stored, perhaps answered, and never queued. It is safe at any time,
// beside running uploads too, because queueing is idempotent.
func sweep(ctx context.Context, store newCrashes, a *accepter) error {
	found := 0
	var unreadable error // the last one: a broken directory must not hold up the others
	for id, err := range store.NewCrashes(ctx) {
		if err != nil {
			unreadable = fmt.Errorf("system: sweep for stored crashes: %w", err)
			continue
		}
		if err := a.handOver(ctx, id); err != nil {
			return fmt.Errorf("system: sweep: hand over crash %s: %w", id, err)
		}
		found++
	}
	if found > 0 {
		a.log.Info("swept up stored crashes", "count", found)
	}
	return unreadable
}
