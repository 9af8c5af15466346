package system

import (
	"context"
	"fmt"
	"path/filepath"

	"socorro"
	"socorro/storage/sqlite"
)

// Requeue is `socorro requeue`.
type Requeue struct {
	Data string   `help:"Data directory of the server, which may be running." default:"crash-data" env:"SOCORRO_DATA" type:"existingdir"`
	IDs  []string `arg:"" name:"crash-id" help:"Crash ids, with or without bp-."`
}

// Run puts crashes that are parked, deferred or already processed into the
// queue again, at the priority of somebody who waits. A running server finds
// them at its next sweep.
func (c *Requeue) Run(ctx context.Context, s Streams) error {
	ids := make([]socorro.CrashID, 0, len(c.IDs))
	for _, text := range c.IDs {
		id, err := socorro.ParseCrashID(text)
		if err != nil {
			return usageError{err}
		}
		ids = append(ids, id)
	}
	queue, err := sqlite.OpenQueue(ctx, filepath.Join(c.Data, queueFile), sqlite.QueueConfig{})
	if err != nil {
		return err
	}
	defer queue.Close()
	n, err := queue.Requeue(ctx, ids, socorro.Priority)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%d of %d crashes are queued again\n", n, len(ids))
	return err
}
