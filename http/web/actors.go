package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

const actorLimit = 1_000 // rows; the engine itself caps earlier

// actorsBody is the page and, as JSON, the event of its stream. Numbers are
// ready to show, so that the page and the stream cannot differ.
type actorsBody struct {
	At     string      `json:"at"`
	Tiles  []tile      `json:"tiles"`
	Actors []actorRow  `json:"actors"`
	More   int         `json:"more"` // actors past the limit
	Queue  []depthRow  `json:"queue"`
	Outbox []outboxRow `json:"outbox"`
	Parked []parkedRow `json:"parked"`
	Error  string      `json:"error"` // why the queue's numbers are missing
}

type tile struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Value string `json:"value"`
	Note  string `json:"note"`
	Alarm bool   `json:"alarm"`
}

type actorRow struct {
	Key      string `json:"key"` // the path
	Depth    int    `json:"depth"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Mailbox  string `json:"mailbox"`
	Handled  string `json:"handled"`
	Restarts string `json:"restarts"`
	InFlight string `json:"in_flight"`
	Step     string `json:"step"`
	Backoff  string `json:"backoff"` // left to wait, "" when it does not
	Error    string `json:"error"`
	ErrorAge string `json:"error_age"`
	State    string `json:"state"` // "busy", "idle", "backoff"
}

type depthRow struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Means string `json:"means"`
	Count string `json:"count"`
	Alarm bool   `json:"alarm"`
}

type outboxRow struct {
	Key     string `json:"key"`
	Waiting string `json:"waiting"`
	Parked  string `json:"parked"`
	Oldest  string `json:"oldest"`
	Alarm   bool   `json:"alarm"`
}

func (p *Pages) actors(ctx context.Context, c *fiber.Ctx) error {
	refresh, err := number(c, "refresh", 0, 3600, 0)
	if err != nil {
		return err
	}
	b, err := p.actorsView(ctx)
	if err != nil {
		p.deps.Log.WarnContext(ctx, "queue depth not shown", pathAttr(c), errAttr(err))
	}
	return p.render(c, fiber.StatusOK, "actors", view{Title: "Actors", Nav: "actors", Refresh: refresh, Body: b})
}

// actorsView always has something to show: when the queue does not answer, the
// actors are what an operator needs most. The error is then told beside them.
func (p *Pages) actorsView(ctx context.Context) (actorsBody, error) {
	now := p.cfg.Now()
	b := actorsBody{At: utc(now) + " UTC"}
	all := p.deps.Actors()
	b.More = max(0, len(all)-actorLimit)
	b.Actors = actorRows(now, all[:min(len(all), actorLimit)])
	depth, err := p.deps.Queue.Depth(ctx)
	if err != nil {
		b.Error = "The queue does not answer right now, so its numbers are missing."
		b.Tiles = actorTiles(now, all, nil)
		return b, fmt.Errorf("web: queue depth: %w", err)
	}
	q := viewQueue(now, depth)
	b.Tiles = actorTiles(now, all, q)
	b.Queue = depthRows(depth)
	b.Outbox = outboxRows(now, depth.Outbox)
	b.Parked, err = p.parkedRows(ctx, now, depth)
	return b, err
}

func actorTiles(now time.Time, all []socorro.ActorStatus, q *queueView) []tile {
	flight, waits := 0, 0
	for _, a := range all {
		flight += a.InFlight
		if a.BackoffUntil.After(now) {
			waits++
		}
	}
	tiles := []tile{
		{"actors", "Actors", grouped(len(all)), "alive", false},
		{"flight", "In flight", grouped(flight), "pieces of work", false},
		{"backoff", "Backing off", grouped(waits), plural(waits, "actor waits", "actors wait"), waits > 0},
	}
	if q == nil {
		return tiles
	}
	oldest := "nothing waits"
	if q.OldestAge != "" {
		oldest = "oldest for " + q.OldestAge
	}
	return append(tiles,
		tile{"waiting", "Waiting crashes", grouped(q.Waiting), oldest, false},
		tile{"parked", "Parked crashes", grouped(q.Parked), "need an operator", q.Parked > 0})
}

func actorRows(now time.Time, all []socorro.ActorStatus) []actorRow {
	all = slices.SortedFunc(slices.Values(all), func(a, b socorro.ActorStatus) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
	out := make([]actorRow, len(all))
	for i, a := range all {
		parts := strings.Split(a.Path, "/")
		r := actorRow{
			Key: visible(a.Path), Depth: min(len(parts)-1, 6), Name: visible(parts[len(parts)-1]),
			Kind: visible(a.Kind), Mailbox: grouped(a.Mailbox), Handled: grouped(a.Handled),
			Restarts: grouped(a.Restarts), InFlight: grouped(a.InFlight),
			Step: shorten(visible(a.Step), 120), State: "idle",
		}
		if a.InFlight > 0 || a.Mailbox > 0 {
			r.State = "busy"
		}
		if left := a.BackoffUntil.Sub(now); left > 0 {
			r.Backoff, r.State = span(left+time.Second-1), "backoff"
		}
		if a.LastError != "" {
			r.Error, r.ErrorAge = shorten(visible(a.LastError), 300), age(now, a.LastErrorAt)
		}
		out[i] = r
	}
	return out
}

func depthRows(d socorro.QueueDepth) []depthRow {
	var out []depthRow
	for _, l := range []struct {
		lane  socorro.Lane
		means string
	}{
		{socorro.Priority, "waiting; somebody looks at the report page"},
		{socorro.Normal, "waiting; fresh from the collector"},
		{socorro.Reprocessing, "waiting; asked for in bulk"},
	} {
		out = append(out, depthRow{"lane-" + l.lane.String(), l.lane.String() + " lane", l.means, grouped(d.ByLane[l.lane]), false})
	}
	for _, s := range []struct {
		state socorro.CrashState
		means string
	}{
		{socorro.Claimed, "a processor works on them"},
		{socorro.Parked, "given up after too many tries; an operator releases them"},
		{socorro.Deferred, "kept, processed only on request"},
		{socorro.Done, "committed and handed to every outbox"},
	} {
		n := d.ByState[s.state]
		out = append(out, depthRow{"state-" + string(s.state), string(s.state), s.means, grouped(n), s.state == socorro.Parked && n > 0})
	}
	return out
}

func outboxRows(now time.Time, all map[string]socorro.OutboxDepth) []outboxRow {
	var out []outboxRow
	for _, name := range slices.Sorted(maps.Keys(all)) {
		d := all[name]
		oldest := "–"
		if !d.Oldest.IsZero() {
			oldest = span(max(0, now.Sub(d.Oldest)))
		}
		out = append(out, outboxRow{cmp.Or(visible(name), "unnamed"), grouped(d.Waiting), grouped(d.Parked), oldest, d.Parked > 0})
	}
	return out
}

// blank is an empty row of a kind, of which the browser makes the rows that
// appear while it watches.
func blank(kind string) any {
	switch kind {
	case "tile":
		return tile{}
	case "actor":
		return actorRow{}
	case "depth":
		return depthRow{}
	case "parked":
		return parkedRow{}
	default:
		return outboxRow{}
	}
}
