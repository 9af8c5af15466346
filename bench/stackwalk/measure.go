package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A usage is the best of several runs of a command: its shortest time, and the
// most memory that any of them took.
type usage struct {
	wall, cpu time.Duration
	memory    int64 // KiB
}

func (u usage) String() string {
	if u.wall == 0 {
		return "| |"
	}
	return fmt.Sprintf("%s | %s | %s", milliseconds(u.wall), milliseconds(u.cpu), u.size())
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

func (u usage) size() string { return fmt.Sprintf("%.1f MB", float64(u.memory)/1024) }

// measure runs a command, its output thrown away.
func (u *usage) measure(args []string) error {
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // it runs until it is done, or the user stops both
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", filepath.Base(args[0]), err, complaint.String())
	}
	wall := time.Since(began)
	if u.wall == 0 || wall < u.wall {
		u.wall, u.cpu = wall, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.memory = max(u.memory, r.Maxrss)
	}
	return nil
}

// unpack puts dumps and symbols where both programs can read them, the peer only
// knows plain files, and makes the large symbols.
func (b *bench) unpack(oracle string) error {
	for from, to := range map[string]string{"dumps": b.work, "symbols": b.small} {
		root := filepath.Join(oracle, from)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			return unzip(path, filepath.Join(to, strings.TrimSuffix(name, ".gz")))
		})
		if err != nil {
			return err
		}
	}
	return b.makeLarge()
}

func unzip(from, to string) error {
	if exists(to) {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	var r io.Reader = in
	if strings.HasSuffix(from, ".gz") {
		if r, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	return write(to, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

// makeLarge has the other symbols as they are, because the dump asks for them too.
func (b *bench) makeLarge() error {
	if exists(b.large) {
		return nil
	}
	aside := b.large + ".new"
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	err := filepath.WalkDir(b.small, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(b.small, path)
		if err != nil {
			return err
		}
		to := filepath.Join(aside, name)
		if d.Name() != "mdsw_dbg.sym" {
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			return os.Link(path, to)
		}
		return write(to, func(w io.Writer) error {
			return replicate(w, func() (io.ReadCloser, error) { return os.Open(path) }, b.copies)
		})
	})
	if err != nil {
		return err
	}
	return os.Rename(aside, b.large)
}

// write makes a file that is there only when it is whole.
func write(path string, fill func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fill(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
