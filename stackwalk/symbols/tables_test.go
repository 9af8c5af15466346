package symbols

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inMemory is a table of text that is looked up where it is.
func inMemory(text []byte, opt Options, chunk int) (*Table, error) {
	a := assembly{opt: opt, chunk: chunk}
	if err := a.read(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	t := &Table{data: text[:a.base], strict: opt.Strict}
	return t, a.finish(t)
}

// inPieces is a packed table of text that was parsed in small pieces.
func inPieces(text []byte, opt Options, chunk int) (*Table, error) {
	var kept memory
	a := assembly{opt: opt, chunk: chunk, out: &kept}
	if err := a.read(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	t := &Table{data: kept.data, packed: true, strict: opt.Strict}
	return t, a.finish(t)
}

// stored is a table of text that was written to a store, the second time read
// from there.
func stored(s *Store, text []byte, opt Options) (*Table, error) {
	const key = "the only one"
	if t := s.load(key); t != nil {
		return t, nil
	}
	return s.make(func(a *assembly) error { return a.read(bytes.NewReader(text)) }, key, opt)
}

// boundaries are the addresses at which something in a symbol file begins or
// ends, and those before and after.
func boundaries(text []byte) []uint64 {
	at := map[uint64]bool{0: true, 1<<32 - 1: true, 1 << 32: true, 1<<64 - 1: true}
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		for i := 0; i+1 < len(words); i++ {
			first, err1 := strconv.ParseUint(string(words[i]), 16, 64)
			size, err2 := strconv.ParseUint(string(words[i+1]), 16, 32)
			if err1 == nil {
				at[first-1], at[first] = true, true
			}
			if err1 == nil && err2 == nil {
				at[first+size-1], at[first+size] = true, true
			}
		}
	}
	return slices.Sorted(maps.Keys(at))
}

// A said is all that a table says about an address.
type said struct {
	symbol Symbol
	ok     bool
	named  bool
	unwind bool
	frame  fakeFrame
}

func ask(t *Table, addr uint64) said {
	f := newFakeFrame()
	f.words = nil // so that most rules fail, and say at which step
	s := said{named: t.Named(addr)}
	s.symbol, s.ok = t.Lookup(addr)
	s.unwind = t.Unwind(addr, f)
	f.registers = nil
	s.frame = *f
	return s
}

// contents is all that a table has, however it has it.
type contents struct {
	OS, Arch, DebugID, DebugFile, URL string
	Lines, Bad                        int
	Samples                           []BadLine
	Files, Origins                    []string
	Publics, Windows                  []string
}

func contentsOf(t *testing.T, table *Table) contents {
	t.Helper()
	c := contents{
		table.OS, table.Arch, table.DebugID, table.DebugFile, table.URL, table.Lines, table.Bad,
		table.Samples, nil, nil, nil, nil,
	}
	text := func(r ref) string {
		s, ok := table.str(r)
		if !ok {
			t.Fatalf("the name at %+v cannot be read", r)
		}
		return s
	}
	for _, n := range table.files {
		c.Files = append(c.Files, fmt.Sprint(n.id, text(n.name)))
	}
	for _, n := range table.origins {
		c.Origins = append(c.Origins, fmt.Sprint(n.id, text(n.name)))
	}
	for _, p := range table.publics {
		c.Publics = append(c.Publics, fmt.Sprint(p.addr, p.params, text(p.name)))
	}
	for _, w := range slices.Concat(table.frames, table.fpos) {
		program := text(w.program)
		w.program = ref{}
		c.Windows = append(c.Windows, fmt.Sprint(w, program))
	}
	return c
}

func bodyOf(t *Table, f *function) (lines []line, inlines []inline, ok bool) {
	ok = t.body(f, func(l line) { lines = append(lines, l) }, func(in inline) { inlines = append(inlines, in) })
	return lines, inlines, ok
}

// sameContents fails when two tables differ anywhere. It looks at each record
// once, so that it is exhaustive for large files too.
func sameContents(t *testing.T, name string, want, got *Table) {
	t.Helper()
	if a, b := contentsOf(t, want), contentsOf(t, got); !reflect.DeepEqual(a, b) {
		t.Fatalf("%s (-plain +%s):\n%.3000s", name, name, cmp.Diff(a, b))
	}
	if len(want.funcs) != len(got.funcs) || len(want.cfi) != len(got.cfi) {
		t.Fatalf("%s: %d functions and %d CFI; want %d and %d", name, len(got.funcs), len(got.cfi), len(want.funcs), len(want.cfi))
	}
	for i := range want.funcs {
		a, b := &want.funcs[i], &got.funcs[i]
		aName, ok1 := want.str(a.name)
		bName, ok2 := got.str(b.name)
		aLines, aInlines, ok3 := bodyOf(want, a)
		bLines, bInlines, ok4 := bodyOf(got, b)
		if !ok1 || !ok2 || !ok3 || !ok4 || a.addr != b.addr || a.last != b.last || a.params != b.params || aName != bName ||
			!slices.Equal(aLines, bLines) || !slices.Equal(aInlines, bInlines) {
			t.Fatalf("%s: function %+v %s; want %+v %s", name, b, bName, a, aName)
		}
	}
	for i := range want.cfi {
		a, b := &want.cfi[i], &got.cfi[i]
		aRows, ok1 := want.cfiRows(a)
		bRows, ok2 := got.cfiRows(b)
		if !ok1 || !ok2 || a.addr != b.addr || a.last != b.last || len(aRows) != len(bRows) {
			t.Fatalf("%s: CFI %+v; want %+v", name, b, a)
		}
		for n := range aRows {
			aText, _ := want.str(aRows[n].rules)
			bText, _ := got.str(bRows[n].rules)
			if aRows[n].addr != bRows[n].addr || aText != bText {
				t.Fatalf("%s: CFI row %+v %q; want %+v %q", name, bRows[n], bText, aRows[n], aText)
			}
		}
	}
}

// sameAnswers fails when two tables of one file differ at one of the addresses.
func sameAnswers(t *testing.T, name string, want, got *Table, addrs []uint64) {
	t.Helper()
	for _, addr := range addrs {
		if a, b := ask(want, addr), ask(got, addr); !reflect.DeepEqual(a, b) {
			t.Fatalf("%s at %#x:\n%+v\nwant\n%+v", name, addr, b, a)
		}
	}
}

// allWays reads a file in every way there is and compares what comes out.
func allWays(t *testing.T, text []byte, opt Options, store *Store, addrs []uint64) {
	t.Helper()
	plain, err := Parse(bytes.NewReader(text), opt)
	piece := max(64, len(text)/500)
	for _, way := range []struct {
		name string
		read func() (*Table, error)
	}{
		{"in text", func() (*Table, error) { return inMemory(text, opt, 0) }},
		{"in text, pieces", func() (*Table, error) { return inMemory(text, opt, piece) }},
		{"pieces", func() (*Table, error) { return inPieces(text, opt, piece) }},
		{"larger pieces", func() (*Table, error) { return inPieces(text, opt, 16*piece) }},
		{"made in a store", func() (*Table, error) { return stored(store, text, opt) }},
		{"from a store", func() (*Table, error) { return stored(store, text, opt) }},
	} {
		table, wayErr := way.read()
		if fmt.Sprint(err) != fmt.Sprint(wayErr) {
			t.Fatalf("%s: error = %v; want %v", way.name, wayErr, err)
		}
		if err == nil {
			sameContents(t, way.name, plain, table)
			sameAnswers(t, way.name, plain, table, addrs)
		}
	}
}

func newStore(tb testing.TB) *Store {
	tb.Helper()
	s, err := NewStore(StoreConfig{Dir: tb.TempDir()})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// symbolFiles are all the symbol files at hand, our own and those of the oracle.
func symbolFiles(t *testing.T) []string {
	t.Helper()
	root := os.Getenv("ORACLE")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "oracle")
	}
	if _, err := os.Stat(root); err != nil && os.Getenv("CI") == "true" {
		t.Fatalf("no oracle: %v", err)
	}
	var files []string
	for _, dir := range []string{filepath.Join("..", "..", "testdata", "symbols"), filepath.Join(root, "stackwalk")} {
		filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
			if strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".sym") {
				files = append(files, path)
			}
			return nil
		})
	}
	if len(files) == 0 {
		t.Skip("no symbol files, set ORACLE to the oracle's folder")
	}
	return files
}

