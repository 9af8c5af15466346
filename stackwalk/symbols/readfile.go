//go:build !unix

package symbols

import (
	"io"
	"os"
)

// mapFile reads the first size bytes of a file; only Unix maps it.
func mapFile(f *os.File, size int64) ([]byte, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(io.NewSectionReader(f, 0, size), data)
	return data, err
}

func unmap([]byte) {}
