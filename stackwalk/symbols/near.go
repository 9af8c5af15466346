package symbols

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	mostNear = 8
	// mostBuilds is how many builds of a file are looked at to find those: a
	// directory of nightly builds has tens of thousands.
	mostBuilds = 1000
)

// near are the ids under which the directories have a file of this name, newest
// first: somebody who wonders why there are no symbols most likely has those of
// the build before.
func (d Dir) near(path string) []string {
	name, _, _ := strings.Cut(path, "/")
	type build struct {
		id   string
		when int64
	}
	var builds []build
	for _, root := range d.Roots {
		f, err := os.Open(filepath.Join(root, name))
		if err != nil {
			continue // no build of this file here, or none that we may see
		}
		entries, _ := f.ReadDir(mostBuilds) // what was read before an error is good enough for a hint
		f.Close()
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !e.IsDir() || !isID(e.Name()) {
				continue
			}
			builds = append(builds, build{e.Name(), info.ModTime().UnixNano()})
		}
	}
	slices.SortStableFunc(builds, func(a, b build) int {
		if a.when != b.when {
			return cmp.Compare(b.when, a.when)
		}
		return strings.Compare(a.id, b.id)
	})
	ids := make([]string, 0, len(builds))
	for _, b := range builds {
		ids = append(ids, b.id)
	}
	return nearest(ids)
}

// isID says whether a directory's name can be a debug id.
func isID(name string) bool {
	if len(name) < 9 || len(name) > 40 {
		return false
	}
	for i := range len(name) {
		if hexDigit(name[i]) < 0 {
			return false
		}
	}
	return true
}

// nearest is the first few of a list, each once.
func nearest(ids []string) []string {
	var out []string
	for _, id := range ids {
		if len(out) < mostNear && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
