package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"socorro"
)

// Take brings a crash to where it is kept for good. It gets a crash again after
// an error and, seldom, after nil. It must leave the dumps' files where they are.
type Take func(context.Context, *socorro.RawCrash, []socorro.Dump) error

// Move hands the crashes to take, oldest first, with as many workers as told,
// until ctx ends; then it waits for the workers and returns. While take fails
// everybody waits, longer each time, up to BackoffMax. A crash that take refuses
// with ErrInvalid or ErrConflict is parked: logged, kept, and tried at the next start.
//
// Uploads go first: while many come in at once one worker goes on, for a part of
// its time, and what it does not manage is moved when the rush is over.
func (s *Spool) Move(ctx context.Context, workers int, take Take) {
	m := &mover{spool: s, take: take}
	var wg sync.WaitGroup
	for n := range max(1, workers) {
		wg.Go(func() { m.work(ctx, n == 0) })
	}
	wg.Wait()
}

type mover struct {
	spool *Spool
	take  Take

	mu       sync.Mutex
	failures int
	until    time.Time
}

// The store's syncs and the uploads' wait for each other in the file system's
// journal. With so many uploads at once, each step of the mover costs several
// of them their time.
const (
	rush      = 4                      // calls of Keep at once
	rushPause = 4                      // times as long as the move took, that the worker pauses in a rush
	maxPause  = 250 * time.Millisecond // of it
	rushPoll  = 50 * time.Millisecond  // after which the other workers look again
)

func (m *mover) work(ctx context.Context, first bool) {
	s := m.spool
	for m.rest(ctx) {
		if !first && s.keeping.Load() >= rush {
			sleep(ctx, rushPoll)
			continue
		}
		e := s.next()
		if e == nil {
			select {
			case <-ctx.Done():
				return
			case <-s.arrived:
			}
			continue
		}
		s.signal() // for the next worker, if there is more
		start := time.Now()
		err := m.move(ctx, e)
		s.settled(e, err)
		m.judge(ctx, e, err)
		if s.keeping.Load() >= rush {
			sleep(ctx, min(rushPause*time.Since(start), maxPause))
		}
	}
}

// rest waits while the store is down. false means that ctx ended.
func (m *mover) rest(ctx context.Context) bool {
	m.mu.Lock()
	wait := time.Until(m.until)
	m.mu.Unlock()
	if wait > 0 {
		sleep(ctx, wait)
	}
	return ctx.Err() == nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (m *mover) judge(ctx context.Context, e *entry, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		m.failures = 0
	case ctx.Err() != nil:
	case permanent(err):
		m.spool.cfg.Log.Error("spooled crash parked: the crash store refuses it", "crash_id", string(e.id), "err", err)
	default:
		cfg := &m.spool.cfg
		wait := min(cfg.BackoffFirst<<min(m.failures, 20), cfg.BackoffMax)
		m.failures++
		m.until = time.Now().Add(wait)
		cfg.Log.Error("spooled crash waits for the crash store", "crash_id", string(e.id), "wait", wait, "err", err)
	}
}

func permanent(err error) bool {
	return errors.Is(err, socorro.ErrInvalid) || errors.Is(err, socorro.ErrConflict)
}

// next takes the oldest crash off the queue.
func (s *Spool) next() *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.queue = nil // let go of a burst's memory
		return nil
	}
	e := s.queue[0]
	s.queue[0], s.queue = nil, s.queue[1:]
	s.moving++
	return e
}

// settled puts a crash where it belongs after a try.
func (s *Spool) settled(e *entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moving--
	switch {
	case err == nil:
	case permanent(err):
		s.parked++
	default:
		s.queue = append([]*entry{e}, s.queue...)
	}
}

func (m *mover) move(ctx context.Context, e *entry) error {
	r, err := e.read()
	if err != nil {
		return err
	}
	dir := e.segment.dir
	dumps := make([]socorro.Dump, 0, len(r.Dumps))
	for _, d := range r.Dumps {
		dumps = append(dumps, socorro.Dump{Name: d.Name, Path: filepath.Join(dir, d.File), Size: d.Size, SHA256: d.SHA256})
	}
	if err := m.take(ctx, r.Raw, dumps); err != nil {
		return err
	}
	// The mark goes first: a crash without mark whose dumps are gone looks lost.
	line, err := encodeLine(record{Done: e.id})
	if err == nil {
		err = m.spool.writer.mark(line)
	}
	if err != nil {
		return fmt.Errorf("mark %s done: %w", e.id, err)
	}
	for _, d := range dumps {
		if err := os.Remove(d.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			m.spool.cfg.Log.Warn("dump of a moved crash not removed", "crash_id", string(e.id), "err", err)
		}
	}
	m.spool.release(e.segment)
	return nil
}
