// Package fs keeps crashes in plain files: a dated radix tree that people can
// read with ls, cat and zcat, and that also tells which crashes are new.
//
//	<root>/<YYYYMMDD>/name/<aa>/<bb>/<id>/<id>.json             the raw crash
//	                                      <id>.dump_names.json  ["upload_file_minidump"]
//	                                      <id>.dump             upload_file_minidump
//	                                      <id>.<name>.dump      every other dump
//	                                      <id>.jsonz            the processed crash, gzip
//	                                      date_root             link to the slot below
//	<root>/<YYYYMMDD>/date/<HH>/<MM>_<SS/4>/<id>                link to the folder above
//	<root>/.incoming                                            uploads on their way in
//	<root>/.building                                            folders not yet visible
//
// The day is the one in the crash id, aa and bb are the id's first four
// characters, and the slot is the UTC time of saving. Trees that Socorro wrote
// with a depth of one to four are read too; we always write two.
//
// Promises: a crash is visible whole or not at all; what SaveRaw or
// SaveProcessed answered with nil survives kill -9 and power loss; several
// processes may share the tree when it is on a local file system (SaveProcessed
// takes an advisory lock on the crash's folder, which NFS does not grant).
package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"socorro"
)

const (
	incomingDir = ".incoming"
	buildingDir = ".building"

	// Dumps hold people's memory: nobody but the owner and the group reads them.
	dirMode  = 0o750
	fileMode = 0o640
)

// Config says where a Store is and how it behaves.
type Config struct {
	Root        string           // folder of the tree; made when missing
	MinuteSlice int              // seconds in a slot of the date branch, 1 to 60; 0 means 4
	MinFree     int64            // bytes that SaveRaw leaves free on the disk; 0 means 256 MiB, below 0 no limit
	StaleAfter  time.Duration    // Open removes leftovers in Incoming older than this; 0 means 6 hours
	Now         func() time.Time // nil means time.Now
}

func (c *Config) defaults() error {
	if c.Root == "" {
		return fmt.Errorf("storage/fs: open: no root folder is set: %w", socorro.ErrInvalid)
	}
	if c.MinuteSlice == 0 {
		c.MinuteSlice = 4
	}
	if c.MinuteSlice < 1 || c.MinuteSlice > 60 {
		return fmt.Errorf("storage/fs: open %s: a minute slice of %d seconds is not between 1 and 60: %w", c.Root, c.MinuteSlice, socorro.ErrInvalid)
	}
	if c.MinFree == 0 {
		c.MinFree = 256 << 20
	}
	if c.StaleAfter <= 0 {
		c.StaleAfter = 6 * time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Store is a tree of crashes. Its methods may be called from any goroutine.
type Store struct {
	cfg  Config
	root string // absolute
	zips sync.Pool

	mu      sync.Mutex
	durable map[string]bool // folders whose entry in their parent is known to be on disk
}

// Open makes the root when it is missing, and removes what uploads and saves
// that never ended have left behind.
func Open(cfg Config) (*Store, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("storage/fs: open %s: %w", cfg.Root, err)
	}
	s := &Store{cfg: cfg, root: root, durable: map[string]bool{}}
	for _, dir := range []string{s.Incoming(), s.building()} {
		if err := os.MkdirAll(dir, dirMode); err != nil {
			return nil, fmt.Errorf("storage/fs: open %s: %w", root, kind(err))
		}
		if err := s.sweep(dir); err != nil {
			return nil, fmt.Errorf("storage/fs: open %s: %w", root, kind(err))
		}
	}
	if err := syncPath(root); err != nil {
		return nil, fmt.Errorf("storage/fs: open %s: %w", root, kind(err))
	}
	return s, nil
}

// Incoming is where to put the files of an upload before SaveRaw, which moves
// them from there without copying a byte.
func (s *Store) Incoming() string { return filepath.Join(s.root, incomingDir) }

func (s *Store) building() string { return filepath.Join(s.root, buildingDir) }

// FreeBytes is the disk space that is left for the tree.
func (s *Store) FreeBytes() (int64, error) {
	free, err := freeBytes(s.root)
	if err != nil {
		return 0, fmt.Errorf("storage/fs: free space of %s: %w", s.root, kind(err))
	}
	return free, nil
}

func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// Healthy tells whether the tree can be read and written now.
func (s *Store) Healthy() error {
	if err := s.mounted(); err != nil {
		return fmt.Errorf("storage/fs: check: %w", err)
	}
	f, err := os.CreateTemp(s.building(), "healthy-")
	if err != nil {
		return fmt.Errorf("storage/fs: check: %w", kind(err))
	}
	return errors.Join(f.Close(), os.Remove(f.Name()), s.roomFor(0))
}

// mounted tells a tree without the wanted crash from a tree that is not there:
// the folder of an unmounted disk is empty, and "not found" would make callers
// give a crash up for good.
func (s *Store) mounted() error {
	if _, err := os.Stat(s.Incoming()); err != nil {
		return fmt.Errorf("%w: the tree at %s is gone (is its disk mounted?): %w", socorro.ErrUnavailable, s.root, err)
	}
	return nil
}

// roomFor refuses a save that would fill the disk. A disk that is full to the
// last byte also stops the queue's database, and then nobody can clean up.
func (s *Store) roomFor(size int64) error {
	if s.cfg.MinFree < 0 {
		return nil
	}
	free, err := freeBytes(s.root)
	if err != nil {
		return kind(err)
	}
	if free-size < s.cfg.MinFree {
		return fmt.Errorf("%w: %d bytes are free at %s, %d must stay free: delete old crashes or use a bigger disk",
			socorro.ErrUnavailable, free, s.root, s.cfg.MinFree)
	}
	return nil
}

// sweep removes what is older than StaleAfter. Younger entries may belong to
// another process that shares the tree.
func (s *Store) sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if s.cfg.Now().Sub(info.ModTime()) < s.cfg.StaleAfter {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
