package web

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"socorro"
)

// parkedLimit is how many given-up items of a kind the page lists; the numbers
// beside it count all of them.
const parkedLimit = 50

type parkedRow struct {
	Key    string `json:"key"`
	ID     string `json:"id"`
	Where  string `json:"where"` // "processing", or a destination
	Since  string `json:"since"`
	Tries  string `json:"tries"`
	Reason string `json:"reason"`
}

// parkedRows lists what was given up, the latest crashes first, then the
// deliveries by destination. It asks only where the depth says that there is something.
func (p *Pages) parkedRows(ctx context.Context, now time.Time, depth socorro.QueueDepth) ([]parkedRow, error) {
	rows := []parkedRow{}
	row := func(id socorro.CrashID, where string, since time.Time, tries int, reason string) {
		rows = append(rows, parkedRow{
			Key: where + " " + string(id), ID: string(id), Where: visible(where), Since: age(now, since),
			Tries: grouped(tries), Reason: shorten(visible(reason), 300),
		})
	}
	if depth.ByState[socorro.Parked] > 0 {
		crashes, err := p.deps.Parked.ParkedCrashes(ctx, parkedLimit)
		if err != nil {
			return rows, fmt.Errorf("web: list parked crashes: %w", err)
		}
		for _, c := range crashes {
			row(c.ID, "processing", c.Changed, c.Attempts, c.LastError)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(depth.Outbox)) {
		if depth.Outbox[name].Parked == 0 {
			continue
		}
		deliveries, err := p.deps.Parked.ParkedDeliveries(ctx, name, parkedLimit)
		if err != nil {
			return rows, fmt.Errorf("web: list parked deliveries to %s: %w", name, err)
		}
		for _, d := range deliveries {
			row(d.ID, name, d.Parked, d.Attempt, d.Reason)
		}
	}
	return rows, nil
}
