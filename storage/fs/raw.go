package fs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"socorro"
)

// maxDumps bounds the files of one crash; clients send fewer than ten.
const maxDumps = 1000

// SaveRaw keeps a crash. When it returns nil, the crash is durable, visible
// and new (see NewCrashes). A crash that is here already stays as it is, and
// that is no error: a sender that missed our answer may send again.
//
// Dumps in Incoming are moved, without copying, and are gone from there
// afterwards; on an error they stay where they were, so that the caller can
// bring them elsewhere. Dumps in any other place are copied and left alone.
// A Size above 0 that is not the file's is ErrInvalid. SHA256 is compared when
// we copy; moved files are not read again, for whoever wrote them a moment ago
// has just summed them.
//
// What is synced, and what for: each dump and the two JSON files (their
// bytes), the new folder (their names), the slot (the link for NewCrashes), the
// folder that the new one is moved into; and once per process the folders
// above those. The link comes first, since a link to nothing is easily
// skipped but a crash without link would never be found new.
func (s *Store) SaveRaw(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	if err := s.saveRaw(ctx, raw, dumps); err != nil {
		return fmt.Errorf("storage/fs: save raw %s: %w", raw.ID, kind(err))
	}
	return nil
}

func (s *Store) saveRaw(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	id := raw.ID
	switch leaf, err := s.find(id); {
	case err == nil:
		return s.alreadySaved(leaf, dumps)
	case !errors.Is(err, socorro.ErrNotFound):
		return err
	}
	files, err := s.check(id, dumps)
	if err != nil {
		return err
	}
	if err := s.roomFor(copied(files)); err != nil {
		return err
	}
	build, err := os.MkdirTemp(s.building(), string(id)+"-")
	if err != nil {
		return err
	}
	slot := s.slot(s.cfg.Now())
	if err = s.fill(ctx, build, slot, raw, files); err == nil {
		err = s.publish(id, build, slot)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(build))
	}
	return removeMoved(files)
}

// dumpSource is a dump on its way in.
type dumpSource struct {
	socorro.Dump
	file string // its name in the crash's folder
	move bool   // it is in Incoming, so that we may link to it
}

func (s *Store) check(id socorro.CrashID, dumps []socorro.Dump) ([]dumpSource, error) {
	if len(dumps) > maxDumps {
		return nil, fmt.Errorf("%d dumps where %d are allowed: %w", len(dumps), maxDumps, socorro.ErrInvalid)
	}
	seen := map[string]bool{}
	files := make([]dumpSource, 0, len(dumps))
	for _, d := range dumps {
		file, err := dumpFile(id, d.Name)
		if err != nil {
			return nil, err
		}
		if seen[file] {
			return nil, fmt.Errorf("two dumps are named %q: %w", d.Name, socorro.ErrInvalid)
		}
		seen[file] = true
		info, err := os.Lstat(d.Path)
		if err != nil {
			return nil, fmt.Errorf("dump %q: %w", d.Name, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("dump %q: %s is not a plain file: %w", d.Name, d.Path, socorro.ErrInvalid)
		}
		if d.Size > 0 && d.Size != info.Size() {
			return nil, fmt.Errorf("dump %q: %s has %d bytes, not %d: %w", d.Name, d.Path, info.Size(), d.Size, socorro.ErrInvalid)
		}
		d.Size = info.Size()
		files = append(files, dumpSource{Dump: d, file: file, move: s.isIncoming(d.Path)})
	}
	return files, nil
}

func (s *Store) isIncoming(path string) bool {
	abs, err := filepath.Abs(path)
	return err == nil && strings.HasPrefix(abs, s.Incoming()+string(filepath.Separator))
}

func copied(files []dumpSource) (size int64) {
	for _, f := range files {
		if !f.move {
			size += f.Size
		}
	}
	return size
}

// fill makes the crash's folder complete and durable in the building place.
func (s *Store) fill(ctx context.Context, build, slot string, raw *socorro.RawCrash, files []dumpSource) error {
	names := make([]string, 0, len(files))
	for _, f := range files {
		if err := f.bring(ctx, filepath.Join(build, f.file)); err != nil {
			return fmt.Errorf("dump %q: %w", f.Name, err)
		}
		name := f.Name
		if name == "" {
			name = socorro.MainDump
		}
		names = append(names, name)
	}
	slices.Sort(names)
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(build, dumpNamesFile(raw.ID)), list, fileMode); err != nil {
		return err
	}
	text, err := raw.MarshalJSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(build, rawFile(raw.ID)), text, fileMode); err != nil {
		return err
	}
	up := strings.Repeat("../", writtenDepth+2)
	if err := os.Symlink(up+filepath.ToSlash(slot), filepath.Join(build, dateRoot)); err != nil {
		return err
	}
	if err := os.Chmod(build, dirMode); err != nil {
		return err
	}
	return syncTree(build)
}

