package system

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is the release; the build overrides it with -ldflags "-X socorro/system.version=…".
var version = "0.1.0-dev"

// Version is `socorro version`.
type Version struct{}

// Run prints the version, the commit and the Go release.
func (Version) Run(s Streams) error {
	_, err := fmt.Fprintf(s.Out, "socorro %s (%s, %s)\n", version, commit(), runtime.Version())
	return err
}

// commit is the revision that the Go toolchain stamped into the binary.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown commit"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "unknown commit"
}
