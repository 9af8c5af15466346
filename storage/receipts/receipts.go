// Package receipts keeps a trace of every upload and of what became of it, so
// that an operator can check that nothing was lost, and so that a report that is
// sent again gets its first answer.
//
//	<dir>/20261123.jsonl   one receipt a line, in the order of the answers
//	<dir>/20261122.sums    how many of each kind a past day has
//
// Files are only ever appended to. Write returns at once; the line is in the file
// within [flushEvery], and survives a power cut after [Log.Sync]. Receipts of kept
// crashes that are lost before are made anew from the spool's journal.
package receipts

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"socorro"
)

// Config says where a Log is. Dir is needed.
type Config struct {
	Dir    string           // folder; made when missing
	Window time.Duration    // how long a report that is sent again is recognised; 0 means never
	Keys   int              // at most so many keys of reports are remembered, the newest; 0 means 200,000, about 40 MiB
	Now    func() time.Time // nil means time.Now
}

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	cfg Config

	stop    chan struct{}
	stopped chan struct{}

	// Appending to a file waits for the file system's journal now and then; only
	// the flusher does, never an upload. file is taken before mu.
	file  sync.Mutex
	day   string
	f     *os.File
	size  int64
	torn  bool // the file may end in the middle of a line
	dirty []*os.File

	mu     sync.Mutex
	buf    []byte // lines on their way to the file
	failed error  // of the last flush
	sums   sums
	first  time.Time
	known  map[key]seen
	oldest []key // of known, in order of time
}

// sums counts receipts by result and reason.
type sums map[socorro.Result]map[string]int

func (s sums) add(r socorro.Result, reason string, n int) {
	if s[r] == nil {
		s[r] = map[string]int{}
	}
	s[r][reason] += n
}

const (
	dirMode  = 0o750
	fileMode = 0o640
	dayForm  = "20060102"
)

// Open reads what is there. Only one process may write to a folder at a time.
// Errors: ErrInvalid, ErrUnavailable.
func Open(cfg Config) (*Log, error) {
	if cfg.Dir == "" {
		return nil, fmt.Errorf("storage/receipts: open: no folder is set: %w", socorro.ErrInvalid)
	}
	if cfg.Keys <= 0 {
		cfg.Keys = 200_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &Log{cfg: cfg, sums: sums{}, known: map[key]seen{}, stop: make(chan struct{}), stopped: make(chan struct{})}
	if err := os.MkdirAll(cfg.Dir, dirMode); err != nil {
		return nil, failure("open "+cfg.Dir, err)
	}
	if err := l.load(); err != nil {
		return nil, failure("open "+cfg.Dir, err)
	}
	go l.flusher()
	return l, nil
}

const (
	flushEvery = 50 * time.Millisecond
	maxBuffer  = 8 << 20 // bytes of lines that a full disk may hold up
)

func (l *Log) flusher() {
	defer close(l.stopped)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = l.flush() // the next Write tells
		case <-l.stop:
			return
		}
	}
}

func failure(what string, err error) error {
	if !errors.Is(err, socorro.ErrInvalid) {
		err = fmt.Errorf("%w: %w", socorro.ErrUnavailable, err)
	}
	return fmt.Errorf("storage/receipts: %s: %w", what, err)
}

// Write appends a receipt and remembers its keys.
func (l *Log) Write(r socorro.Receipt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.write(r); err != nil {
		return failure("write", err)
	}
	return nil
}

func (l *Log) write(r socorro.Receipt) error {
	line, err := encode(r)
	if err != nil {
		return err
	}
	if len(l.buf)+len(line) > maxBuffer {
		return fmt.Errorf("%d bytes of receipts wait for the disk: %w", len(l.buf), l.failed)
	}
	l.buf = append(l.buf, line...)
	l.count(r)
	l.remember(r)
	return nil
}

// flush brings the lines to the file of the day. What fails is tried again.
func (l *Log) flush() error {
	l.file.Lock()
	defer l.file.Unlock()
	l.mu.Lock()
	lines := l.buf
	l.buf = nil
	l.mu.Unlock()
	if len(lines) == 0 {
		return nil
	}
	n, err := l.appendLines(lines)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	if err != nil {
		// A line that was cut goes again, whole.
		rest := lines[bytes.LastIndexByte(lines[:n], '\n')+1:]
		l.buf = append(bytes.Clone(rest), l.buf...)
	}
	return err
}

func (l *Log) appendLines(lines []byte) (n int, err error) {
	if err := l.turn(); err != nil {
		return 0, err
	}
	if l.torn { // of a full disk: end the broken line, so that it costs only itself
		if _, err := l.f.WriteAt([]byte("\n"), l.size); err != nil {
			return 0, err
		}
		l.size++
		l.torn = false
	}
	n, err = l.f.WriteAt(lines, l.size)
	l.size += int64(n)
	l.torn = n > 0 && lines[n-1] != '\n'
	return n, err
}

func (l *Log) count(r socorro.Receipt) {
	l.sums.add(r.Result, r.Reason, 1)
	if l.first.IsZero() {
		l.first = r.Time
	}
}

// turn opens the file of the day.
func (l *Log) turn() error {
	day := l.cfg.Now().UTC().Format(dayForm)
	if l.f != nil && day <= l.day { // a clock that is set back must not open an old day again
		return nil
	}
	f, err := os.OpenFile(filepath.Join(l.cfg.Dir, day+linesSuffix), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if l.f != nil {
		l.dirty = append(l.dirty, l.f)
	}
	l.f, l.day, l.size = f, day, info.Size()
	l.torn = l.size > 0 && !endsLine(f, l.size)
	return nil
}

func endsLine(f *os.File, size int64) bool {
	var last [1]byte
	_, err := f.ReadAt(last[:], size-1)
	return err == nil && last[0] == '\n'
}

// Sync makes everything that was written durable.
func (l *Log) Sync() error {
	if err := l.flush(); err != nil {
		return failure("sync", err)
	}
	l.file.Lock()
	defer l.file.Unlock()
	var errs []error
	for _, old := range l.dirty {
		errs = append(errs, old.Sync(), old.Close())
	}
	l.dirty = nil
	if l.f != nil {
		errs = append(errs, l.f.Sync(), syncDir(l.cfg.Dir))
	}
	if err := errors.Join(errs...); err != nil {
		return failure("sync", err)
	}
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close syncs and closes the files.
func (l *Log) Close() error {
	l.mu.Lock()
	select {
	case <-l.stop:
		l.mu.Unlock()
		return nil
	default:
		close(l.stop)
	}
	l.mu.Unlock()
	<-l.stopped
	err := l.Sync()
	l.file.Lock()
	defer l.file.Unlock()
	if l.f != nil {
		err = errors.Join(err, l.f.Close())
		l.f = nil
	}
	return err
}

// Totals counts all receipts by result and reason, and tells when the first was
// written.
func (l *Log) Totals() (since time.Time, totals map[socorro.Result]map[string]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	totals = map[socorro.Result]map[string]int{}
	for result, reasons := range l.sums {
		totals[result] = maps.Clone(reasons)
	}
	return l.first, totals
}
