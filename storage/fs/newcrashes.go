package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"socorro"
)

// leftoverAfter is how old a link without crash, or an empty slot, must be
// before we take it for a leftover rather than for a save in progress.
const leftoverAfter = time.Hour

// NewCrashes yields the crashes that were saved but not acknowledged, oldest
// slot first, days in order. A crash that is saved or acknowledged meanwhile
// may or may not be among them. What cannot be read is yielded as an error,
// and the rest follows; the end of ctx is the last error.
func (s *Store) NewCrashes(ctx context.Context) iter.Seq2[socorro.CrashID, error] {
	return func(yield func(socorro.CrashID, error) bool) {
		w := dateWalk{store: s, ctx: ctx, yield: yield}
		if err := s.mounted(); err != nil {
			w.report(err)
			return
		}
		w.days()
	}
}

// dateWalk goes through <root>/<day>/date/<HH>/<slot>/<id>. os.ReadDir sorts
// by name, and all names down to the slot are numbers with leading zeros, so
// the order of names is the order of time. Every method returns false when the
// caller has had enough.
type dateWalk struct {
	store *Store
	ctx   context.Context
	yield func(socorro.CrashID, error) bool
}

func (w *dateWalk) report(err error) bool {
	return w.yield("", fmt.Errorf("storage/fs: look for new crashes: %w", kind(err)))
}

func (w *dateWalk) days() bool {
	return w.each(w.store.root, func(day string, e fs.DirEntry) bool {
		if _, err := time.Parse(dayForm, e.Name()); err != nil {
			return true
		}
		return w.each(filepath.Join(day, dateBranch), func(hour string, _ fs.DirEntry) bool {
			return w.each(hour, func(slot string, _ fs.DirEntry) bool {
				return w.each(slot, w.link) && w.tidy(slot)
			}) && w.tidy(hour)
		})
	})
}

func (w *dateWalk) each(dir string, do func(path string, e fs.DirEntry) bool) bool {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return true
	}
	if err != nil {
		return w.report(err)
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			w.report(err)
			return false
		}
		if !do(filepath.Join(dir, e.Name()), e) {
			return false
		}
	}
	return true
}

func (w *dateWalk) link(path string, e fs.DirEntry) bool {
	id, err := parse(socorro.CrashID(e.Name()))
	if err != nil || e.Type()&fs.ModeSymlink == 0 {
		return true
	}
	switch _, err := w.store.find(id); {
	case err == nil:
		return w.yield(id, nil)
	case !errors.Is(err, socorro.ErrNotFound):
		return w.report(err)
	case w.isOld(path):
		// Seen after power loss in the middle of SaveRaw, and in trees from
		// which somebody removed crashes by hand: a link that leads nowhere.
		_ = os.Remove(path)
	}
	return true
}

// tidy removes an empty folder of the past. Nobody misses it, and a save that
// wants it at this very moment makes it again.
func (w *dateWalk) tidy(dir string) bool {
	if w.isOld(dir) && os.Remove(dir) == nil {
		w.store.forget(dir)
	}
	return true
}

func (w *dateWalk) isOld(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && w.store.cfg.Now().Sub(info.ModTime()) > leftoverAfter
}

// Acknowledge takes a crash off NewCrashes. A crash that was acknowledged
// before is no error. It is not synced: after power loss the crash may be new
// once more, so whoever acknowledges must be able to meet a crash twice.
func (s *Store) Acknowledge(ctx context.Context, id socorro.CrashID) error {
	if err := s.acknowledge(ctx, id); err != nil {
		return fmt.Errorf("storage/fs: acknowledge %s: %w", id, kind(err))
	}
	return nil
}

func (s *Store) acknowledge(ctx context.Context, id socorro.CrashID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leaf, err := s.find(id)
	if err != nil {
		return err
	}
	return s.unlink(id, leaf)
}

// unlink removes the date link, then the way back.
func (s *Store) unlink(id socorro.CrashID, leaf string) error {
	slot, err := s.slotOf(id, leaf)
	if err != nil || slot == "" {
		return err
	}
	for _, link := range []string{filepath.Join(slot, string(id)), filepath.Join(leaf, dateRoot)} {
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Delete removes a crash with everything that belongs to it. It is gone for
// readers at once, and gone from the disk when Delete returns nil.
func (s *Store) Delete(ctx context.Context, id socorro.CrashID) error {
	if err := s.delete(ctx, id); err != nil {
		return fmt.Errorf("storage/fs: delete %s: %w", id, kind(err))
	}
	return nil
}

func (s *Store) delete(ctx context.Context, id socorro.CrashID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	leaf, err := s.find(id)
	if err != nil {
		return err
	}
	if err := s.unlink(id, leaf); err != nil && !errors.Is(err, socorro.ErrInvalid) {
		return err
	}
	grave, err := os.MkdirTemp(s.building(), "deleted-"+string(id)+"-")
	if err != nil {
		return err
	}
	if err := os.Rename(leaf, filepath.Join(grave, string(id))); err != nil {
		return errors.Join(notFound(err), os.Remove(grave))
	}
	if err := syncPath(filepath.Dir(leaf)); err != nil {
		return err
	}
	return os.RemoveAll(grave)
}
