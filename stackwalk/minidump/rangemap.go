package minidump

import (
	"cmp"
	"slices"
	"sort"
)

// A span is a range of addresses, last included, and what stands there.
type span struct {
	first, last uint64
	index       int
}

// A rangeMap finds the span of an address. Spans are sorted and do not overlap.
type rangeMap struct{ spans []span }

// appendSpan adds size bytes from base, unless they are none or reach the end of
// the address space.
func appendSpan(s []span, base, size uint64, index int) []span {
	if size == 0 || base+size < base {
		return s
	}
	return append(s, span{base, base + size - 1, index})
}

// newRangeMap sorts spans and drops each that overlaps an earlier one, so that
// the lowest start wins, like the peers do.
func newRangeMap(spans []span) rangeMap {
	slices.SortStableFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.last, b.last))
	})
	kept := spans[:0]
	for _, s := range spans {
		if len(kept) > 0 && s.first <= kept[len(kept)-1].last {
			continue
		}
		kept = append(kept, s)
	}
	return rangeMap{kept}
}

func (m rangeMap) at(addr uint64) (int, bool) {
	i := sort.Search(len(m.spans), func(i int) bool { return m.spans[i].last >= addr })
	if i == len(m.spans) || m.spans[i].first > addr {
		return 0, false
	}
	return m.spans[i].index, true
}