// bring puts the bytes of a dump at path. A link
// instead of a rename keeps the original in Incoming until all is well.
func (f *dumpSource) bring(ctx context.Context, path string) error {
	if f.move {
		err := os.Link(f.Path, path)
		if err == nil {
			return os.Chmod(path, fileMode)
		}
		if !errors.Is(err, syscall.EXDEV) && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) {
			return err
		}
	}
	return f.copy(ctx, path)
}

func (f *dumpSource) copy(ctx context.Context, path string) (err error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), ctxReader{ctx, in})
	if err != nil {
		return err
	}
	if n != f.Size {
		return fmt.Errorf("%s changed from %d to %d bytes while it was copied: %w", f.Path, f.Size, n, socorro.ErrInvalid)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); f.SHA256 != "" && !strings.EqualFold(got, f.SHA256) {
		return fmt.Errorf("%s has SHA-256 %s, not %s: %w", f.Path, got, f.SHA256, socorro.ErrInvalid)
	}
	return nil
}

// publish makes the finished folder visible, and new.
func (s *Store) publish(id socorro.CrashID, build, slot string) error {
	leaf := s.leaf(id, writtenDepth)
	link := filepath.Join(s.root, day(id), slot, string(id))
	target, err := filepath.Rel(filepath.Dir(link), leaf)
	if err != nil {
		return err
	}
	err = s.inDir(filepath.Dir(link), func() error {
		if err := os.Symlink(target, link); err != nil {
			return err
		}
		return syncPath(filepath.Dir(link))
	})
	ours := !errors.Is(err, os.ErrExist)
	if err != nil && ours {
		return err
	}
	err = s.inDir(filepath.Dir(leaf), func() error { return os.Rename(build, leaf) })
	if err == nil {
		return syncPath(filepath.Dir(leaf))
	}
	if ours {
		err = errors.Join(err, os.Remove(link))
	}
	if !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	if _, lost := s.find(id); lost != nil {
		return fmt.Errorf("%s is in the way and holds no raw crash: remove it: %w", leaf, socorro.ErrConflict)
	}
	// Somebody saved the same id meanwhile; it counts when it is durable.
	if err := syncPath(filepath.Dir(leaf)); err != nil {
		return err
	}
	return os.RemoveAll(build)
}

// alreadySaved answers for a crash that is here: whoever put it here may not
// have come to syncing its folder yet, so we do.
func (s *Store) alreadySaved(leaf string, dumps []socorro.Dump) error {
	if err := s.makeDurable(filepath.Dir(leaf)); err != nil {
		return err
	}
	if err := syncPath(filepath.Dir(leaf)); err != nil {
		return err
	}
	for _, d := range dumps {
		if !s.isIncoming(d.Path) {
			continue
		}
		if err := os.Remove(d.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// removeMoved ends a move. The crash is safe by now, so a file that cannot be
// removed is no reason to refuse it: Open sweeps what is left.
func removeMoved(files []dumpSource) error {
	for _, f := range files {
		if f.move {
			_ = os.Remove(f.Path)
		}
	}
	return nil
}
