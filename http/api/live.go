package api

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// queueStatus is where one crash stands. LastError stays inside: it may quote
// what a client sent; the log has it.
type queueStatus struct {
	CrashID  socorro.CrashID    `json:"crash_id"`
	State    socorro.CrashState `json:"state"`
	Lane     string             `json:"lane"`
	Epoch    int64              `json:"claim_epoch"`
	Attempts int                `json:"attempts"`
	Failed   bool               `json:"failed"` // the last attempt did
	Enqueued *string            `json:"enqueued"`
	Changed  *string            `json:"changed"`
}

func (a *API) queueStatus(c *fiber.Ctx) (any, error) {
	id, err := crashID(c)
	if err != nil {
		return nil, err
	}
	s, err := a.deps.Queue.Status(c.UserContext(), id)
	if err != nil {
		return nil, notFound(err, "Not found: %s is not in the queue", id)
	}
	return queueStatus{
		CrashID: s.ID, State: s.State, Lane: s.Lane.String(), Epoch: s.Epoch, Attempts: s.Attempts,
		Failed: s.LastError != "", Enqueued: stamp(s.Enqueued), Changed: stamp(s.Changed),
	}, nil
}

// stamp is a time in the JSON's form, null when there is none.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := socorro.Timestamp(t)
	return &s
}

type outboxDepth struct {
	Waiting int     `json:"waiting"`
	Parked  int     `json:"parked"`
	Oldest  *string `json:"oldest"`
}

type queueDepth struct {
	ByState map[socorro.CrashState]int `json:"by_state"`
	ByLane  map[string]int             `json:"waiting_by_lane"`
	Oldest  *string                    `json:"oldest"`
	Outbox  map[string]outboxDepth     `json:"outbox"`
}

func (a *API) queue(c *fiber.Ctx) (any, error) {
	d, err := a.deps.Queue.Depth(c.UserContext())
	if err != nil {
		return nil, err
	}
	out := queueDepth{
		ByState: map[socorro.CrashState]int{}, ByLane: map[string]int{},
		Oldest: stamp(d.Oldest), Outbox: map[string]outboxDepth{},
	}
	// Every state and lane is there, so that readers need not know which are empty.
	for _, s := range []socorro.CrashState{socorro.Queued, socorro.Claimed, socorro.Done, socorro.Parked, socorro.Deferred} {
		out.ByState[s] = d.ByState[s]
	}
	for _, l := range []socorro.Lane{socorro.Priority, socorro.Normal, socorro.Reprocessing} {
		out.ByLane[l.String()] = d.ByLane[l]
	}
	for name, o := range d.Outbox {
		out.Outbox[name] = outboxDepth{o.Waiting, o.Parked, stamp(o.Oldest)}
	}
	return out, nil
}

type actorStatus struct {
	Path         string  `json:"path"`
	Kind         string  `json:"kind"`
	Step         string  `json:"step"`
	Mailbox      int     `json:"mailbox"`
	Handled      uint64  `json:"handled"`
	InFlight     int     `json:"in_flight"`
	Restarts     int     `json:"restarts"`
	LastError    string  `json:"last_error"`
	LastErrorAt  *string `json:"last_error_at"`
	BackoffUntil *string `json:"backoff_until"`
	Started      *string `json:"started"`
}

func (a *API) actors(*fiber.Ctx) (any, error) {
	all := a.deps.Actors()
	out := make([]actorStatus, 0, len(all))
	for _, s := range all {
		out = append(out, actorStatus{
			Path: s.Path, Kind: s.Kind, Step: s.Step, Mailbox: s.Mailbox, Handled: s.Handled,
			InFlight: s.InFlight, Restarts: s.Restarts, LastError: s.LastError,
			LastErrorAt: stamp(s.LastErrorAt), BackoffUntil: stamp(s.BackoffUntil), Started: stamp(s.Started),
		})
	}
	return fiber.Map{"actors": out}, nil
}
