package analysis

import (
	"cmp"
	"slices"
	"sort"

	"socorro/stackwalk/minidump"
)

// A region is memory of the process and what it may do there.
type region struct {
	first, last          uint64 // both included
	read, write, execute bool
}

// accessible says whether the process may do anything there.
func (r *region) accessible() bool { return r.read || r.write || r.execute }

// mapped are the regions by address. None overlap: of two that do, the one that
// starts first stays.
type mapped []region

// newMapped takes Windows' list of regions or Linux' maps, whichever the dump has.
func newMapped(d *minidump.Dump) mapped {
	var list mapped
	if d.MemoryInfo != nil {
		for _, m := range d.MemoryInfo {
			if m.Size > 0 && m.Base+m.Size >= m.Base {
				list = append(list, region{m.Base, m.Base + m.Size - 1, m.Readable(), m.Writable(), m.Executable()})
			}
		}
	} else {
		for _, m := range d.Maps {
			if m.Start < m.End {
				list = append(list, region{m.Start, m.End - 1, m.Read, m.Write, m.Execute})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b region) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
	})
	kept := list[:0]
	for _, r := range list {
		if len(kept) == 0 || r.first > kept[len(kept)-1].last {
			kept = append(kept, r)
		}
	}
	return kept
}

// at is the index of the region with addr, -1 when nothing is mapped there.
func (m mapped) at(addr uint64) int {
	i := sort.Search(len(m), func(i int) bool { return m[i].last >= addr })
	if i == len(m) || m[i].first > addr {
		return -1
	}
	return i
}

// guardPage says whether addr is likely in a guard page: memory that may not be
// used at all, small, and beside memory that may.
func (m mapped) guardPage(addr uint64) bool {
	const largest = 32 << 10 // bytes; Windows and Linux reserve 4 KB to 16 KB
	i := m.at(addr)
	if i < 0 || m[i].accessible() || m[i].last-m[i].first >= largest {
		return false
	}
	before := i > 0 && m[i-1].last+1 == m[i].first && m[i-1].accessible()
	after := i+1 < len(m) && m[i].last+1 == m[i+1].first && m[i+1].accessible()
	return before || after
}

// guardPages marks accesses to guard pages.
func (c *crash) guardPages() {
	for i := range c.result.Accesses {
		a := &c.result.Accesses[i]
		a.GuardPage = c.mapped.guardPage(a.Address)
	}
	if t := &c.result.Target; t.Elsewhere && !c.compat {
		t.GuardPage = c.mapped.guardPage(t.Address)
	}
}
