package collect

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"socorro"
)

const uploadPrefix = "upload-"

// staging is the files of one upload.
type staging struct {
	prefix string
	files  int
}

func newStaging(root string) *staging {
	return &staging{prefix: filepath.Join(root, uploadPrefix+rand.Text())}
}

func (s *staging) path(n int) string { return s.prefix + "-" + strconv.Itoa(n) }

// remove removes what the Accepter has left.
func (s *staging) remove() error {
	var errs []error
	for n := 1; n <= s.files; n++ {
		if err := os.Remove(s.path(n)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sweep removes what uploads left behind when the program was killed. Younger
// files may belong to another collector that is still at work.
func sweep(root string, before time.Time) (removed int, err error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return 0, fmt.Errorf("http/collect: sweep staging: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), uploadPrefix) || info.ModTime().After(before) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, e.Name())); err != nil {
			return removed, fmt.Errorf("http/collect: sweep staging: %w", err)
		}
		removed++
	}
	return removed, nil
}

// file is one file of an upload, staged on disk.
type file struct {
	socorro.Dump
	sent     string  // its name as the client wrote it
	filename string  // as the client wrote it; "" for a field
	magic    [4]byte // its first bytes
}

func (f *file) isMinidump() bool { return string(f.magic[:]) == minidumpMagic }

const minidumpMagic = "MDMP"

// save copies what chunk gives, up to its io.EOF, into a new file.
func (s *staging) save(chunk func() ([]byte, error)) (*file, error) {
	s.files++
	f := &file{}
	f.Path = s.path(s.files)
	out, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("http/collect: stage file: %w: %w", err, socorro.ErrUnavailable)
	}
	defer out.Close() // a second close is harmless
	sum := sha256.New()
	for {
		b, err := chunk()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if f.Size < int64(len(f.magic)) {
			copy(f.magic[f.Size:], b)
		}
		sum.Write(b)
		if _, err := out.Write(b); err != nil {
			return nil, fmt.Errorf("http/collect: stage file: %w: %w", err, socorro.ErrUnavailable)
		}
		f.Size += int64(len(b))
	}
	if err := out.Close(); err != nil {
		return nil, fmt.Errorf("http/collect: stage file: %w: %w", err, socorro.ErrUnavailable)
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return f, nil
}