func TestEveryWayToReadAFileGivesTheSameTable(t *testing.T) {
	for _, path := range symbolFiles(t) {
		t.Run(filepath.Base(filepath.Dir(path))+" "+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text := unzipped(t, path)
			if testing.Short() && len(text) > 1<<20 {
				t.Skip("large")
			}
			addrs := boundaries(text)
			// The contents are compared to the last record. Of the addresses of large
			// files some will do: each needs its function read anew.
			if step := len(addrs) / 500; step > 1 {
				kept := addrs[:0]
				for i := 0; i < len(addrs); i += step {
					kept = append(kept, addrs[i])
				}
				addrs = kept
			}
			allWays(t, text, Options{Strict: true}, newStore(t), addrs)
			if len(text) < 8<<20 {
				allWays(t, text, Options{}, newStore(t), addrs)
			}
		})
	}
}

func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// awkward has one of everything that is easy to get wrong when a file is cut in
// pieces or a body packed.
const awkward = program + cfiText + `FILE 7 late.c
STACK WIN 4 9000 10 0 0 1 0 0 0 1 $T0 $ebp =
STACK WIN 4 9001 f 0 0 2 0 0 0 1 $T0 $ebp =
STACK WIN 0 9100 4 0 0 0 0 0 0 0 1
FUNC 5000 100 0 lines before and after it
4ff0 10 1 0
5100 10 4294967295 4294967295
5000 8 0 7
INLINE 2 4294967295 4294967295 1 ffffffff ffffffff 0 1
INLINE 0 9 7 0 5000 8
INLINE 1 9 7 1 5004 2 5000 1
INLINE_ORIGIN 1 inner again
5008 1 2 7
FILE 7 later.c
5009 1 3 7
FUNC 5200 0 0 without size
5200 4 1 0
FUNC 5300 10 0 
5300 10 4 7
PUBLIC m 6000 0 b
PUBLIC 6000 0 a
PUBLIC 6000 4 a
INFO URL https://symbols.example.org/again.sym
MODULE Linux x86_64 0 second
`

