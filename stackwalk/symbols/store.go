package symbols

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A StoreConfig says where a [Store] is and how large it may become.
type StoreConfig struct {
	// Dir is the directory, made when it is not there. It may be the one where
	// [HTTP] keeps what it downloads: the store has a folder of its own in it.
	Dir string
	// Bytes is how much the store may take on disk. 0 means 8 GiB; a negative
	// number means no bound.
	Bytes int64
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

const (
	defaultStoreBytes = 8 << 30
	storeFolder       = ".tables"
	tableSuffix       = ".table"
	draftPrefix       = ".draft-"
	// draftAge is after how long a draft is one that somebody gave up.
	draftAge = time.Hour
	// usedEvery is how exactly the store remembers when a table was last used.
	usedEvery = 10 * time.Minute
)

// A Store keeps parsed symbol files on disk, as tables that are mapped into memory
// when a later process, or the same, needs them again. Opening one takes about a
// millisecond however large the symbol file was. Give it to suppliers by
// [Options]; processes and machines of one kind may share it.
//
// A table stands for a symbol file of one path, size and time of change. One that
// is damaged, cut short, of another version or of another machine is made anew.
// Tables are written aside and renamed, and those not used for the longest time
// go when the store is full, which does not disturb whoever has them open. All
// methods are safe for concurrent use.
type Store struct {
	dir string
	cfg StoreConfig

	mu    sync.Mutex
	stats StoreStats
	since int64 // bytes written since the store was last swept
	swept bool
}

// StoreStats are numbers about a [Store] since it was made.
type StoreStats struct {
	Hits    int64 // tables that were there
	Made    int64
	Damaged int64 // tables that were there and no good
	Evicted int64
	// Failed counts tables that could not be kept, which only costs time, and
	// LastError says why the last was not.
	Failed    int64
	LastError error
}

// NewStore opens a store. The error is the system's when the directory cannot be
// made.
func NewStore(cfg StoreConfig) (*Store, error) {
	if cfg.Bytes == 0 {
		cfg.Bytes = defaultStoreBytes
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dir := filepath.Join(cfg.Dir, storeFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("stackwalk/symbols: open store: %w", err)
	}
	return &Store{dir: dir, cfg: cfg}, nil
}

// Stats counts what the store did.
func (s *Store) Stats() StoreStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

func (s *Store) count(what func(*StoreStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(&s.stats)
}

// keyOf says which contents a table is of: of which file, as it was when, and how
// it was read.
func keyOf(path string, info fs.FileInfo, opt Options) string {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	return fmt.Sprintf("%s %d %d strict=%t limit=%d", path, info.Size(), info.ModTime().UnixNano(), opt.Strict, opt.limit())
}

func (s *Store) place(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(s.dir, hex.EncodeToString(sum[:16])+tableSuffix)
}

// load is the table of a key, nil when there is none that is good.
func (s *Store) load(key string) *Table {
	place := s.place(key)
	f, err := os.Open(place)
	if err != nil {
		return nil
	}
	defer f.Close()
	t := readTable(f, key)
	if t == nil {
		s.count(func(n *StoreStats) { n.Damaged++ })
		return nil // the one made instead takes its place
	}
	if info, err := f.Stat(); err == nil {
		if now := s.cfg.Now(); now.Sub(info.ModTime()) > usedEvery {
			// Where this is not allowed the table looks older than it is, no more.
			_ = os.Chtimes(place, now, now)
		}
	}
	s.count(func(n *StoreStats) { n.Hits++ })
	return t
}

// notKeptError is why a table could not be kept.
type notKeptError struct{ err error }

func (e notKeptError) Error() string { return e.err.Error() }
func (e notKeptError) Unwrap() error { return e.err }

// make reads a symbol file into a new table of the store. Besides the errors of
// reading there is notKeptError, when it is the store that fails.
func (s *Store) make(source func(*assembly) error, key string, opt Options) (*Table, error) {
	draft, err := os.CreateTemp(s.dir, draftPrefix+"*")
	if err != nil {
		return nil, notKeptError{err}
	}
	defer os.Remove(draft.Name()) // fails once it is renamed, as it should
	defer draft.Close()
	a := assembly{opt: opt, out: draftWriter{draft}}
	if _, err := draft.Seek(headerSize, 0); err != nil {
		return nil, notKeptError{err}
	}
	if err := source(&a); err != nil {
		return nil, err
	}
	if err := finishDraft(draft, &a, key); err != nil {
		return nil, err
	}
	t := readTable(draft, key)
	if t == nil {
		return nil, notKeptError{errors.New("the table just written does not read back")}
	}
	info, err := draft.Stat()
	if err != nil {
		return nil, notKeptError{err}
	}
	if err := os.Rename(draft.Name(), s.place(key)); err != nil {
		return nil, notKeptError{err}
	}
	s.count(func(n *StoreStats) { n.Made++ })
	s.sweepAfter(info.Size())
	return t, nil
}

// finishDraft writes what comes after the data.
func finishDraft(draft *os.File, a *assembly, key string) error {
	t := &Table{packed: true}
	if a.base > 0 {
		file, err := mapFile(draft, headerSize+int64(a.base))
		if err != nil {
			return notKeptError{err}
		}
		defer unmap(file)
		t.mapped, t.data = file, file[headerSize:]
	}
	var err error
	if !t.intact(func() bool { err = a.finish(t); return true }) {
		return notKeptError{errors.New("the draft was cut short")}
	}
	if err != nil {
		return err
	}
	if err := writeIndex(draft, t, a.base, key); err != nil {
		return notKeptError{err}
	}
	return nil
}

// draftWriter marks the errors of writing.
type draftWriter struct{ f *os.File }

func (w draftWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		err = notKeptError{err}
	}
	return n, err
}

// sweepAfter sweeps the store when enough was written since the last time.
func (s *Store) sweepAfter(written int64) {
	if s.cfg.Bytes < 0 {
		return
	}
	s.mu.Lock()
	s.since += written
	due := !s.swept || s.since > s.cfg.Bytes/16
	if due {
		s.swept, s.since = true, 0
	}
	s.mu.Unlock()
	if due {
		s.sweep()
	}
}

// sweep removes drafts that nobody works on and, when the store is full, the
// tables not used for the longest time. Other processes may do the same at the
// same time.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.count(func(n *StoreStats) { n.Failed++; n.LastError = err })
		return
	}
	type kept struct {
		name string
		size int64
		used time.Time
	}
	var tables []kept
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // somebody else removed it
		}
		switch {
		case strings.HasPrefix(e.Name(), draftPrefix):
			if s.cfg.Now().Sub(info.ModTime()) > draftAge {
				os.Remove(filepath.Join(s.dir, e.Name()))
			}
		case strings.HasSuffix(e.Name(), tableSuffix):
			tables = append(tables, kept{e.Name(), info.Size(), info.ModTime()})
			total += info.Size()
		}
	}
	if total <= s.cfg.Bytes {
		return
	}
	slices.SortFunc(tables, func(a, b kept) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.name, b.name)) })
	for _, t := range tables {
		// Some room is made, so that the next table does not sweep again.
		if total <= s.cfg.Bytes-s.cfg.Bytes/16 {
			return
		}
		if os.Remove(filepath.Join(s.dir, t.name)) == nil {
			s.count(func(n *StoreStats) { n.Evicted++ })
		}
		total -= t.size
	}
}
