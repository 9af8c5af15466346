package symbols

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
	"unsafe"
)

func TestAHeaderFitsItsPlace(t *testing.T) {
	if size := unsafe.Sizeof(tableHeader{}); size > headerSize {
		t.Errorf("a header has %d bytes; there is room for %d", size, headerSize)
	}
	// Records with gaps between their fields would have chance in their files.
	for name, size := range map[string][2]uintptr{
		"named":     {unsafe.Sizeof(named{}), 12},
		"function":  {unsafe.Sizeof(function{}), 28},
		"public":    {unsafe.Sizeof(public{}), 16},
		"cfiBlock":  {unsafe.Sizeof(cfiBlock{}), 16},
		"winRecord": {unsafe.Sizeof(winRecord{}), 32},
	} {
		if size[0] != size[1] {
			t.Errorf("a %s has %d bytes; a change of %d needs a new tableVersion", name, size[0], size[1])
		}
	}
}

// tableFile is the file of a table of text.
func tableFile(tb testing.TB, text string) []byte {
	tb.Helper()
	s := newStore(tb)
	if _, err := stored(s, []byte(text), Options{}); err != nil {
		tb.Fatal(err)
	}
	b, err := os.ReadFile(s.place("the only one"))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// aligned copies b to where records may be.
func aligned(b []byte) []byte {
	words := make([]uint64, len(b)/8+1)
	return append(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:0], b...)
}

// resign makes all checksums right that say what the reader believes at once, as
// somebody would who wants to mislead it.
func resign(b []byte) {
	if len(b) < headerSize {
		return
	}
	h := (*tableHeader)(unsafe.Pointer(&b[0]))
	h.magic, h.version, h.size = tableMagic, tableVersion, uint64(len(b))
	for n := range h.section {
		s := &h.section[n]
		if s.off <= h.size && s.size <= h.size-s.off {
			s.checksum = checksum(b[s.off : s.off+s.size])
		}
	}
	head := bytesOf([]tableHeader{*h})
	h.checksum = checksum(head[checkedFrom:])
}

func FuzzTableFile(f *testing.F) {
	whole := tableFile(f, awkward)
	f.Add(whole, false)
	f.Add(whole, true)
	f.Add(whole[:headerSize], true)
	for _, at := range []int{30, headerSize + 5, len(whole) / 2, len(whole) - 300} {
		b := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(b[at:], 0xffff_fff0)
		f.Add(b, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, sign bool) {
		b = aligned(b)
		if sign {
			resign(b)
		}
		table := &Table{packed: true}
		if !table.readIndex(b, "the only one") {
			return
		}
		for _, addr := range []uint64{0, 0x900, 0x1000, 0x2010, 0x5004, 0x6000, 0x9001, 0x10f, 0xffffffff, 1 << 32, 1<<64 - 1} {
			table.repair.damaged.Store(false) // look at all of it
			ask(table, addr)
		}
		for i := range table.funcs {
			table.body(&table.funcs[i], func(line) {}, func(inline) {})
		}
		for i := range table.cfi {
			table.rulesAt(&table.cfi[i], 1<<32)
		}
	})
}

func BenchmarkOpenTable(b *testing.B) {
	s := newStore(b)
	text := []byte(large())
	if _, err := stored(s, text, Options{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if s.load("the only one") == nil {
			b.Fatal("it is gone")
		}
	}
}

func BenchmarkMakeTable(b *testing.B) {
	text := []byte(large())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := stored(newStore(b), text, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadInPlace(b *testing.B) {
	text := []byte(large())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := inMemory(text, Options{}, 0); err != nil {
			b.Fatal(err)
		}
	}
}
