// Package status makes the list of live actors that operators see.
package status

import (
	"cmp"
	"slices"
	"strings"

	"socorro"
)

// DefaultMax is how many actors a list has at most.
const DefaultMax = 500

// List puts the actors in the order of their paths, parents before children.
// When there are more than limit (0 = [DefaultMax]), only the busiest of the
// crash actors are left in, with their workers; all others always stay.
func List(all []socorro.ActorStatus, limit int) []socorro.ActorStatus {
	if limit <= 0 {
		limit = DefaultMax
	}
	if len(all) > limit {
		all = thin(all, limit)
	}
	slices.SortFunc(all, byPath)
	return all
}

// byPath compares name by name, so that "a/b" stands before "a-b".
func byPath(a, b socorro.ActorStatus) int {
	return strings.Compare(strings.ReplaceAll(a.Path, "/", "\x00"), strings.ReplaceAll(b.Path, "/", "\x00"))
}

const crashes = "/crashes/"

// crashOf is the path of the crash actor that path belongs to, or "".
func crashOf(path string) string {
	i := strings.Index(path, crashes)
	if i < 0 {
		return ""
	}
	rest := path[i+len(crashes):]
	name, _, _ := strings.Cut(rest, "/")
	return path[:i+len(crashes)] + name
}

// thin leaves out whole families of a crash actor and its workers.
func thin(all []socorro.ActorStatus, limit int) []socorro.ActorStatus {
	var kept []socorro.ActorStatus
	families := map[string][]socorro.ActorStatus{}
	for _, s := range all {
		if crash := crashOf(s.Path); crash != "" {
			families[crash] = append(families[crash], s)
		} else {
			kept = append(kept, s)
		}
	}
	order := make([][]socorro.ActorStatus, 0, len(families))
	for _, f := range families {
		order = append(order, f)
	}
	slices.SortFunc(order, busiestFirst)
	for _, f := range order {
		if len(kept)+len(f) > limit {
			break
		}
		kept = append(kept, f...)
	}
	return kept
}

// busiestFirst prefers what needs an operator's eye: restarts, a full mailbox,
// an error, and then what has been running longest.
func busiestFirst(a, b []socorro.ActorStatus) int {
	x, y := sum(a), sum(b)
	return cmp.Or(
		cmp.Compare(y.Restarts, x.Restarts),
		cmp.Compare(y.Mailbox, x.Mailbox),
		cmp.Compare(len(y.LastError), len(x.LastError)),
		x.Started.Compare(y.Started),
		strings.Compare(x.Path, y.Path),
	)
}

func sum(family []socorro.ActorStatus) socorro.ActorStatus {
	total := family[0]
	for _, s := range family[1:] {
		total.Restarts += s.Restarts
		total.Mailbox += s.Mailbox
		if s.LastError != "" {
			total.LastError = s.LastError
		}
		if s.Started.Before(total.Started) {
			total.Started, total.Path = s.Started, s.Path
		}
	}
	return total
}
