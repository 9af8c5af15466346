package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"socorro"
)

// micro scans microseconds since 1970 into a time; NULL is the zero time.
type micro struct{ t *time.Time }

// Scan implements sql.Scanner.
func (m micro) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m.t = time.Time{}
	case int64:
		*m.t = fromMicro(v)
	default:
		return fmt.Errorf("%T is no time", v)
	}
	return nil
}

const statusFields = `SELECT id, state, lane, epoch, attempts, last_error, enqueued, changed FROM crash `

func statusInto(s *socorro.QueueStatus) []any {
	return []any{&s.ID, &s.State, &s.Lane, &s.Epoch, &s.Attempts, &s.LastError, micro{&s.Enqueued}, micro{&s.Changed}}
}

// Status tells where a crash stands; ErrNotFound when the queue does not know it.
func (q *Queue) Status(ctx context.Context, id socorro.CrashID) (socorro.QueueStatus, error) {
	var s socorro.QueueStatus
	err := q.db.read.QueryRowContext(ctx, statusFields+`WHERE id = ?`, id).Scan(statusInto(&s)...)
	if err != nil {
		return socorro.QueueStatus{}, failure("status of", string(id), classify(err))
	}
	return s, nil
}

const listParked = statusFields + `WHERE state = 'parked' ORDER BY changed DESC LIMIT ?`

// ParkedCrashes lists up to limit (never more than 1,000) crashes that were
// given up, the latest first.
func (q *Queue) ParkedCrashes(ctx context.Context, limit int) ([]socorro.QueueStatus, error) {
	rows, err := q.db.read.QueryContext(ctx, listParked, bound(limit))
	list, err := scan(rows, err, statusInto)
	if err != nil {
		return nil, failure("list parked crashes", "", err)
	}
	return list, nil
}

// Depth counts the queue, as it is at one moment. It costs the same with ten
// and with ten million crashes.
func (q *Queue) Depth(ctx context.Context) (socorro.QueueDepth, error) {
	d, err := q.depth(ctx)
	if err != nil {
		return socorro.QueueDepth{}, failure("count queue", "", classify(err))
	}
	return d, nil
}

const (
	oldestWaiting  = `SELECT min(enqueued) FROM crash WHERE state = 'queued'`
	oldestDelivery = `SELECT created FROM outbox WHERE destination = ? AND parked = 0 ORDER BY seq LIMIT 1`
)

func (q *Queue) depth(ctx context.Context) (socorro.QueueDepth, error) {
	d := socorro.QueueDepth{
		ByState: map[socorro.CrashState]int{},
		ByLane:  map[socorro.Lane]int{socorro.Priority: 0, socorro.Normal: 0, socorro.Reprocessing: 0},
		Outbox:  map[string]socorro.OutboxDepth{},
	}
	for _, name := range q.cfg.Destinations {
		d.Outbox[name] = socorro.OutboxDepth{}
	}
	view, err := q.db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return d, err
	}
	defer view.Rollback()
	if err := crashDepth(ctx, view, &d); err != nil {
		return d, err
	}
	return d, outboxDepth(ctx, view, &d)
}

func crashDepth(ctx context.Context, view *sql.Tx, d *socorro.QueueDepth) error {
	type count struct {
		state socorro.CrashState
		lane  socorro.Lane
		rows  int
	}
	rows, err := view.QueryContext(ctx, `SELECT state, lane, rows FROM crash_tally WHERE rows > 0`)
	counts, err := scan(rows, err, func(c *count) []any { return []any{&c.state, &c.lane, &c.rows} })
	if err != nil {
		return err
	}
	for _, c := range counts {
		d.ByState[c.state] += c.rows
		if c.state == socorro.Queued {
			d.ByLane[c.lane] += c.rows
		}
	}
	return view.QueryRowContext(ctx, oldestWaiting).Scan(micro{&d.Oldest})
}

func outboxDepth(ctx context.Context, view *sql.Tx, d *socorro.QueueDepth) error {
	type count struct {
		destination string
		parked      bool
		rows        int
	}
	rows, err := view.QueryContext(ctx, `SELECT destination, parked, rows FROM outbox_tally WHERE rows > 0`)
	counts, err := scan(rows, err, func(c *count) []any { return []any{&c.destination, &c.parked, &c.rows} })
	if err != nil {
		return err
	}
	for _, c := range counts {
		o := d.Outbox[c.destination]
		if c.parked {
			o.Parked = c.rows
		} else {
			o.Waiting = c.rows
			err := view.QueryRowContext(ctx, oldestDelivery, c.destination).Scan(micro{&o.Oldest})
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		d.Outbox[c.destination] = o
	}
	return nil
}
