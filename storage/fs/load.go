package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"socorro"
)

// maxText bounds a raw or processed crash in memory, inflated.
const maxText = 256 << 20

// LoadRaw reads a raw crash. Errors: ErrNotFound, ErrInvalid for a damaged
// file, ErrUnavailable.
func (s *Store) LoadRaw(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, error) {
	raw, err := s.loadRaw(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("storage/fs: load raw %s: %w", id, kind(err))
	}
	return raw, nil
}

func (s *Store) loadRaw(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, error) {
	leaf, err := s.find(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(leaf, rawFile(id)))
	if err != nil {
		return nil, notFound(err)
	}
	defer f.Close()
	text, err := readAll(ctx, f)
	if err != nil {
		return nil, err
	}
	raw := &socorro.RawCrash{}
	if err := json.Unmarshal(text, raw); err != nil {
		return nil, invalid(f.Name(), err)
	}
	raw.ID = id // old trees keep the id in the file name only
	return raw, nil
}

// Dumps lists the dumps of a crash by name. Their files belong to the store:
// read them, never write. SHA256 is empty; the raw crash's metadata has it.
func (s *Store) Dumps(ctx context.Context, id socorro.CrashID) ([]socorro.Dump, error) {
	dumps, err := s.dumps(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("storage/fs: list dumps of %s: %w", id, kind(err))
	}
	return dumps, nil
}

func (s *Store) dumps(ctx context.Context, id socorro.CrashID) ([]socorro.Dump, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leaf, err := s.find(id)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(leaf)
	if err != nil {
		return nil, notFound(err)
	}
	dumps := []socorro.Dump{}
	for _, e := range entries {
		name, ok := dumpName(id, e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, notFound(err)
		}
		dumps = append(dumps, socorro.Dump{Name: name, Path: filepath.Join(leaf, e.Name()), Size: info.Size()})
	}
	slices.SortFunc(dumps, func(a, b socorro.Dump) int { return strings.Compare(a.Name, b.Name) })
	return dumps, nil
}

// OpenDump opens one dump and tells its size in bytes; "" is the main dump.
// The reader is an io.Seeker and an io.ReaderAt too.
func (s *Store) OpenDump(ctx context.Context, id socorro.CrashID, name string) (io.ReadCloser, int64, error) {
	f, size, err := s.openDump(ctx, id, name)
	if err != nil {
		return nil, 0, fmt.Errorf("storage/fs: open dump %.60q of %s: %w", name, id, kind(err))
	}
	return f, size, nil
}

func (s *Store) openDump(ctx context.Context, id socorro.CrashID, name string) (*os.File, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	leaf, err := s.find(id)
	if err != nil {
		return nil, 0, err
	}
	file, err := dumpFile(id, name)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(filepath.Join(leaf, file))
	if err != nil {
		return nil, 0, notFound(err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// notFound says so of a file that vanished or never was. The system's words
// are left out: they hold paths, which are nobody's business outside.
func notFound(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return socorro.ErrNotFound
	}
	return err
}

func invalid(path string, err error) error {
	if errors.Is(err, socorro.ErrInvalid) {
		return fmt.Errorf("%s is damaged: %w", path, err)
	}
	return fmt.Errorf("%s is damaged: %w: %w", path, err, socorro.ErrInvalid)
}

// readAll reads a text of ours, with a bound so that a damaged or planted file
// cannot take all memory.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(ctxReader{ctx, r}, maxText+1))
	if err == nil && len(text) > maxText {
		return nil, fmt.Errorf("longer than %d bytes: %w", maxText, socorro.ErrInvalid)
	}
	return text, err
}
