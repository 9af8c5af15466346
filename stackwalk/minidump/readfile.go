//go:build !unix

package minidump

import "os"

// mapFile reads the file at path; only Unix maps it.
func mapFile(path string) ([]byte, func() error, error) {
	data, err := os.ReadFile(path)
	return data, func() error { return nil }, err
}
