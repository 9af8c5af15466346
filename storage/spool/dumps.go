package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"socorro"
)

// keptDump is a dump in the journal.
type keptDump struct {
	Name   string `json:"name"`
	File   string `json:"file"` // in the spool's folder
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

// bring moves a dump in and makes its bytes durable. Its name is made durable
// together with the journal.
func (s *Spool) bring(id socorro.CrashID, n int, d socorro.Dump) (keptDump, error) {
	k := keptDump{Name: d.Name, File: string(id) + "." + strconv.Itoa(n), SHA256: d.SHA256}
	path := filepath.Join(s.dir, k.File)
	err := os.Rename(d.Path, path)
	if errors.Is(err, syscall.EXDEV) {
		err = copyFile(d.Path, path)
	}
	if err != nil {
		return k, err
	}
	k.Size, err = syncFile(path)
	if err == nil && d.Size > 0 && d.Size != k.Size {
		err = fmt.Errorf("it has %d bytes, not %d: %w", k.Size, d.Size, socorro.ErrInvalid)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return k, err
}

func syncFile(path string) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is not a plain file: %w", path, socorro.ErrInvalid)
	}
	return info.Size(), f.Sync()
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return nil
}

// kind says of what the operating system refused that it may work later. Even
// an error of the disk may: operators repair disks while clients wait to retry.
func kind(err error) error {
	var errno syscall.Errno
	if errors.Is(err, socorro.ErrInvalid) || !errors.As(err, &errno) {
		return err
	}
	return fmt.Errorf("%w: %w", socorro.ErrUnavailable, err)
}
