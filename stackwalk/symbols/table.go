package symbols

import (
	"cmp"
	"slices"
	"sort"
	"unsafe"
)

// A Table is what one symbol file says. Addresses are relative to the module's
// base. A Table is immutable and safe for concurrent use. The strings it hands
// out share its memory.
type Table struct {
	OS, Arch  string // of the MODULE line, such as "Linux" and "x86_64"; "" without one
	DebugID   string // of the MODULE line
	DebugFile string // of the MODULE line
	URL       string // of an INFO URL line: where a downloaded file came from

	Lines   int // how many lines the file has
	Bad     int // how many of them made no sense and were left out
	Samples []BadLine

	text    string // all names; a ref is a piece of it
	files   []named
	origins []named
	funcs   []function
	lines   []line
	inlines []inline
	publics []public
	cfi     []cfiBlock
	rows    []cfiRow
	frames  []winRecord // STACK WIN 4
	fpos    []winRecord // STACK WIN 0
}

// A BadLine is a line of a symbol file that made no sense.
type BadLine struct {
	Line   int // from 1
	Reason string
}

// A ref is a piece of a table's text.
type ref struct{ off, len uint32 }

func (t *Table) str(r ref) string { return t.text[r.off : r.off+r.len] }

// Addresses are 32 bits wide because a module's size is: a record beyond that
// can never be asked for, and the parser leaves it out.

type named struct {
	id   uint32
	name ref
}

type function struct {
	addr, last uint32 // last address included
	params     uint32
	name       ref
	lineFrom   uint32 // indices into Table.lines
	lineTo     uint32
	inlineFrom uint32 // indices into Table.inlines
	inlineTo   uint32
}

type line struct{ addr, last, file, number uint32 }

type inline struct {
	depth, addr, size  uint32
	callFile, callLine uint32
	origin             uint32
}

type public struct {
	addr, params uint32
	name         ref
}

type cfiBlock struct {
	addr, last uint32
	init       ref
	rowFrom    uint32 // indices into Table.rows
	rowTo      uint32
}

type cfiRow struct {
	addr  uint32
	rules ref
}

// A Symbol is what a table knows about an address.
type Symbol struct {
	Function string // may be "" when the file gives a function no name
	Start    uint64 // of the function
	Params   uint32 // bytes of parameters that the function pops

	HasLine   bool // whether the next three are known
	File      string
	Line      uint32
	LineStart uint64 // where the source line, or the outermost inlined call, begins

	Inlines []Inline // innermost first; nil when none
}

// An Inline is a call that was inlined into a function.
type Inline struct {
	Function string
	File     string // "" when unknown
	Line     uint32
	HasLine  bool
}

// Size is about how many bytes of memory the table holds.
func (t *Table) Size() int64 {
	return int64(unsafe.Sizeof(*t)) + int64(len(t.text)) +
		sizeOf(t.files) + sizeOf(t.origins) + sizeOf(t.funcs) + sizeOf(t.lines) +
		sizeOf(t.inlines) + sizeOf(t.publics) + sizeOf(t.cfi) + sizeOf(t.rows) +
		sizeOf(t.frames) + sizeOf(t.fpos)
}

// Empty says whether the file had nothing that an address could be looked up in.
func (t *Table) Empty() bool {
	return len(t.funcs)+len(t.publics)+len(t.cfi)+len(t.frames)+len(t.fpos) == 0
}

// Named says whether addr is in a function with a name. Stack scanning asks this
// of every word that could be a return address.
func (t *Table) Named(addr uint64) bool {
	if f := t.function(addr); f != nil {
		return f.name.len > 0
	}
	p := t.public(addr)
	return p != nil && p.name.len > 0
}

// Lookup is the symbol at addr, false when there is none.
func (t *Table) Lookup(addr uint64) (Symbol, bool) {
	f := t.function(addr)
	if f == nil {
		p := t.public(addr)
		if p == nil {
			return Symbol{}, false
		}
		return Symbol{Function: t.str(p.name), Start: uint64(p.addr), Params: p.params}, true
	}
	s := Symbol{Function: t.str(f.name), Start: uint64(f.addr), Params: f.params}
	if w, ok := t.win(t.frames, addr); ok {
		s.Params = w.params
	} else if w, ok := t.win(t.fpos, addr); ok {
		s.Params = w.params
	}
	t.source(f, uint32(addr), &s)
	return s, true
}

