package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"socorro"
)

// maxClaim bounds what one call hands out.
const maxClaim = 1000

// Claim hands out up to limit crashes (never more than 1,000) until now+lease,
// each with a new epoch and one more attempt. Crashes whose lease ran out come
// first, the longest waiting ahead; then the lanes take turns so that none
// starves: of eight picks six prefer Priority, one Normal and one
// Reprocessing, and a lane with nothing to give passes its turn to the next
// in that order. Within a lane the longest due comes first.
//
// A crash whose claims ran out twice in a row is handed out alone: nothing is
// claimed while the owner works on anything else, or on such a crash.
func (q *Queue) Claim(ctx context.Context, owner string, limit int, lease time.Duration) ([]socorro.Claim, error) {
	if owner == "" || limit < 1 || lease <= 0 {
		err := fmt.Errorf("owner %q, %d crashes, lease of %s: all three are needed: %w", owner, limit, lease, socorro.ErrInvalid)
		return nil, failure("claim", "", err)
	}
	var claims []socorro.Claim
	err := q.do(ctx, "claim for", socorro.CrashID(owner), func(t tx) error {
		now := q.now()
		rows, err := q.pick(t, owner, now, min(limit, maxClaim))
		if err != nil {
			return err
		}
		until := now + lease.Microseconds()
		claims = make([]socorro.Claim, 0, len(rows))
		for _, r := range rows {
			err := t.exec(`UPDATE crash SET state = 'claimed', owner = ?2, due = ?3, epoch = epoch + 1, attempts = attempts + 1,
				lost = ?5, changed = ?4 WHERE n = ?1`, r.n, owner, until, now, r.lost)
			if err != nil {
				return err
			}
			claims = append(claims, socorro.Claim{
				ID: r.id, Epoch: r.epoch + 1, Attempt: r.attempts + 1, Lost: r.lost, Lane: r.lane, Owner: owner, Lease: fromMicro(until),
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// claimable is a row that may be claimed.
type claimable struct {
	n        int64
	id       socorro.CrashID
	lane     socorro.Lane
	epoch    int64
	attempts int
	lost     int // claims in a row without answer, the one that just ran out included
}

func (c *claimable) fields() []any {
	return []any{&c.n, &c.id, &c.lane, &c.epoch, &c.attempts, &c.lost}
}

// suspectAfter is how often in a row a crash's processor must have died before
// the crash is taken for the cause. It is then worked on alone: a dump that
// kills the process must not take innocent neighbours to the parking lot with it.
const suspectAfter = 2

const (
	expiredLeases = `SELECT n, id, lane, epoch, attempts, lost + 1 FROM crash WHERE state = 'claimed' AND due <= ?1 ORDER BY due LIMIT ?2`
	suspects      = `SELECT n, id, lane, epoch, attempts, lost + 1 FROM crash WHERE state = 'claimed' AND due <= ?1 AND lost + 1 >= ?2 ORDER BY due LIMIT 1`
	ownersWork    = `SELECT count(*), coalesce(max(lost), 0) FROM crash WHERE state = 'claimed' AND owner = ?1 AND due > ?2`
	waitingInLane = `SELECT n, id, lane, epoch, attempts, 0 FROM crash WHERE state = 'queued' AND lane = ?3 AND due <= ?1 ORDER BY due, n LIMIT ?2`
)

func (q *Queue) pick(t tx, owner string, now int64, limit int) ([]claimable, error) {
	suspect, err := q.suspect(t, now)
	if err != nil {
		return nil, err
	}
	var working, worst int
	if err := t.row(ownersWork, []any{owner, now}, &working, &worst); err != nil {
		return nil, err
	}
	if worst >= suspectAfter || len(suspect) > 0 && working > 0 {
		return nil, nil // a suspect works alone, and waits until it can
	}
	if len(suspect) > 0 {
		return suspect, nil
	}
	rows, err := t.rows(expiredLeases, now, limit)
	picked, err := scan(rows, err, (*claimable).fields)
	if err != nil || len(picked) == limit {
		return picked, err
	}
	var lanes [3][]claimable
	for lane := range lanes {
		rows, err := t.rows(waitingInLane, now, limit-len(picked), lane)
		if lanes[lane], err = scan(rows, err, (*claimable).fields); err != nil {
			return nil, err
		}
	}
	for len(picked) < limit {
		lane := nextLane(q.picks, func(l socorro.Lane) bool { return len(lanes[l]) > 0 })
		if lane < 0 {
			break
		}
		picked = append(picked, lanes[lane][0])
		lanes[lane] = lanes[lane][1:]
		q.picks++
	}
	return picked, nil
}

// suspect is the longest waiting crash, at most one, whose processor died again
// and again.
func (q *Queue) suspect(t tx, now int64) ([]claimable, error) {
	rows, err := t.rows(suspects, now, suspectAfter)
	return scan(rows, err, (*claimable).fields)
}

// nextLane says whose turn it is among the lanes that have something; -1 when
// none has.
func nextLane(pick int, has func(socorro.Lane) bool) socorro.Lane {
	order := [...]socorro.Lane{socorro.Priority, socorro.Normal, socorro.Reprocessing}
	switch pick % 8 {
	case 3:
		order = [...]socorro.Lane{socorro.Normal, socorro.Priority, socorro.Reprocessing}
	case 7:
		order = [...]socorro.Lane{socorro.Reprocessing, socorro.Priority, socorro.Normal}
	}
	i := slices.IndexFunc(order[:], has)
	if i < 0 {
		return -1
	}
	return order[i]
}

// held finds the row that a claim still owns.
const held = ` WHERE id = ?1 AND epoch = ?2 AND state = 'claimed'`

// Extend moves the leases to now+lease. Lost are those that the caller owns no
// more: somebody else claimed them, or they were settled; stop working on them.
func (q *Queue) Extend(ctx context.Context, claims []socorro.Claim, lease time.Duration) (lost []socorro.CrashID, err error) {
	err = q.do(ctx, fmt.Sprintf("extend %d leases", len(claims)), "", func(t tx) error {
		lost = nil
		now := q.now()
		for _, c := range claims {
			n, err := t.change(`UPDATE crash SET due = ?3, changed = ?4`+held, c.ID, c.Epoch, now+lease.Microseconds(), now)
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, c.ID)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// Commit ends the processing of a crash: in one transaction it becomes
// processed, and each destination gets a row in its outbox. A lease that ran
// out does not matter as long as nobody else claimed the crash. Committing the
// same claim again is no error and adds nothing. Errors: ErrConflict when the
// epoch is stale, ErrNotFound when the queue does not know the crash.
func (q *Queue) Commit(ctx context.Context, c socorro.Claim, destinations []string) error {
	return q.do(ctx, "commit", c.ID, func(t tx) error {
		now := q.now()
		err := q.settle(t, c, socorro.Done, `UPDATE crash SET state = 'processed', owner = '', last_error = '', changed = ?3`+held, now)
		if err == errSettled {
			return nil
		}
		if err != nil {
			return err
		}
		for _, d := range destinations {
			if d == "" {
				return fmt.Errorf("a destination has no name: %w", socorro.ErrInvalid)
			}
			if err := t.exec(`INSERT INTO outbox (destination, id, epoch, created, changed) VALUES (?1, ?2, ?3, ?4, ?4)`, d, c.ID, c.Epoch, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// Retry gives a crash back to be claimed after a while, with the attempt
// counted. Errors as in Commit.
func (q *Queue) Retry(ctx context.Context, c socorro.Claim, after time.Duration, reason string) error {
	return q.do(ctx, "retry", c.ID, func(t tx) error {
		now := q.now()
		return q.settle(t, c, "", `UPDATE crash SET state = 'queued', owner = '', due = ?4, last_error = ?5, changed = ?3`+held,
			now, now+max(after, 0).Microseconds(), clip(reason, maxReason))
	})
}

// Park gives up on a crash until an operator requeues it. Errors as in Commit.
func (q *Queue) Park(ctx context.Context, c socorro.Claim, reason string) error {
	return q.do(ctx, "park", c.ID, func(t tx) error {
		err := q.settle(t, c, socorro.Parked, `UPDATE crash SET state = 'parked', owner = '', last_error = ?4, changed = ?3`+held,
			q.now(), clip(reason, maxReason))
		if err == errSettled {
			return nil
		}
		return err
	})
}

// Release gives a crash back unharmed, at shutdown: it can be claimed at once,
// at its old place in the lane, and the attempt does not count. Errors as in Commit.
func (q *Queue) Release(ctx context.Context, c socorro.Claim) error {
	return q.do(ctx, "release", c.ID, func(t tx) error {
		return q.settle(t, c, "", `UPDATE crash SET state = 'queued', owner = '', due = min(enqueued, ?3), attempts = max(attempts - 1, 0), changed = ?3`+held, q.now())
	})
}

// errSettled says that this very claim had this very end before. The first
// answer may have been lost on the way.
var errSettled = fmt.Errorf("settled already: %w", socorro.ErrConflict)

// settle runs the update that ends a claim, and explains why it hit no row.
func (q *Queue) settle(t tx, c socorro.Claim, end socorro.CrashState, update string, args ...any) error {
	n, err := t.change(update, append([]any{c.ID, c.Epoch}, args...)...)
	if err != nil || n == 1 {
		return err
	}
	var state socorro.CrashState
	var epoch int64
	if err := t.row(`SELECT state, epoch FROM crash WHERE id = ?`, []any{c.ID}, &state, &epoch); err != nil {
		return err
	}
	if epoch == c.Epoch && state == end {
		return errSettled
	}
	return fmt.Errorf("the claim of epoch %d is stale, the crash is %s under epoch %d: %w", c.Epoch, state, epoch, socorro.ErrConflict)
}

func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }
