package symbols

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A File is one symbol file, wherever it stands, for the module that its MODULE
// line names. Make it with [NewFile].
type File struct {
	path, suffix string
	id           string
	opt          Options
}

// NewFile reads the first line of a symbol file, which may be packed: name.sym.gz
// or name.sym.zst. The error says why the file cannot be used.
func NewFile(path string, opt Options) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("stackwalk/symbols: open symbols: %w", err)
	}
	defer f.Close()
	file := &File{path: path, opt: opt}
	if ext := filepath.Ext(path); ext == ".gz" || ext == ".zst" {
		file.suffix = ext
	}
	r, done, err := unpacked(f, file.suffix)
	if err != nil {
		return nil, fmt.Errorf("stackwalk/symbols: read %s: %w", path, err)
	}
	defer done()
	line, err := bufio.NewReaderSize(r, 64<<10).ReadSlice('\n')
	if err != nil && len(line) == 0 {
		return nil, fmt.Errorf("stackwalk/symbols: read %s: %w", path, err)
	}
	words := strings.Fields(strings.TrimPrefix(string(line), "\xef\xbb\xbf"))
	if len(words) < 4 || words[0] != "MODULE" {
		return nil, fmt.Errorf("stackwalk/symbols: read %s: %w", path,
			&ParseError{1, "it does not begin with a MODULE line, so nobody knows which module it is of"})
	}
	file.id = words[3]
	return file, nil
}

// Find has the symbols of the module with the file's debug id.
func (s *File) Find(ctx context.Context, m Module) (*Table, Lookup, error) {
	look := Lookup{Tried: []string{s.path}}
	if m.DebugID == "" || !strings.EqualFold(m.DebugID, s.id) {
		return nil, look, ErrNotFound
	}
	look.Found = s.path
	f, err := os.Open(s.path)
	if err != nil {
		return nil, look, fmt.Errorf("stackwalk/symbols: open symbols: %w", err)
	}
	defer f.Close()
	t, err := Dir{Options: s.opt}.read(ctx, f, s.suffix)
	if err != nil {
		return nil, look, fmt.Errorf("stackwalk/symbols: read %s: %w", s.path, err)
	}
	look.URL = t.URL
	return t, look, nil
}

// unpacked is what is in a file, and what to do when done with it.
func unpacked(r io.Reader, suffix string) (io.Reader, func(), error) {
	switch suffix {
	case ".gz":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return z, func() { z.Close() }, nil
	case ".zst":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}
