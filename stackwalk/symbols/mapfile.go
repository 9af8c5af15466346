//go:build unix

package symbols

import (
	"fmt"
	"os"
	"syscall"
)

// mapFile maps the first size bytes of a file into memory, until unmap.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size <= 0 || int64(int(size)) != size {
		return nil, fmt.Errorf("map %s: %d bytes", f.Name(), size)
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, &os.PathError{Op: "mmap", Path: f.Name(), Err: err}
	}
	return data, nil
}

func unmap(data []byte) { _ = syscall.Munmap(data) } // it can only fail for what is no mapping
