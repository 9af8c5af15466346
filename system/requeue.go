package system

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"socorro"
	"socorro/storage/fs"
	"socorro/storage/sqlite"
)

// Requeue is `socorro requeue`.
type Requeue struct {
	Data string    `help:"Data directory of the server, which may be running." default:"crash-data" env:"SOCORRO_DATA" type:"existingdir"`
	Day  time.Time `help:"Every stored crash of this UTC day." format:"2006-01-02" placeholder:"YYYY-MM-DD"`
	IDs  []string  `arg:"" optional:"" name:"crash-id" help:"Crash ids, with or without bp-."`
}

// requeuePiece is how many crashes are queued at a time.
const requeuePiece = 500

// Run puts crashes that are parked, deferred or already processed into the
// queue again: named ones at the priority of somebody who waits, those of a
// day behind everything fresh. A running server finds them at its next sweep.
func (c *Requeue) Run(ctx context.Context, s Streams) error {
	if c.Day.IsZero() == (len(c.IDs) == 0) {
		return usageError{errors.New("name crash ids, or a --day")}
	}
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
	var total, queued int
	if len(ids) > 0 {
		total = len(ids)
		queued, err = queue.Requeue(ctx, ids, socorro.Priority)
	} else {
		total, queued, err = c.day(ctx, queue)
	}
	fmt.Fprintf(s.Out, "%d of %d crashes are queued again\n", queued, total)
	return err
}

// day queues what the crash store has of a day, in pieces, so that a million
// crashes need no memory. What cannot be read is told at the end.
func (c *Requeue) day(ctx context.Context, queue *sqlite.Queue) (total, queued int, err error) {
	store, err := fs.Open(fs.Config{Root: filepath.Join(c.Data, crashDir)})
	if err != nil {
		return 0, 0, err
	}
	var piece []socorro.CrashID
	var unreadable error
	flush := func() error {
		n, err := queue.Requeue(ctx, piece, socorro.Reprocessing)
		queued += n
		piece = piece[:0]
		return err
	}
	for id, err := range store.Crashes(ctx, c.Day) {
		if err != nil {
			unreadable = err
			continue
		}
		total++
		if piece = append(piece, id); len(piece) == requeuePiece {
			if err := flush(); err != nil {
				return total, queued, err
			}
		}
	}
	return total, queued, errors.Join(flush(), unreadable)
}
