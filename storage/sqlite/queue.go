package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"socorro"
)

// QueueConfig says how a Queue behaves.
type QueueConfig struct {
	Now          func() time.Time // nil means time.Now
	Destinations []string         // shown by Depth even when nothing waits for them
}

// Queue holds where every crash stands and, in the same file, the outbox of
// every destination: processing ends with one transaction over both.
type Queue struct {
	db  *db
	cfg QueueConfig

	picks int // turns of the lanes so far; belongs to the writer
}

// OpenQueue opens the file at path and makes it when it is missing. Errors:
// ErrInvalid when the file is something else or of a newer version,
// ErrUnavailable when it is damaged, locked or out of reach.
func OpenQueue(ctx context.Context, path string, cfg QueueConfig) (*Queue, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	d, err := open(ctx, path, queueFile)
	if err != nil {
		return nil, fmt.Errorf("storage/sqlite: open queue %s: %w", path, err)
	}
	return &Queue{db: d, cfg: cfg}, nil
}

// Close answers every call that is under way, then closes the file.
func (q *Queue) Close() error {
	if err := q.db.close(); err != nil {
		return fmt.Errorf("storage/sqlite: close queue: %w", err)
	}
	return nil
}

func (q *Queue) now() int64 { return q.cfg.Now().UnixMicro() }

// do runs one write; verb and id name it in the error.
func (q *Queue) do(ctx context.Context, verb string, id socorro.CrashID, f func(tx) error) error {
	if err := q.db.writer.do(ctx, f); err != nil {
		return failure(verb, string(id), err)
	}
	return nil
}

func failure(verb, object string, err error) error {
	return fmt.Errorf("storage/sqlite: %s: %w", strings.TrimSpace(verb+" "+object), err)
}

func checkID(id socorro.CrashID) error {
	clean, err := socorro.ParseCrashID(string(id))
	if err == nil && clean != id {
		err = fmt.Errorf("crash id %q is not in its plain form %q: %w", id, clean, socorro.ErrInvalid)
	}
	return err
}

func checkLane(lane socorro.Lane) error {
	if lane < socorro.Priority || lane > socorro.Reprocessing {
		return fmt.Errorf("there is no %s: %w", lane, socorro.ErrInvalid)
	}
	return nil
}

const addCrash = `INSERT INTO crash (id, state, lane, due, enqueued, changed) VALUES (?1, ?2, ?3, ?4, ?4, ?4)
	ON CONFLICT (id) DO NOTHING`

// Enqueue lets a new crash wait for a processor. A crash that the queue knows
// stays as it is, in whatever state, and added is false; see Requeue.
func (q *Queue) Enqueue(ctx context.Context, id socorro.CrashID, lane socorro.Lane) (added bool, err error) {
	if err := errors.Join(checkID(id), checkLane(lane)); err != nil {
		return false, failure("enqueue", "", err)
	}
	err = q.do(ctx, "enqueue", id, func(t tx) error {
		n, err := t.change(addCrash, id, socorro.Queued, lane, q.now())
		added = n == 1
		return err
	})
	return added && err == nil, err
}

// Defer notes a new crash that is not to be processed until Requeue. A crash
// that the queue knows stays as it is.
func (q *Queue) Defer(ctx context.Context, id socorro.CrashID) error {
	if err := checkID(id); err != nil {
		return failure("defer", "", err)
	}
	return q.do(ctx, "defer", id, func(t tx) error {
		return t.exec(addCrash, id, socorro.Deferred, socorro.Normal, q.now())
	})
}

// Requeue lets crashes be processed again, or for the first time: processed,
// parked, deferred and unknown ones become queued in the lane, with fresh
// attempts and the epoch that they had. A crash that waits already moves to
// the lane when that is a faster one; one that is claimed is left to its
// owner. n counts the crashes that were changed. Long lists are written in
// pieces of 500; after an error those before it stay requeued.
func (q *Queue) Requeue(ctx context.Context, ids []socorro.CrashID, lane socorro.Lane) (n int, err error) {
	if err := checkLane(lane); err != nil {
		return 0, failure("requeue", "", err)
	}
	for _, id := range ids {
		if err := checkID(id); err != nil {
			return 0, failure("requeue", "", err)
		}
	}
	for chunk := range slices.Chunk(ids, requeueChunk) {
		var changed int
		err := q.do(ctx, fmt.Sprintf("requeue %d crashes", len(ids)), "", func(t tx) error {
			changed = 0
			for _, id := range chunk {
				one, err := t.change(requeueCrash, id, lane, q.now())
				if err != nil {
					return err
				}
				changed += one
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += changed
	}
	return n, nil
}

// requeueChunk is how many rows a bulk request may keep the writer from others.
const requeueChunk = 500

const requeueCrash = `INSERT INTO crash (id, state, lane, due, enqueued, changed) VALUES (?1, 'queued', ?2, ?3, ?3, ?3)
	ON CONFLICT (id) DO UPDATE SET
		enqueued = CASE state WHEN 'queued' THEN enqueued ELSE excluded.enqueued END,
		due      = excluded.due, state = 'queued', lane = excluded.lane,
		attempts = 0, owner = '', last_error = '', changed = excluded.changed
	WHERE state IN ('processed', 'parked', 'deferred') OR state = 'queued' AND lane > excluded.lane`

const recoverClaims = `UPDATE crash SET due = min(due, ?2), changed = ?2 WHERE state = 'claimed' AND owner = ?1`

// RecoverOwner gives back what a dead run of the same owner had claimed. Call
// it at start, before the first Claim. The attempts stay counted: one of these
// crashes may be what killed it.
func (q *Queue) RecoverOwner(ctx context.Context, owner string) (n int, err error) {
	err = q.do(ctx, "recover claims of", socorro.CrashID(owner), func(t tx) (err error) {
		n, err = t.change(recoverClaims, owner, q.now())
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Forget removes every trace of a crash that was deleted from the crash store.
// Its epoch is forgotten too, so do not call it for a crash that is still there.
func (q *Queue) Forget(ctx context.Context, id socorro.CrashID) error {
	return q.do(ctx, "forget", id, func(t tx) error {
		if err := t.exec(`DELETE FROM outbox WHERE id = ?`, id); err != nil {
			return err
		}
		return t.exec(`DELETE FROM crash WHERE id = ?`, id)
	})
}

// maxReason bounds what an error leaves in the file, in bytes.
const maxReason = 4000

// clip shortens hostile or overlong text at a character's border.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
