package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"

	"socorro"
)

// SaveProcessed keeps what became of a crash, in place of what was there. It
// refuses with ErrConflict when that has a newer epoch, and with ErrNotFound
// when there is no raw crash: a processor that is late must not bring a piece
// of a deleted crash back. Two syncs: the file, and the folder that it is
// moved into.
func (s *Store) SaveProcessed(ctx context.Context, p *socorro.ProcessedCrash) error {
	if err := s.saveProcessed(ctx, p); err != nil {
		return fmt.Errorf("storage/fs: save processed %s: %w", p.ID, kind(err))
	}
	return nil
}

func (s *Store) saveProcessed(ctx context.Context, p *socorro.ProcessedCrash) error {
	leaf, err := s.find(p.ID)
	if err != nil {
		return err
	}
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	if err := s.roomFor(int64(len(text))); err != nil {
		return err
	}
	return replace(ctx, replacement{
		building: s.building(),
		dir:      leaf,
		file:     processedFile(p.ID),
		epoch:    p.Epoch,
		stored:   processedEpoch,
		write:    func(f *os.File) error { return s.zip(f, text) },
	})
}

// zip keeps its writers, which are a megabyte each.
func (s *Store) zip(f *os.File, text []byte) error {
	w, kept := s.zips.Get().(*gzip.Writer)
	if kept {
		w.Reset(f)
	} else {
		w = gzip.NewWriter(f)
	}
	_, err := w.Write(text)
	err = errors.Join(err, w.Close())
	s.zips.Put(w)
	return err
}

// replacement is a file that takes the place of an older one, if its epoch allows.
type replacement struct {
	building string // where to write it, on the same file system
	dir      string // where it belongs
	file     string
	epoch    int64
	stored   func(ctx context.Context, path string) (int64, error) // epoch of the one in place; 0 when it is unreadable
	write    func(*os.File) error
}

func replace(ctx context.Context, r replacement) (err error) {
	tmp, err := os.CreateTemp(r.building, r.file+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name()) // gone when it was the last step that went wrong
		}
	}()
	err = r.write(tmp)
	if err == nil {
		err = errors.Join(tmp.Chmod(fileMode), tmp.Sync())
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := r.swap(ctx, tmp.Name()); err != nil {
		return err
	}
	return syncPath(r.dir)
}

// swap compares epochs and renames while nobody else can do the same.
func (r *replacement) swap(ctx context.Context, tmp string) (err error) {
	unlock, err := lock(ctx, r.dir)
	if err != nil {
		return notFound(err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	path := filepath.Join(r.dir, r.file)
	switch stored, err := r.stored(ctx, path); {
	case errors.Is(err, socorro.ErrNotFound):
	case err != nil:
		return err
	case stored > r.epoch:
		return fmt.Errorf("epoch %d is older than the stored %d: %w", r.epoch, stored, socorro.ErrConflict)
	}
	return notFound(os.Rename(tmp, path))
}

// processedEpoch lets a damaged file be replaced: keeping it helps nobody.
func processedEpoch(ctx context.Context, path string) (int64, error) {
	text, err := readZipped(ctx, path)
	if err != nil {
		if errors.Is(err, socorro.ErrInvalid) {
			return 0, nil
		}
		return 0, err
	}
	return epochIn(text), nil
}

func epochIn(text []byte) int64 {
	var fence struct {
		Epoch int64 `json:"claim_epoch"`
	}
	if json.Unmarshal(text, &fence) != nil {
		return 0
	}
	return fence.Epoch
}

// LoadProcessed reads a processed crash. Errors: ErrNotFound, ErrInvalid for a
// damaged file, ErrUnavailable.
func (s *Store) LoadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error) {
	p, err := s.loadProcessed(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("storage/fs: load processed %s: %w", id, kind(err))
	}
	return p, nil
}

func (s *Store) loadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error) {
	leaf, err := s.find(id)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(leaf, processedFile(id))
	text, err := readZipped(ctx, path)
	if err != nil {
		return nil, err
	}
	p := &socorro.ProcessedCrash{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, invalid(path, err)
	}
	return p, nil
}

func readZipped(ctx context.Context, path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, notFound(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, damaged(path, err)
	}
	text, err := readAll(ctx, z)
	if err != nil {
		return nil, damaged(path, err)
	}
	return text, nil
}

// damaged tells bytes that make no sense from bytes that could not be read.
func damaged(path string, err error) error {
	if _, system := errors.AsType[*os.PathError](err); system || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return invalid(path, err)
}
