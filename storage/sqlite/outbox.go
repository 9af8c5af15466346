package sqlite

import (
	"context"
	"fmt"

	"socorro"
)

// maxPeek bounds what one call reads.
const maxPeek = 1000

// bound also keeps negative limits from SQLite, where they mean no limit.
func bound(limit int) int { return min(max(limit, 0), maxPeek) }

const (
	peekOutbox = `SELECT seq, id, epoch, attempts FROM outbox
		WHERE destination = ?1 AND parked = 0 AND seq > ?2 ORDER BY seq LIMIT ?3`
	peekParked = `SELECT seq, id, epoch, attempts, destination, last_error, changed FROM outbox
		WHERE destination = ?1 AND parked = 1 ORDER BY seq LIMIT ?2`
)

// Peek reads up to limit (never more than 1,000) deliveries of a destination
// that wait, in order of Seq, from after on; 0 reads from the first.
func (q *Queue) Peek(ctx context.Context, destination string, after int64, limit int) ([]socorro.Delivery, error) {
	rows, err := q.db.read.QueryContext(ctx, peekOutbox, destination, after, bound(limit))
	list, err := scan(rows, err, func(d *socorro.Delivery) []any { return []any{&d.Seq, &d.ID, &d.Epoch, &d.Attempt} })
	if err != nil {
		return nil, failure("peek outbox of", destination, err)
	}
	return list, nil
}

// ParkedDeliveries lists up to limit (never more than 1,000) deliveries that
// the destination gave up on, oldest first.
func (q *Queue) ParkedDeliveries(ctx context.Context, destination string, limit int) ([]socorro.ParkedDelivery, error) {
	rows, err := q.db.read.QueryContext(ctx, peekParked, destination, bound(limit))
	list, err := scan(rows, err, func(p *socorro.ParkedDelivery) []any {
		return []any{&p.Seq, &p.ID, &p.Epoch, &p.Attempt, &p.Destination, &p.Reason, micro{&p.Parked}}
	})
	if err != nil {
		return nil, failure("list parked deliveries of", destination, err)
	}
	return list, nil
}

// delivery runs a write on one row of a destination's outbox.
func (q *Queue) delivery(ctx context.Context, verb, destination string, seq int64, f func(tx) error) error {
	if err := q.db.writer.do(ctx, f); err != nil {
		return failure(verb, fmt.Sprintf("%d of %s", seq, destination), err)
	}
	return nil
}

// Ack removes a delivery that arrived. One that is gone is no error, so that
// an acknowledgement may be repeated.
func (q *Queue) Ack(ctx context.Context, destination string, seq int64) error {
	return q.AckAll(ctx, destination, []int64{seq})
}

// AckAll is Ack for several deliveries in one transaction.
func (q *Queue) AckAll(ctx context.Context, destination string, seqs []int64) error {
	err := q.db.writer.do(ctx, func(t tx) error {
		for _, seq := range seqs {
			if err := t.exec(`DELETE FROM outbox WHERE seq = ? AND destination = ?`, seq, destination); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return failure(fmt.Sprintf("acknowledge %d deliveries of", len(seqs)), destination, err)
	}
	return nil
}

// Fail counts a failed try and keeps the reason for operators. The delivery
// keeps its place. ErrNotFound when it is gone.
func (q *Queue) Fail(ctx context.Context, destination string, seq int64, reason string) (attempts int, err error) {
	err = q.delivery(ctx, "note failure of delivery", destination, seq, func(t tx) error {
		return t.row(`UPDATE outbox SET attempts = attempts + 1, last_error = ?3, changed = ?4
			WHERE seq = ?1 AND destination = ?2 RETURNING attempts`, []any{seq, destination, clip(reason, maxReason), q.now()}, &attempts)
	})
	if err != nil {
		return 0, err
	}
	return attempts, nil
}

// ParkDelivery sets a delivery aside until an operator releases it. It may be
// repeated; ErrNotFound when it is gone.
func (q *Queue) ParkDelivery(ctx context.Context, destination string, seq int64, reason string) error {
	return q.delivery(ctx, "park delivery", destination, seq, func(t tx) error {
		n, err := t.change(`UPDATE outbox SET parked = 1, last_error = ?3, changed = ?4 WHERE seq = ?1 AND destination = ?2`,
			seq, destination, clip(reason, maxReason), q.now())
		if err == nil && n == 0 {
			err = socorro.ErrNotFound
		}
		return err
	})
}

// ReleaseDelivery lets a parked delivery be tried again, with no failures
// counted. It goes to the end under a new Seq: a destination that reads on
// from where it was would never see the old one. ErrNotFound when no such
// delivery is parked.
func (q *Queue) ReleaseDelivery(ctx context.Context, destination string, seq int64) error {
	return q.delivery(ctx, "release delivery", destination, seq, func(t tx) error {
		n, err := t.change(`INSERT INTO outbox (destination, id, epoch, created, changed)
			SELECT destination, id, epoch, created, ?3 FROM outbox WHERE seq = ?1 AND destination = ?2 AND parked = 1`, seq, destination, q.now())
		if err == nil && n == 0 {
			err = socorro.ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.exec(`DELETE FROM outbox WHERE seq = ? AND destination = ?`, seq, destination)
	})
}
