// Package spool keeps uploaded crashes on the local disk from the moment of
// the collector's answer until the crash store has them. With it the answer
// waits for two syncs of the disk, one of which it shares with everybody who
// waits at that moment; and uploads go on while the crash store is down.
//
//	<dir>/lock                held by the process that uses it
//	<dir>/journal-00000001    one line for each crash: its raw crash, what dumps it has
//	<dir>/<crash id>.<n>      the dumps
//	<dir>/.incoming           uploads on their way in
//
// A line of the journal is a CRC-32C in hex, a blank and JSON; once it is on
// disk the crash is kept. A second line with the crash's id in "done" says that
// the crash store has it. A journal is removed when all of its crashes are done.
//
// [Spool.Move] brings the crashes to the store, at least once each.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"socorro"
)

// Config says where a Spool is. Dir is needed.
type Config struct {
	Dir          string        // folder; made when missing
	MinFree      int64         // bytes that stay free on its disk; 0 means 256 MiB, below 0 no limit
	SegmentBytes int64         // a journal that is larger is followed by a new one; 0 means 16 MiB
	MaxPending   int           // crashes that wait for the store; with more, Keep is ErrUnavailable; 0 means 1,000,000
	BackoffFirst time.Duration // first wait of Move after the store failed, doubled from there; 0 means 250 ms
	BackoffMax   time.Duration // longest one; 0 means 15 s
	Log          *slog.Logger  // nil means none

	// Found is called by Open for every crash in the journals, done or not, oldest
	// first. nil means that nobody wants to know.
	Found func(*socorro.RawCrash)

	// Settle is called before a journal is removed: what was derived from its
	// crashes has to be durable by itself from then on. nil means nothing to do.
	Settle func() error
}

func (c *Config) defaults() error {
	if c.Dir == "" {
		return fmt.Errorf("storage/spool: open: no folder is set: %w", socorro.ErrInvalid)
	}
	if c.MinFree == 0 {
		c.MinFree = 256 << 20
	}
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = 16 << 20
	}
	if c.MaxPending <= 0 {
		c.MaxPending = 1_000_000
	}
	if c.BackoffFirst <= 0 {
		c.BackoffFirst = 250 * time.Millisecond
	}
	if c.BackoffMax <= 0 {
		c.BackoffMax = 15 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Found == nil {
		c.Found = func(*socorro.RawCrash) {}
	}
	if c.Settle == nil {
		c.Settle = func() error { return nil }
	}
	return nil
}

// Spool is an open spool. Its methods may be called from any goroutine.
type Spool struct {
	cfg  Config
	dir  string
	lock *os.File

	writer *writer

	keeping atomic.Int64 // calls of Keep under way

	mu      sync.Mutex
	queue   []*entry // waiting for the store, oldest first
	moving  int
	parked  int
	arrived chan struct{} // holds a token when queue may have something
}

// entry is one crash of a journal. The crash itself stays on disk.
type entry struct {
	id      socorro.CrashID
	segment *segment
	at      int64 // of its line
	size    int
}

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// Open makes the folder when it is missing, and finds what waits in it. Errors:
// ErrInvalid, ErrConflict when another process has it open, ErrUnavailable.
func Open(cfg Config) (*Spool, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	s := &Spool{cfg: cfg, dir: cfg.Dir, arrived: make(chan struct{}, 1)}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("storage/spool: open %s: %w", cfg.Dir, kind(err)), s.unlock())
	}
	return s, nil
}

func (s *Spool) open() error {
	if err := os.MkdirAll(s.Incoming(), dirMode); err != nil {
		return err
	}
	if err := s.take(); err != nil {
		return err
	}
	newest, err := s.replay()
	if err != nil {
		return err
	}
	s.writer, err = startWriter(s.dir, newest+1, s.cfg)
	return err
}

// take locks the folder. The kernel lets go of the lock when its holder ends,
// however it ends.
func (s *Spool) take() error {
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	s.lock = f
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("another collector uses it: give each its own data directory: %w", socorro.ErrConflict)
	}
	return err
}

func (s *Spool) unlock() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// Close answers every Keep that is under way. What waits for the store stays on
// disk for the next Open.
func (s *Spool) Close() error {
	if err := errors.Join(s.writer.close(), s.unlock()); err != nil {
		return fmt.Errorf("storage/spool: close: %w", err)
	}
	return nil
}

// Depth counts the crashes that the store does not have yet; parked are those
// of them that it refuses for good.
func (s *Spool) Depth() (waiting, parked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) + s.moving + s.parked, s.parked
}

// Keep makes the crash and its dumps durable; it returns nil only then. The
// dumps' files are moved away when they are on the same file system and copied
// when not. Errors: ErrInvalid, ErrUnavailable when the disk does not do its work.
func (s *Spool) Keep(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	s.keeping.Add(1)
	defer s.keeping.Add(-1)
	if err := s.keep(ctx, raw, dumps); err != nil {
		return fmt.Errorf("storage/spool: keep %s: %w", raw.ID, kind(err))
	}
	return nil
}

func (s *Spool) keep(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if id, err := socorro.ParseCrashID(string(raw.ID)); err != nil || id != raw.ID {
		return fmt.Errorf("crash id %q is not in its plain form: %w", raw.ID, socorro.ErrInvalid)
	}
	if err := s.room(0); err != nil {
		return err
	}
	kept := make([]keptDump, 0, len(dumps))
	line, err := func() ([]byte, error) {
		for i, d := range dumps {
			k, err := s.bring(raw.ID, i, d)
			if err != nil {
				return nil, fmt.Errorf("dump %q: %w", d.Name, err)
			}
			kept = append(kept, k)
		}
		return encodeLine(record{Raw: raw, Dumps: kept})
	}()
	if err == nil {
		var e *entry
		if e, err = s.writer.append(line, len(kept) > 0); err == nil {
			e.id = raw.ID
			s.push(e)
			return nil
		}
	}
	for _, k := range kept {
		err = errors.Join(err, os.Remove(filepath.Join(s.dir, k.File)))
	}
	return err
}

// Incoming is where to put the files of an upload before Keep, which moves them
// from there without copying a byte.
func (s *Spool) Incoming() string { return filepath.Join(s.dir, ".incoming") }

// Room says why so many bytes more cannot be kept now; the error is
// ErrUnavailable. Below 0 means that their number is unknown.
func (s *Spool) Room(bytes int64) error {
	if err := s.room(bytes); err != nil {
		return fmt.Errorf("storage/spool: %w", kind(err))
	}
	return nil
}

func (s *Spool) room(bytes int64) error {
	if waiting, _ := s.Depth(); waiting >= s.cfg.MaxPending {
		return fmt.Errorf("%d crashes wait for the crash store already: %w", waiting, socorro.ErrUnavailable)
	}
	if s.cfg.MinFree < 0 {
		return nil
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil {
		return &os.PathError{Op: "statfs", Path: s.dir, Err: err}
	}
	if free := int64(st.Bavail) * st.Bsize; free-max(bytes, 0) < s.cfg.MinFree {
		return fmt.Errorf("%d bytes are free at %s, %d must stay free: delete old crashes or use a bigger disk: %w",
			free, s.dir, s.cfg.MinFree, socorro.ErrUnavailable)
	}
	return nil
}

func (s *Spool) push(e *entry) {
	s.mu.Lock()
	s.queue = append(s.queue, e)
	s.mu.Unlock()
	s.signal()
}

func (s *Spool) signal() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}
