package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"socorro"
)

// advice says what an operator can do about an error of the system. All of
// them pass when somebody does, so the same call may work later.
func advice(errno syscall.Errno) string {
	switch errno {
	case syscall.ENOSPC:
		return "the disk is full: delete old crashes or use a bigger disk"
	case syscall.EDQUOT:
		return "the disk quota is used up: raise it or delete old crashes"
	case syscall.EROFS:
		return "the file system is read only: look for disk errors in the kernel log, then remount it"
	case syscall.EIO, syscall.ENXIO, syscall.ENODEV:
		return "the disk does not answer properly: look for disk errors in the kernel log"
	case syscall.EACCES, syscall.EPERM:
		return "permission denied: the tree must belong to the user that runs this program"
	case syscall.EMFILE, syscall.ENFILE:
		return "too many open files: raise the limit (ulimit -n)"
	case syscall.ESTALE, syscall.ENOTCONN, syscall.ETIMEDOUT:
		return "the file server is away: check the mount"
	case syscall.ENOMEM:
		return "the system is out of memory"
	case syscall.EMLINK:
		return "a folder is full"
	}
	return ""
}

// kind wraps what the operating system refused in one of the domain's errors.
func kind(err error) error {
	var errno syscall.Errno
	if err == nil || !errors.As(err, &errno) {
		return err
	}
	if text := advice(errno); text != "" {
		return fmt.Errorf("%w: %s: %w", socorro.ErrUnavailable, text, err)
	}
	return err
}

// syncPath makes the bytes of a file, or the entries of a folder, durable.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncTree makes a folder and the files in it durable, one after the other:
// asking for all at once was measured and is no faster.
func syncTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if err := syncPath(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncPath(dir)
}

// makeDurable makes dir and what is missing above it, up to the root, and
// makes sure that their entries are on disk. It remembers what it has synced:
// that a folder exists says nothing, for whoever made it, here or in another
// process, may not have come to syncing it yet.
func (s *Store) makeDurable(dir string) error {
	if dir == s.root || s.known(dir) {
		return nil
	}
	if err := s.makeDurable(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := syncPath(filepath.Dir(dir)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.durable) >= maxDurable {
		clear(s.durable)
	}
	s.durable[dir] = true
	return nil
}

// maxDurable bounds the memory of makeDurable; a full day has 65,536 folders
// two levels deep. Forgetting costs a sync, nothing else.
const maxDurable = 1 << 17

func (s *Store) known(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.durable[dir]
}

func (s *Store) forget(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.durable, dir)
}

// inDir makes dir durable and runs do in it, once more when another process
// removed the folder in between because it was empty.
func (s *Store) inDir(dir string, do func() error) error {
	for try := 0; ; try++ {
		if err := s.makeDurable(dir); err != nil {
			return err
		}
		err := do()
		if try == 3 || !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for d := dir; d != s.root; d = filepath.Dir(d) {
			s.forget(d)
		}
	}
}

// lock takes the advisory lock of a folder, so that comparing epochs and
// writing is one step for every process on this machine. The lock goes with
// its holder: a killed process leaves none behind.
func lock(ctx context.Context, dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(&os.PathError{Op: "flock", Path: dir, Err: err}, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(lockPoll):
		}
	}
}

const lockPoll = 2 * time.Millisecond

// ctxReader stops a long copy when its context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
