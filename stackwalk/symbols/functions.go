package symbols

import (
	"math"
	"slices"
)

// public reads PUBLIC [m] address parameters name.
func (p *parser) public(f *fields) string {
	f.multiple()
	addr, params := f.addr(), f.size()
	name := f.name()
	if f.reason != "" {
		return f.reason
	}
	p.out.good = true
	if addr <= math.MaxUint32 {
		p.out.publics = append(p.out.publics, public{uint32(addr), params, p.keep(name)})
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
	p.out.good = true
	first, last, ok := span(addr, size)
	if !ok {
		p.block = inSkippedFunction
		return ""
	}
	p.block, p.blockAt = inFunction, p.at
	p.lines, p.inlines = p.lines[:0], p.inlines[:0]
	p.out.funcs = append(p.out.funcs, function{addr: first, last: last, params: uint32(params), name: p.keep(name)})
	return ""
}

// keepsBodies says whether the lines of the current function are wanted.
func (p *parser) keepsBodies() bool { return p.block == inFunction && p.mode != inText }

// sourceLine reads address size line file.
func (p *parser) sourceLine(f *fields) string {
	p.trim(f)
	addr, size, number, file := f.addr(), f.size(), f.id(), f.decimal()
	f.end()
	if f.reason != "" {
		return f.reason
	}
	// PDB files have many lines of no bytes.
	if first, last, ok := span(addr, size); ok && p.keepsBodies() {
		p.lines = push(p.lines, line{first, last, file, number})
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
		if addr > 1<<32-1 || !p.keepsBodies() {
			continue
		}
		in.addr, in.size = uint32(addr), uint32(size)
		p.inlines = push(p.inlines, in)
	}
	return ""
}

// endBlock puts the lines and inlined calls of the last function, or the rows of
// the last STACK CFI INIT, in order, and into the blob if there is one.
func (p *parser) endBlock() {
	where := ref{uint32(p.blockAt), uint32(p.at - p.blockAt)}
	switch p.block {
	case inFunction:
		if p.mode != inText {
			p.lines = dropOverlaps(p.lines, func(l line) (uint32, uint32) { return l.addr, l.last })
		}
		f := &p.out.funcs[len(p.out.funcs)-1]
		if f.body = where; p.mode == packed {
			f.body = p.packFunction(f)
		}
	case inCFI:
		if p.mode != inText && !slices.IsSortedFunc(p.rows, compareRows) {
			slices.SortStableFunc(p.rows, compareRows)
		}
		c := &p.out.cfi[len(p.out.cfi)-1]
		if c.body = where; p.mode == packed {
			c.body = p.packCFI(c)
		}
	}
	p.block = noBlock
}
