package symbols

import (
	"cmp"
	"slices"
	"sort"
	"sync/atomic"
	"unsafe"
)

// A Table is what one symbol file says. Addresses are relative to the module's
// base. A Table does not change and is safe for concurrent use. The strings it
// hands out do not need it.
type Table struct {
	OS, Arch  string // of the MODULE line, such as "Linux" and "x86_64"; "" without one
	DebugID   string // of the MODULE line
	DebugFile string // of the MODULE line
	URL       string // of an INFO URL line: where a downloaded file came from

	Lines   int // how many lines the file has
	Bad     int // how many of them made no sense and were left out
	Samples []BadLine

	index
	data    []byte // names and bodies; a ref is a piece of it
	packed  bool   // the bodies are packed, not text
	strict  bool   // how to read bodies that are text
	mapped  []byte // the file in memory that data, and perhaps the index, are in
	reads   atomic.Uint32
	repair  repair
	symbols [memoSize]atomic.Pointer[symbolMemo]
	plans   [memoSize]atomic.Pointer[plan]
}

// An index has what lookups search, sorted by address or number. Its records have
// a fixed size and no pointers, so that a cache file is used as it is.
type index struct {
	files   []named
	origins []named
	funcs   []function
	publics []public
	cfi     []cfiBlock
	frames  []winRecord // STACK WIN 4
	fpos    []winRecord // STACK WIN 0
}

// A BadLine is a line of a symbol file that made no sense.
type BadLine struct {
	Line   int // from 1
	Reason string
}

// A ref is a piece of a table's data.
type ref struct{ off, len uint32 }

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
	body       ref // lines and inlined calls
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
	body       ref // rules at its beginning and where they change
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

// Size is about how many bytes of memory the table holds. Files that are mapped
// into memory do not count: the system takes their pages back when it needs to.
func (t *Table) Size() int64 {
	size := int64(unsafe.Sizeof(*t))
	if t.mapped == nil {
		size += int64(cap(t.data))
	}
	if t.mapped == nil || !t.packed {
		size += t.index.size()
	}
	return size
}

func (x *index) size() int64 {
	return sizeOf(x.files) + sizeOf(x.origins) + sizeOf(x.funcs) + sizeOf(x.publics) +
		sizeOf(x.cfi) + sizeOf(x.frames) + sizeOf(x.fpos)
}

// Empty says whether the file had nothing that an address could be looked up in.
func (t *Table) Empty() bool {
	return len(t.funcs)+len(t.publics)+len(t.cfi)+len(t.frames)+len(t.fpos) == 0
}

// Named says whether addr is in a function with a name. Stack scanning asks this
// of every word that could be a return address.
func (t *Table) Named(addr uint64) (is bool) {
	other, ok := t.safely(func() bool {
		if f := t.function(addr); f != nil {
			is = f.name.len > 0
			return true
		}
		p := t.public(addr)
		is = p != nil && p.name.len > 0
		return true
	})
	if !ok {
		return other != nil && other.Named(addr)
	}
	return is
}

// Lookup is the symbol at addr, false when there is none. It shares the symbol
// with others who ask for the same address: do not change its Inlines.
func (t *Table) Lookup(addr uint64) (Symbol, bool) {
	slot := &t.symbols[memoSlot(addr)]
	if m := slot.Load(); m != nil && m.addr == addr {
		return m.symbol, m.ok
	}
	m := &symbolMemo{addr: addr}
	other, ok := t.safely(func() bool { return t.lookup(m) })
	if !ok {
		if other == nil {
			return Symbol{}, false
		}
		return other.Lookup(addr)
	}
	slot.Store(m)
	return m.symbol, m.ok
}

// lookup finds m's symbol. It is false when the table's file is damaged.
func (t *Table) lookup(m *symbolMemo) (ok bool) {
	s, addr := &m.symbol, m.addr
	f := t.function(addr)
	if f == nil {
		p := t.public(addr)
		if p == nil {
			return true
		}
		m.ok, s.Start, s.Params = true, uint64(p.addr), p.params
		s.Function, ok = t.str(p.name)
		return ok
	}
	m.ok, s.Start, s.Params = true, uint64(f.addr), f.params
	if w, ok := t.win(t.frames, addr); ok {
		s.Params = w.params
	} else if w, ok := t.win(t.fpos, addr); ok {
		s.Params = w.params
	}
	if s.Function, ok = t.str(f.name); !ok {
		return false
	}
	at := position{addr: uint32(addr)}
	if !t.body(f, at.onLine, at.onInline) {
		return false
	}
	r := sourceReader{t, true}
	r.source(&at, s)
	return r.ok
}

// A sourceReader finds names and remembers when one could not be read.
type sourceReader struct {
	*Table
	ok bool
}

// source fills in the line and the inlined calls. An INLINE record says where
// its call stands in the caller's source, so each depth gets its position from
// the record one deeper, and the innermost from the line records.
func (t *sourceReader) source(p *position, s *Symbol) {
	at := p.at()
	in, inlined := p.inlineAt(0)
	if !inlined {
		if at != nil {
			t.place(s, at.file, at.number, at.addr)
		}
		return
	}
	t.place(s, in.callFile, in.callLine, in.addr)
	for depth := uint32(1); ; depth++ {
		deeper, more := p.inlineAt(depth)
		name, known := t.name(t.origins, in.origin)
		if !more {
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
func (t *sourceReader) place(s *Symbol, file, number, start uint32) {
	if name, ok := t.name(t.files, file); ok {
		s.HasLine, s.File, s.Line, s.LineStart = true, name, number, uint64(start)
	}
}

func (t *sourceReader) name(list []named, id uint32) (string, bool) {
	at := int(id)
	// Numbers are nearly always 0, 1, 2, …, so the first guess is right.
	if int64(id) >= int64(len(list)) || list[id].id != id {
		var ok bool
		if at, ok = slices.BinarySearchFunc(list, id, func(n named, id uint32) int { return cmp.Compare(n.id, id) }); !ok {
			return "", false
		}
	}
	name, ok := t.str(list[at].name)
	t.ok = t.ok && ok
	return name, true
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

func sizeOf[T any](s []T) int64 {
	var t T
	return int64(cap(s)) * int64(unsafe.Sizeof(t))
}
