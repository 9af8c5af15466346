package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"socorro"
)

// Crashes yields every crash whose id carries that UTC day, in the order of the
// tree, at whatever depth it was written. What cannot be read is yielded as an
// error, and the rest follows; the end of ctx is the last error.
func (s *Store) Crashes(ctx context.Context, date time.Time) iter.Seq2[socorro.CrashID, error] {
	return func(yield func(socorro.CrashID, error) bool) {
		fail := func(err error) bool {
			return yield("", fmt.Errorf("storage/fs: list crashes of %s: %w", date.UTC().Format(time.DateOnly), kind(err)))
		}
		if err := s.mounted(); err != nil {
			fail(err)
			return
		}
		top := filepath.Join(s.root, date.UTC().Format(dayForm), nameBranch)
		walk := func(path string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, os.ErrNotExist): // never was, or was deleted meanwhile
				return nil
			case err != nil:
				if !fail(err) {
					return fs.SkipAll
				}
				return nil
			}
			// The raw crash is what makes a folder a crash.
			id, isRaw := strings.CutSuffix(d.Name(), ".json")
			if d.IsDir() || !isRaw || filepath.Base(filepath.Dir(path)) != id {
				return nil
			}
			if crash, err := parse(socorro.CrashID(id)); err == nil && !yield(crash, nil) {
				return fs.SkipAll
			}
			return nil
		}
		if err := filepath.WalkDir(top, walk); err != nil {
			fail(err)
		}
	}
}
