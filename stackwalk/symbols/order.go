package symbols

import (
	"cmp"
	"slices"
)

// compareInlines orders by depth, then address, and leaves no two different ones
// equal.
func compareInlines(a, b inline) int {
	x, y := uint64(a.depth)<<32|uint64(a.addr), uint64(b.depth)<<32|uint64(b.addr)
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return cmp.Or(
		cmp.Compare(a.size, b.size), cmp.Compare(a.callFile, b.callFile),
		cmp.Compare(a.callLine, b.callLine), cmp.Compare(a.origin, b.origin))
}

func compareRows(a, b cfiRow) int { return cmp.Compare(a.addr, b.addr) }

// dropOverlaps sorts ranges by address and drops each that begins inside an
// earlier one, so that what starts lowest wins. It works in place.
func dropOverlaps[T any](list []T, span func(T) (first, last uint32)) []T {
	order := func(a, b T) int {
		af, al := span(a)
		bf, bl := span(b)
		if af != bf {
			return cmp.Compare(af, bf)
		}
		return cmp.Compare(al, bl)
	}
	if !slices.IsSortedFunc(list, order) {
		slices.SortStableFunc(list, order)
	}
	kept := list[:0]
	for _, r := range list {
		first, _ := span(r)
		if len(kept) > 0 {
			if _, last := span(kept[len(kept)-1]); first <= last {
				continue
			}
		}
		kept = append(kept, r)
	}
	return kept
}

// lastOfEach sorts by number; of two records with one number the later counts.
func lastOfEach(list []named) []named {
	byID := func(a, b named) int { return cmp.Compare(a.id, b.id) }
	if !slices.IsSortedFunc(list, byID) {
		slices.SortStableFunc(list, byID)
	}
	kept := list[:0]
	for _, n := range list {
		if len(kept) > 0 && kept[len(kept)-1].id == n.id {
			kept[len(kept)-1] = n
			continue
		}
		kept = append(kept, n)
	}
	return kept
}

// push appends, and doubles what is full: append grows long slices by a quarter,
// and copying them so often was a fifth of the time to read a large file.
func push[T any](list []T, v T) []T {
	if len(list) == cap(list) {
		list = slices.Grow(list, max(64, len(list)))
	}
	return append(list, v)
}

// fit gives back the room that a list did not need, if it is worth a copy.
func fit[T any](list []T) []T {
	if cap(list)-len(list) <= len(list)/16 {
		return list
	}
	return slices.Clone(list)
}
