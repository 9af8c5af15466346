package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"socorro"
)

// maxGroup bounds what one sync carries, so that the first of a group does not
// wait long for the last.
const maxGroup = 256

// writer appends the lines of all goroutines to the journal. Whatever has come
// up while the disk was busy is written and synced together.
type writer struct {
	dir    string
	cfg    Config
	folder *os.File // dir, for syncing names

	jobs chan *job
	done chan struct{}

	mu     sync.RWMutex // closed may not change while somebody sends
	closed bool
	err    error // of closing

	// What follows belongs to the loop.
	number  uint64
	segment *segment
	size    int64
}

// job is one line.
type job struct {
	line  []byte
	dumps bool // dumps were moved in: their names are to be synced first
	wait  bool // somebody waits until it is on disk

	entry *entry
	err   error
	done  chan struct{}
}

func startWriter(dir string, number uint64, cfg Config) (*writer, error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	w := &writer{dir: dir, cfg: cfg, folder: folder, number: number, jobs: make(chan *job, maxGroup), done: make(chan struct{})}
	if err := w.rotate(); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	go w.loop()
	return w, nil
}

// append returns when the line is on disk.
func (w *writer) append(line []byte, dumps bool) (*entry, error) {
	j := &job{line: line, dumps: dumps, wait: true, done: make(chan struct{})}
	if err := w.submit(j); err != nil {
		return nil, err
	}
	<-j.done
	return j.entry, j.err
}

// mark appends a line that need not survive a power cut.
func (w *writer) mark(line []byte) error {
	return w.submit(&job{line: line, done: make(chan struct{})})
}

func (w *writer) submit(j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fmt.Errorf("the spool is closed: %w", socorro.ErrUnavailable)
	}
	w.jobs <- j
	return nil
}

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
	group := make([]*job, 0, maxGroup)
	for first := range w.jobs {
		group = append(group[:0], first)
		for len(group) < maxGroup && len(w.jobs) > 0 {
			group = append(group, <-w.jobs)
		}
		err := w.write(group)
		for _, j := range group {
			j.err = err
			close(j.done)
		}
		clear(group)
	}
	w.retire()
	w.err = errors.Join(w.err, w.folder.Close())
}

// write brings a group to disk, all of it or nothing.
func (w *writer) write(group []*job) error {
	if w.segment == nil || w.size >= w.cfg.SegmentBytes {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	var text []byte
	dumps, wait, at := false, false, w.size
	for _, j := range group {
		if j.wait {
			j.entry = &entry{segment: w.segment, at: at + int64(len(text)), size: len(j.line)}
		}
		text = append(text, j.line...)
		dumps, wait = dumps || j.dumps, wait || j.wait
	}
	_, err := w.segment.f.WriteAt(text, at)
	if err == nil && wait {
		err = syscall.Fdatasync(int(w.segment.f.Fd()))
	}
	// In this order a file system with a journal has written the names with the
	// lines, and the second sync costs nothing. Lines whose names a power cut took
	// were not answered.
	if err == nil && dumps {
		err = w.folder.Sync()
	}
	if err != nil {
		// After a failed sync nobody knows what is on disk, and a second sync may
		// say that all is well: what follows goes to a new journal.
		err = errors.Join(err, w.segment.f.Truncate(at))
		w.retire()
		return err
	}
	w.size += int64(len(text))
	for _, j := range group {
		if j.wait {
			w.segment.live.Add(1)
		}
	}
	return nil
}

// rotate begins a new journal.
func (w *writer) rotate() error {
	w.retire()
	g := &segment{dir: w.dir, name: journalName(w.number)}
	f, err := os.OpenFile(filepath.Join(w.dir, g.name), os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	w.number++
	if err := w.folder.Sync(); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	g.f = f
	g.live.Add(1)
	w.segment, w.size = g, 0
	return nil
}

// retire ends the current journal. It goes away when its last crash is done.
func (w *writer) retire() {
	if w.segment == nil {
		return
	}
	w.cfg.release(w.segment)
	w.segment = nil
}

// release takes one reference off a journal and removes it with the last one.
func (c *Config) release(g *segment) {
	if g.live.Add(-1) > 0 {
		return
	}
	if err := c.discard(g); err != nil {
		c.Log.Error("journal of the spool not removed", "journal", g.path(), "err", err)
	}
}

func (c *Config) discard(g *segment) error {
	defer g.f.Close()
	if g.broken {
		return os.Rename(g.path(), filepath.Join(g.dir, "damaged-"+g.name))
	}
	if err := c.Settle(); err != nil {
		return err // it is read again at the next start
	}
	return os.Remove(g.path())
}

func (s *Spool) release(g *segment) { s.cfg.release(g) }
