package web

import (
	"context"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

// stateBody is a crash that has no report yet.
type stateBody struct {
	ID       socorro.CrashID
	State    string // "queued", "claimed", "parked", "deferred", "processed" or "unknown"
	Head     string
	Why      string
	Lane     string
	Ahead    int // crashes that wait in faster lanes
	Beside   int // crashes that wait in the same lane, this one included
	HasDepth bool
	Attempts int
	Error    string
	Enqueued time.Time
	Waited   string
	Command  string
}

// unprocessed explains where the crash stands. Its zero status means that no
// queue knows it, though it is kept.
func (p *Pages) unprocessed(ctx context.Context, c *fiber.Ctx, s socorro.QueueStatus) error {
	b := stateBody{
		ID: s.ID, State: string(s.State), Lane: s.Lane.String(),
		Attempts: s.Attempts, Error: s.LastError, Enqueued: s.Enqueued,
	}
	if !s.Enqueued.IsZero() {
		b.Waited = span(max(0, p.cfg.Now().Sub(s.Enqueued)))
	}
	refresh := 0
	switch s.State {
	case socorro.Queued:
		b.Head = "This crash waits to be processed"
		b.Why = "It is safely kept. The report appears here by itself as soon as a processor has worked through it."
		refresh = 3
		p.standing(ctx, c, s.Lane, &b)
	case socorro.Claimed:
		b.Head = "This crash is being processed"
		b.Why = "A processor works on it now. The report appears here by itself in a moment."
		refresh = 2
	case socorro.Parked:
		b.Head = "Processing this crash was given up"
		b.Why = "The crash is kept, but every try to process it failed. It stays parked until an operator has removed the cause and releases it back into the queue."
	case socorro.Deferred:
		b.Head = "This crash is kept, but not processed"
		b.Why = "The collector's throttle rules deferred it to save work. It can be processed on request."
	case socorro.Done:
		b.Head = "The report of this crash is missing"
		b.Why = "The queue says that it was processed, but the store holds no result. Reprocessing it brings the report back."
	default:
		b.State = "unknown"
		b.Head = "This crash is kept, but nobody processes it"
		b.Why = "The upload is in the store, but no queue knows it: it was received moments ago, or its queue entry was lost. Reprocessing it brings a report."
		refresh = 5
	}
	if refresh == 0 && p.cfg.ReleaseCommand != nil {
		b.Command = p.cfg.ReleaseCommand(s.ID)
	}
	c.Status(fiber.StatusOK)
	return p.render(c, fiber.StatusOK, "state", view{
		Title: b.Head, Nav: "crashes", Refresh: refresh, Live: refresh > 0, Body: b,
	})
}

func (p *Pages) standing(ctx context.Context, c *fiber.Ctx, lane socorro.Lane, b *stateBody) {
	d, err := p.deps.Queue.Depth(ctx)
	if err != nil {
		p.deps.Log.WarnContext(ctx, "queue depth not shown", pathAttr(c), errAttr(err))
		return
	}
	b.HasDepth = true
	for l, n := range d.ByLane {
		switch {
		case l < lane:
			b.Ahead += n
		case l == lane:
			b.Beside = n
		}
	}
}
