package symbols

import (
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// memoSize is how many answers a table remembers. Crashes of one build ask for the
// same few addresses again and again, and an overflowed stack for one of them.
const memoSize = 256

// A symbolMemo is an answer of Lookup.
type symbolMemo struct {
	addr   uint64
	symbol Symbol
	ok     bool
}

func memoSlot(addr uint64) uint64 { return addr * 0x9e3779b97f4a7c15 >> 56 }

// A repair is what becomes of a table whose file turned out to be damaged while
// it was in use: somebody cut it short, wrote over it, or the disk forgot.
type repair struct {
	damaged atomic.Bool
	once    sync.Once
	make    func() *Table // another table for the same module; nil when there is no way
	made    *Table
}

// safely runs f, which reads the table's data and is false when that makes no
// sense. When ok is false the answer is with the other table, if there is one.
//
// A mapped file that was cut short makes the system raise a signal where it is
// read, which Go turns into a panic that can be caught.
func (t *Table) safely(f func() bool) (other *Table, ok bool) {
	if !t.repair.damaged.Load() {
		if t.intact(f) {
			return nil, true
		}
		t.repair.damaged.Store(true)
	}
	t.repair.once.Do(func() {
		if t.repair.make != nil {
			t.repair.made = t.repair.make()
		}
	})
	return t.repair.made, false
}

func (t *Table) intact(f func() bool) (ok bool) {
	if t.mapped == nil {
		return f()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if _, fault := r.(interface{ Addr() uintptr }); !fault {
				panic(r)
			}
			ok = false
		}
		// The mapping goes with the table, and f may use it to the end.
		runtime.KeepAlive(t)
	}()
	return f()
}

// readsAtATime is after how many reads a table lets go of the pages it read. The
// system maps 16 pages for each that is touched, so that the few names of a crash,
// spread over a large file, would keep much of it in memory.
const readsAtATime = 32

// hasRead counts a read that went to the file.
func (t *Table) hasRead() {
	if t.mapped != nil && t.reads.Add(1)%readsAtATime == 0 {
		letGo(t.mapped)
	}
}

// bytes is the piece of the data that r means. It is false when there is no such
// piece or its checksum is wrong.
func (t *Table) bytes(r ref) ([]byte, bool) {
	if r.len == 0 {
		return nil, true
	}
	end := uint64(r.off) + uint64(r.len)
	if !t.packed {
		if end > uint64(len(t.data)) {
			return nil, false
		}
		return t.data[r.off:end], true
	}
	if end+checksumSize > uint64(len(t.data)) {
		return nil, false
	}
	b := t.data[r.off:end]
	return b, binary.LittleEndian.Uint32(t.data[end:]) == checksum(b)
}

// str copies what r means: the data may be unmapped while the string is in use.
func (t *Table) str(r ref) (string, bool) {
	b, ok := t.bytes(r)
	s := string(b)
	t.hasRead()
	return s, ok
}

// body reads the lines and inlined calls of a function, lines by address.
func (t *Table) body(f *function, onLine func(line), onInline func(inline)) bool {
	b, ok := t.bytes(f.body)
	if !ok {
		return false
	}
	if t.packed {
		return unpackFunction(b, f, onLine, onInline)
	}
	p := newParser(t.strict, kept)
	c := p.parse(b, false)
	// Somebody may have written over the file.
	if c.err != nil || len(c.funcs) != 1 || c.funcs[0].addr != f.addr || c.funcs[0].last != f.last || c.funcs[0].name.len != f.name.len {
		return false
	}
	for _, l := range p.lines {
		onLine(l)
	}
	for _, in := range p.inlines {
		onInline(in)
	}
	return true
}

// cfiRows reads the rules of a block: those it begins with, then where they change.
func (t *Table) cfiRows(c *cfiBlock) ([]cfiRow, bool) {
	b, ok := t.bytes(c.body)
	if !ok {
		return nil, false
	}
	if t.packed {
		return unpackCFI(b, c.body.off, c)
	}
	p := newParser(t.strict, kept)
	out := p.parse(b, false)
	if out.err != nil || len(out.cfi) != 1 || out.cfi[0].addr != c.addr || out.cfi[0].last != c.last {
		return nil, false
	}
	rows := append([]cfiRow{{c.addr, p.init}}, p.rows...)
	for i := range rows {
		rows[i].rules = rows[i].rules.from(c.body.off)
	}
	return rows, true
}

// rulesAt reads the rules of a block that count at addr, in order.
func (t *Table) rulesAt(c *cfiBlock, addr uint64) ([]string, bool) {
	rows, ok := t.cfiRows(c)
	if !ok {
		return nil, false
	}
	rules := make([]string, 0, len(rows))
	for i, row := range rows {
		if i > 0 && uint64(row.addr) > addr {
			break
		}
		text, ok := t.str(row.rules)
		if !ok {
			return nil, false
		}
		rules = append(rules, text)
	}
	return rules, true
}