// source fills in the line and the inlined calls. An INLINE record says where
// its call stands in the caller's source, so each depth gets its position from
// the record one deeper, and the innermost from the line records.
func (t *Table) source(f *function, addr uint32, s *Symbol) {
	at := lineAt(t.lines[f.lineFrom:f.lineTo], addr)
	inlines := t.inlines[f.inlineFrom:f.inlineTo]
	in := inlineAt(inlines, 0, addr)
	if in == nil {
		if at != nil {
			t.place(s, at.file, at.number, at.addr)
		}
		return
	}
	t.place(s, in.callFile, in.callLine, in.addr)
	for depth := uint32(1); ; depth++ {
		deeper := inlineAt(inlines, depth, addr)
		name, known := t.name(t.origins, in.origin)
		if deeper == nil {
			if known {
				leaf := Inline{Function: name}
				if at != nil {
					leaf.File, _ = t.name(t.files, at.file)
					// Line 0 is the compiler's word for "no line".
					leaf.Line, leaf.HasLine = at.number, at.number != 0
				}
				s.Inlines = append(s.Inlines, leaf)
			}
			break
		}
		if known {
			file, _ := t.name(t.files, deeper.callFile)
			s.Inlines = append(s.Inlines, Inline{Function: name, File: file, Line: deeper.callLine, HasLine: true})
		}
		in = deeper
	}
	slices.Reverse(s.Inlines)
}

// place sets file and line, unless the file has no name.
func (t *Table) place(s *Symbol, file, number, start uint32) {
	if name, ok := t.name(t.files, file); ok {
		s.HasLine, s.File, s.Line, s.LineStart = true, name, number, uint64(start)
	}
}

func (t *Table) name(list []named, id uint32) (string, bool) {
	// Numbers are nearly always 0, 1, 2, …, so the first guess is right.
	if int64(id) < int64(len(list)) && list[id].id == id {
		return t.str(list[id].name), true
	}
	i, ok := slices.BinarySearchFunc(list, id, func(n named, id uint32) int { return cmp.Compare(n.id, id) })
	if !ok {
		return "", false
	}
	return t.str(list[i].name), true
}

func (t *Table) function(addr uint64) *function {
	i := sort.Search(len(t.funcs), func(i int) bool { return uint64(t.funcs[i].last) >= addr })
	if i == len(t.funcs) || uint64(t.funcs[i].addr) > addr {
		return nil
	}
	return &t.funcs[i]
}

// public is the nearest PUBLIC at or before addr. One that stands before the
// function that ends before addr says nothing about addr: that function is in
// between.
func (t *Table) public(addr uint64) *public {
	i := sort.Search(len(t.publics), func(i int) bool { return uint64(t.publics[i].addr) > addr })
	if i == 0 {
		return nil
	}
	p := &t.publics[i-1]
	before := sort.Search(len(t.funcs), func(i int) bool { return uint64(t.funcs[i].addr) > addr })
	if before > 0 && p.addr <= t.funcs[before-1].addr {
		return nil
	}
	return p
}

func lineAt(lines []line, addr uint32) *line {
	i := sort.Search(len(lines), func(i int) bool { return lines[i].last >= addr })
	if i == len(lines) || lines[i].addr > addr {
		return nil
	}
	return &lines[i]
}

// inlineAt is the call inlined at depth that covers addr. Inlines are sorted by
// depth, then address.
func inlineAt(list []inline, depth, addr uint32) *inline {
	i := sort.Search(len(list), func(i int) bool {
		return list[i].depth > depth || list[i].depth == depth && list[i].addr > addr
	})
	if i == 0 {
		return nil
	}
	in := &list[i-1]
	if in.depth != depth || uint64(addr) >= uint64(in.addr)+uint64(in.size) {
		return nil
	}
	return in
}

func sizeOf[T any](s []T) int64 {
	var t T
	return int64(cap(s)) * int64(unsafe.Sizeof(t))
}
