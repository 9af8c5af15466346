package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"socorro"
)

// maxBatch bounds what one commit carries, so that the first of a batch does
// not wait long for the last.
const maxBatch = 256

// A writer runs the writes of all goroutines on one connection. Whatever has
// queued up while the disk was busy goes into the next transaction together.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt

	jobs chan *job
	done chan struct{}

	mu     sync.RWMutex // closed may not change while somebody sends
	closed bool
	err    error // of closing
}

// A job is one write. Its error undoes nothing but itself.
type job struct {
	ctx   context.Context
	run   func(tx) error
	taken atomic.Bool // by the writer, or given up by the caller: whoever was first
	done  chan error  // buffered
}

// tx is what a job sees of the transaction it runs in.
type tx struct {
	ctx context.Context // never cancelled: interrupting one job would roll back its neighbours
	w   *writer
}

func startWriter(ctx context.Context, pool *sql.DB) (*writer, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, classify(err)
	}
	w := &writer{conn: conn, stmts: map[string]*sql.Stmt{}, jobs: make(chan *job, maxBatch), done: make(chan struct{})}
	go w.loop()
	return w, nil
}

// do runs f in a transaction and returns when that is on disk. When it returns
// the error of ctx, f has not run.
func (w *writer) do(ctx context.Context, f func(tx) error) error {
	j := &job{ctx: ctx, run: f, done: make(chan error, 1)}
	if err := w.submit(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-j.done // it is being written; a guess would be worse than the short wait
	}
}

func (w *writer) submit(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fmt.Errorf("%w: the database is closed", socorro.ErrUnavailable)
	}
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits until everything that was submitted is answered.
func (w *writer) close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.done
	return w.err
}

func (w *writer) loop() {
	defer close(w.done)
	batch := make([]*job, 0, maxBatch)
	for first := range w.jobs {
		batch = append(batch[:0], first)
		for len(batch) < maxBatch && len(w.jobs) > 0 {
			batch = append(batch, <-w.jobs)
		}
		w.runBatch(batch)
		clear(batch)
	}
	for _, s := range w.stmts {
		w.err = errors.Join(w.err, s.Close())
	}
	w.err = errors.Join(w.err, w.conn.Close())
}

// runBatch answers every job of the batch, after the commit.
func (w *writer) runBatch(batch []*job) {
	live := batch[:0]
	for _, j := range batch {
		if j.taken.CompareAndSwap(false, true) {
			live = append(live, j)
		}
	}
	if len(live) == 0 {
		return
	}
	results := make([]error, len(live))
	if err := w.transact(live, results); err != nil {
		for i := range results {
			results[i] = err
		}
	}
	for i, j := range live {
		j.done <- results[i]
	}
}

// transact returns an error when nothing of the batch was kept.
func (w *writer) transact(batch []*job, results []error) error {
	t := tx{ctx: context.Background(), w: w}
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for i, j := range batch {
		if results[i] = j.ctx.Err(); results[i] != nil {
			continue
		}
		err := t.run(j)
		if err != nil && fatal(err) {
			_ = t.exec("ROLLBACK") // SQLite may have done so already
			return err
		}
		results[i] = err
	}
	if err := t.exec("COMMIT"); err != nil {
		_ = t.exec("ROLLBACK")
		return err
	}
	return nil
}

func (t tx) run(j *job) error {
	if err := t.exec("SAVEPOINT job"); err != nil {
		return err
	}
	failed := j.run(t)
	if failed != nil {
		if err := t.exec("ROLLBACK TO job"); err != nil {
			return fmt.Errorf("%w: undo: %w", socorro.ErrUnavailable, err)
		}
	}
	if err := t.exec("RELEASE job"); err != nil {
		return fmt.Errorf("%w: %w", socorro.ErrUnavailable, err)
	}
	return failed
}

// stmt prepares a text once; all texts are constants of this package.
func (t tx) stmt(text string) (*sql.Stmt, error) {
	if s := t.w.stmts[text]; s != nil {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(t.ctx, text)
	if err != nil {
		return nil, classify(err)
	}
	t.w.stmts[text] = s
	return s, nil
}

func (t tx) exec(text string, args ...any) error {
	_, err := t.change(text, args...)
	return err
}

// change tells how many rows the statement changed.
func (t tx) change(text string, args ...any) (int, error) {
	s, err := t.stmt(text)
	if err != nil {
		return 0, err
	}
	res, err := s.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, classify(err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// row reads one row; ErrNotFound when there is none.
func (t tx) row(text string, args []any, into ...any) error {
	s, err := t.stmt(text)
	if err != nil {
		return err
	}
	return classify(s.QueryRowContext(t.ctx, args...).Scan(into...))
}

// scan reads all rows of a query, here or from the reading pool.
func scan[T any](rows *sql.Rows, err error, one func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		var v T
		if err := rows.Scan(one(&v)...); err != nil {
			return nil, classify(err)
		}
		out = append(out, v)
	}
	return out, classify(rows.Err())
}

func (t tx) rows(text string, args ...any) (*sql.Rows, error) {
	s, err := t.stmt(text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(t.ctx, args...)
}