func TestAwkwardFilesGiveTheSameTable(t *testing.T) {
	for _, text := range []string{awkward, "\xef\xbb\xbf" + awkward, awkward + "FUNC 7000 10 0 no newline", strings.ReplaceAll(awkward, "\n", "\r\n")} {
		allWays(t, []byte(text), Options{}, newStore(t), boundaries([]byte(text)))
		allWays(t, []byte(text), Options{Strict: true}, newStore(t), boundaries([]byte(text)))
	}
}

func TestNumbersOfBadLinesDoNotDependOnPieces(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "FUNC %x 10 0 function_%d\n%x 10 1 0\n", i*16, i, i*16)
		if i == 50 || i == 70 {
			fmt.Fprintln(&b, "nonsense")
		}
	}
	for _, chunk := range []int{32, 100, 1000, 0} {
		table, err := inPieces([]byte(b.String()), Options{}, chunk)
		if err != nil || table.Bad != 2 || table.Lines != 202 || table.Samples[0].Line != 103 || table.Samples[1].Line != 144 {
			t.Errorf("pieces of %d: %v, %d lines, bad %+v", chunk, err, table.Lines, table.Samples)
		}
		_, err = inPieces([]byte(b.String()), Options{Strict: true}, chunk)
		if bad, ok := errors.AsType[*ParseError](err); !ok || bad.Line != 103 {
			t.Errorf("pieces of %d, strict: %v", chunk, err)
		}
	}
}

func TestAFunctionLargerThanAPieceIsRead(t *testing.T) {
	var b strings.Builder
	b.WriteString("FILE 0 a.c\nFUNC 0 100000 0 long\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "%x 10 %d 0\n", i*16, i+1)
	}
	table, err := inPieces([]byte(b.String()), Options{}, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint64{0, 1, 777, 19_999} {
		if s, _ := table.Lookup(i*16 + 3); uint64(s.Line) != i+1 {
			t.Errorf("line at %#x = %d; want %d", i*16+3, s.Line, i+1)
		}
	}
}

func TestAnEndlessFunctionIsAnError(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("FUNC 10 10 0 f\n"), repeat("10 1 1 0\n"))
	_, err := Parse(endless, Options{})
	if bad, ok := errors.AsType[*ParseError](err); !ok || !strings.Contains(bad.Reason, "64 MiB of lines") {
		t.Errorf("error = %v", err)
	}
}

// repeat reads as its text again and again.
type repeat string

func (r repeat) Read(b []byte) (int, error) {
	n := 0
	for n+len(r) <= len(b) {
		n += copy(b[n:], r)
	}
	if n == 0 {
		n = copy(b, "\n\n\n\n\n\n\n\n\n\n\n\n")
	}
	return n, nil
}

// panicking reads a little and then panics.
type panicking struct{ io.Reader }

func (p panicking) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err == io.EOF {
		panic("boo")
	}
	return n, err
}

func TestAPanickingReaderIsAnError(t *testing.T) {
	a := assembly{chunk: 64}
	err := a.read(panicking{strings.NewReader(strings.Repeat(program, 10))})
	if err == nil || !strings.Contains(err.Error(), "panic: boo") {
		t.Errorf("error = %v", err)
	}
}

func TestAReaderThatGivesNothingIsAnError(t *testing.T) {
	_, err := Parse(idle{}, Options{})
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error = %v", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// An overflowed stack asks for the same address 30,000 times.
func TestWhatWasAskedBeforeCostsNoMemory(t *testing.T) {
	table := parse(t, awkward)
	f := newFakeFrame()
	for _, addr := range []uint64{0x2010, 0x10f, 0x9001, 0x9100} {
		clear(f.caller)
		allocs := testing.AllocsPerRun(100, func() {
			table.Lookup(addr)
			table.Named(addr)
			f.cleared = f.cleared[:0]
			table.Unwind(addr, f)
		})
		if allocs > 0 {
			t.Errorf("%g allocations at %#x", allocs, addr)
		}
	}
}

func FuzzEveryWay(f *testing.F) {
	f.Add([]byte(awkward))
	f.Add([]byte("FUNC 10 10 0 f\nINLINE 0 1 2 10 4\nINLINE 4294967295 1 2 3 10 ffffffff 10 1\n10 ffffffff 4294967295 0"))
	f.Add([]byte("STACK CFI INIT 10 10 .cfa: 1 .ra: 2\nSTACK CFI 9 .ra: 3\n\nSTACK CFI 12 .ra: 4\nFILE 0 x\nSTACK CFI 13 .ra: 5\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		addrs := boundaries(text)
		if len(addrs) > 2000 {
			addrs = addrs[:2000]
		}
		for _, opt := range []Options{{}, {Strict: true}} {
			allWays(t, text, opt, newStore(t), addrs)
		}
	})
}
