package system

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"socorro"
	"socorro/storage/sqlite"
)

// Parked is `socorro parked`.
type Parked struct {
	Data    string `help:"Data directory of the server, which may be running." default:"crash-data" env:"SOCORRO_DATA" type:"existingdir"`
	Release bool   `help:"Put everything that is listed back to work, once what made it fail is mended."`
}

// parkedPage is how many items one round lists and releases; released ones make
// room for the next.
const parkedPage = 1000

// Run lists the crashes that could not be processed and the deliveries that a
// destination refused, each with the reason, and releases them when asked to.
// A running server finds released items at its next sweep.
func (c *Parked) Run(ctx context.Context, s Streams) error {
	queue, err := sqlite.OpenQueue(ctx, filepath.Join(c.Data, queueFile), sqlite.QueueConfig{})
	if err != nil {
		return err
	}
	defer queue.Close()
	crashes, err := c.crashes(ctx, s, queue)
	if err != nil {
		return err
	}
	deliveries, err := c.deliveries(ctx, s, queue)
	if err != nil {
		return err
	}
	verb := "parked"
	if c.Release {
		verb = "released"
	}
	_, err = fmt.Fprintf(s.Out, "%d crashes and %d deliveries %s\n", crashes, deliveries, verb)
	return err
}

func (c *Parked) crashes(ctx context.Context, s Streams, queue *sqlite.Queue) (total int, err error) {
	for {
		parked, err := queue.ParkedCrashes(ctx, parkedPage)
		if err != nil {
			return total, err
		}
		ids := make([]socorro.CrashID, 0, len(parked))
		for _, p := range parked {
			fmt.Fprintf(s.Out, "crash    %s  %s  attempts %d  %s\n", p.ID, socorro.Timestamp(p.Changed), p.Attempts, p.LastError)
			ids = append(ids, p.ID)
		}
		total += len(ids)
		if !c.Release || len(ids) == 0 {
			return total, nil
		}
		if _, err := queue.Requeue(ctx, ids, socorro.Normal); err != nil {
			return total, err
		}
	}
}

func (c *Parked) deliveries(ctx context.Context, s Streams, queue *sqlite.Queue) (total int, err error) {
	depth, err := queue.Depth(ctx)
	if err != nil {
		return 0, err
	}
	for _, name := range slices.Sorted(maps.Keys(depth.Outbox)) {
		for more := true; more; {
			parked, err := queue.ParkedDeliveries(ctx, name, parkedPage)
			if err != nil {
				return total, err
			}
			for _, p := range parked {
				fmt.Fprintf(s.Out, "delivery %s  %s  to %s  attempts %d  %s\n", p.ID, socorro.Timestamp(p.Parked), name, p.Attempt, p.Reason)
				if !c.Release {
					continue
				}
				if err := queue.ReleaseDelivery(ctx, name, p.Seq); err != nil {
					return total, err
				}
			}
			total += len(parked)
			more = c.Release && len(parked) == parkedPage
		}
	}
	return total, nil
}
