package symbols

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// public reads PUBLIC [m] address parameters name.
func (p *parser) public(f *fields) string {
	f.multiple()
	addr, params := f.addr(), f.size()
	name := f.name()
	if f.reason != "" {
		return f.reason
	}
	p.good = true
	if addr <= math.MaxUint32 {
		p.table.publics = append(p.table.publics, public{uint32(addr), params, p.keep(name)})
	}
	return ""
}

// span is the first and last address of a record, false when it has no bytes or
// lies where no module reaches.
func span(addr uint64, size uint32) (first, last uint32, ok bool) {
	if size == 0 || addr > math.MaxUint32 {
		return 0, 0, false
	}
	return uint32(addr), uint32(min(addr+uint64(size)-1, math.MaxUint32)), true
}

// function reads FUNC [m] address size parameters name.
func (p *parser) function(f *fields) string {
	p.block = noBlock
	f.multiple()
	addr, size, params := f.addr(), f.size(), f.hex(8)
	if len(f.rest) == 0 && !p.strict {
		f.rest = []byte{' '}
	}
	f.gap()
	name := f.name()
	if f.reason != "" {
		return f.reason
	}
	p.good = true
	first, last, ok := span(addr, size)
	if !ok {
		p.block = inSkippedFunction
		return ""
	}
	p.block = inFunction
	t := p.table
	t.funcs = append(t.funcs, function{
		addr: first, last: last, params: uint32(params), name: p.keep(name),
		lineFrom: uint32(len(t.lines)), inlineFrom: uint32(len(t.inlines)),
	})
	return ""
}

// sourceLine reads address size line file.
func (p *parser) sourceLine(f *fields) string {
	p.trim(f)
	addr, size, number, file := f.addr(), f.size(), f.id(), f.decimal()
	f.end()
	if f.reason != "" {
		return f.reason
	}
	// PDB files have many lines of no bytes.
	if first, last, ok := span(addr, size); ok && p.block == inFunction {
		p.table.lines = push(p.table.lines, line{first, last, file, number})
	}
	return ""
}

// trim takes blanks off the end of a record of numbers, where the peers are
// strict.
func (p *parser) trim(f *fields) {
	if !p.strict {
		f.rest = trimBlanks(f.rest)
	}
}

// unknownFile is the number of no FILE record that a compiler would write.
const unknownFile = 1<<32 - 1

// inline reads INLINE depth line file origin, then pairs of address and size.
func (p *parser) inline(f *fields) string {
	p.trim(f)
	in := inline{depth: f.id(), callLine: f.id(), callFile: f.id()}
	if p.strict || countFields(f.rest)%2 == 1 {
		in.origin = f.id()
	} else {
		// The first dump_syms with inlines wrote no call-site file: there is one
		// number less before the pairs (Breakpad's linux_inline.old.sym).
		in.origin, in.callFile = in.callFile, unknownFile
	}
	for more := true; more; {
		addr := f.addr()
		size := f.hex(8)
		if more = len(f.rest) > 0; more {
			f.gap()
		}
		if f.reason != "" {
			return f.reason
		}
		if addr > 1<<32-1 || p.block != inFunction {
			continue
		}
		in.addr, in.size = uint32(addr), uint32(size)
		p.table.inlines = push(p.table.inlines, in)
	}
	return ""
}

// endBlock puts the lines and inlined calls of the last function, or the rows of
// the last STACK CFI INIT, in order.
func (p *parser) endBlock() {
	t := p.table
	switch p.block {
	case inFunction:
		f := &t.funcs[len(t.funcs)-1]
		lines := dropOverlaps(t.lines[f.lineFrom:], func(l line) (uint32, uint32) { return l.addr, l.last })
		t.lines = t.lines[:int(f.lineFrom)+len(lines)]
		f.lineTo = uint32(len(t.lines))
		inlines := t.inlines[f.inlineFrom:]
		if !slices.IsSortedFunc(inlines, compareInlines) {
			slices.SortFunc(inlines, compareInlines)
		}
		f.inlineTo = uint32(len(t.inlines))
	case inCFI:
		c := &t.cfi[len(t.cfi)-1]
		byAddress := func(a, b cfiRow) int { return cmp.Compare(a.addr, b.addr) }
		if rows := t.rows[c.rowFrom:]; !slices.IsSortedFunc(rows, byAddress) {
			slices.SortStableFunc(rows, byAddress)
		}
		c.rowTo = uint32(len(t.rows))
	}
	p.block = noBlock
}

// compareInlines orders by depth, then address, and leaves no two different ones
// equal. Sorting takes a third of the time to read a file with many inlined
// calls, and the first comparison nearly always decides.
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

// dropOverlaps sorts ranges by address and drops each that begins inside an
// earlier one, so that what starts lowest wins. It works in place.
func dropOverlaps[T any](list []T, span func(T) (first, last uint32)) []T {
	order := func(a, b T) int {
		af, al := span(a)
		bf, bl := span(b)
		return cmp.Or(cmp.Compare(af, bf), cmp.Compare(al, bl))
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

// finish sorts what has to be found by address or number.
func (p *parser) finish() (*Table, error) {
	p.endBlock()
	t := p.table
	switch {
	case p.number == 0:
		return nil, &ParseError{0, "the file is empty"}
	case !p.good && t.Bad > 0:
		// A web server's error page, or UTF-16: nothing in it is a record.
		return nil, &ParseError{t.Samples[0].Line, t.Samples[0].Reason}
	}
	t.Lines = p.number
	t.text = strings.Clone(p.text.String())
	t.lines, t.inlines, t.rows = fit(t.lines), fit(t.inlines), fit(t.rows)
	t.funcs = dropOverlaps(t.funcs, func(f function) (uint32, uint32) { return f.addr, f.last })
	t.cfi = dropOverlaps(t.cfi, func(c cfiBlock) (uint32, uint32) { return c.addr, c.last })
	t.frames = dropOverlaps(t.frames, winSpan)
	t.fpos = dropOverlaps(t.fpos, winSpan)
	t.files, t.origins = lastOfEach(t.files), lastOfEach(t.origins)
	byAddress := func(a, b public) int {
		return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(t.str(a.name), t.str(b.name)), cmp.Compare(a.params, b.params))
	}
	if !slices.IsSortedFunc(t.publics, byAddress) {
		slices.SortFunc(t.publics, byAddress)
	}
	return t, nil
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
