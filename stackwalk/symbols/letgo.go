//go:build linux

package symbols

import "syscall"

// letGo tells the system that the pages of a mapping are not needed for now. They
// stay in its cache; reading one maps it again.
func letGo(data []byte) {
	if len(data) > 0 {
		_ = syscall.Madvise(data, syscall.MADV_DONTNEED) // a hint
	}
}
