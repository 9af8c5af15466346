package system

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// labReport says what changed lists do to signatures, most crashes first.
type labReport struct {
	Crashes int     `json:"crashes"`           // that were signed
	Changed int     `json:"changed"`           // of them, under another signature
	Before  int     `json:"signatures_before"` // different ones
	After   int     `json:"signatures_after"`
	Skipped int     `json:"skipped"` // crashes that could not be signed
	Seconds float64 `json:"seconds"`

	Splits  []labGroup `json:"splits"`  // one signature becomes several
	Merges  []labGroup `json:"merges"`  // several become one
	Renames []labMove  `json:"renames"` // one becomes another, and no other crash has it
}

// labGroup is a signature, and the signatures that it becomes or comes from.
type labGroup struct {
	Signature string    `json:"signature"`
	Crashes   int       `json:"crashes"`
	Parts     []labPart `json:"parts"`
}

// labPart is one side of a split or a merge.
type labPart struct {
	Signature string `json:"signature"`
	Crashes   int    `json:"crashes"`
}

// labMove is a rename.
type labMove struct {
	Old     string `json:"old"`
	New     string `json:"new"`
	Crashes int    `json:"crashes"`
}

func newLabReport(m *moves) *labReport {
	r := &labReport{Skipped: m.left, Splits: []labGroup{}, Merges: []labGroup{}, Renames: []labMove{}}
	from, into := map[string][]labPart{}, map[string][]labPart{} // by new, by old
	for move, n := range m.counts {
		r.Crashes += n
		if move.old != move.new {
			r.Changed += n
		}
		into[move.old] = append(into[move.old], labPart{move.new, n})
		from[move.new] = append(from[move.new], labPart{move.old, n})
	}
	r.Before, r.After = len(into), len(from)
	r.Splits = groups(into)
	r.Merges = groups(from)
	for old, parts := range into {
		next := parts[0]
		if len(parts) == 1 && next.Signature != old && len(from[next.Signature]) == 1 {
			r.Renames = append(r.Renames, labMove{old, next.Signature, next.Crashes})
		}
	}
	slices.SortFunc(r.Renames, func(a, b labMove) int {
		return cmp.Or(cmp.Compare(b.Crashes, a.Crashes), cmp.Compare(a.Old, b.Old))
	})
	return r
}

// groups keeps the signatures of more than one part.
func groups(parts map[string][]labPart) []labGroup {
	list := []labGroup{}
	for _, name := range slices.Collect(maps.Keys(parts)) {
		if len(parts[name]) < 2 {
			continue
		}
		g := labGroup{Signature: name, Parts: parts[name]}
		for _, p := range g.Parts {
			g.Crashes += p.Crashes
		}
		slices.SortFunc(g.Parts, func(a, b labPart) int {
			return cmp.Or(cmp.Compare(b.Crashes, a.Crashes), cmp.Compare(a.Signature, b.Signature))
		})
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b labGroup) int {
		return cmp.Or(cmp.Compare(b.Crashes, a.Crashes), cmp.Compare(a.Signature, b.Signature))
	})
	return list
}

func (r *labReport) write(out io.Writer, format string) error {
	switch format {
	case "csv":
		return r.csv(out)
	case "json":
		return jsonLine(out, r)
	}
	return r.text(out)
}

// csv writes one line for each part of a split or merge and for each rename.
func (r *labReport) csv(out io.Writer) error {
	rows := [][]string{{"kind", "old", "new", "crashes"}}
	for _, g := range r.Splits {
		for _, p := range g.Parts {
			rows = append(rows, []string{"split", g.Signature, p.Signature, strconv.Itoa(p.Crashes)})
		}
	}
	for _, g := range r.Merges {
		for _, p := range g.Parts {
			rows = append(rows, []string{"merge", p.Signature, g.Signature, strconv.Itoa(p.Crashes)})
		}
	}
	for _, m := range r.Renames {
		rows = append(rows, []string{"rename", m.Old, m.New, strconv.Itoa(m.Crashes)})
	}
	return csvTable(out, rows)
}

func (r *labReport) text(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s signed in %.1f s: %s under another signature; %s before, %d after\n",
		count(r.Crashes, "crash", "crashes"), r.Seconds, count(r.Changed, "crash", "crashes"), count(r.Before, "signature", "signatures"), r.After)
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "%s could not be signed\n", count(r.Skipped, "crash", "crashes"))
	}
	writeGroups(&b, "Splits", "->", r.Splits)
	writeGroups(&b, "Merges", "<-", r.Merges)
	if len(r.Renames) > 0 {
		fmt.Fprintf(&b, "\nRenames (%d)\n", len(r.Renames))
	}
	for _, m := range r.Renames {
		fmt.Fprintf(&b, "%8d  %s\n          -> %s\n", m.Crashes, shown(m.Old), shown(m.New))
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func writeGroups(b *strings.Builder, title, arrow string, list []labGroup) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s (%d)\n", title, len(list))
	for _, g := range list {
		fmt.Fprintf(b, "%8d  %s\n", g.Crashes, shown(g.Signature))
		for _, p := range g.Parts {
			fmt.Fprintf(b, "          %s %7d  %s\n", arrow, p.Crashes, shown(p.Signature))
		}
	}
}

// shown is a signature on a line of its own.
func shown(signature string) string {
	if signature == "" {
		return "(no signature)"
	}
	return signature
}
