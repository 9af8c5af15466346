package symbols

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// program is a symbol file of two functions; the second has calls inlined two
// deep: outer -> middle -> inner.
const program = `MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 program
INFO CODE_ID 6745230189ABCDEF
INFO URL https://symbols.example.org/program.sym
FILE 0 /src/main.c
FILE 1 /src/inner.h
INLINE_ORIGIN 0 middle(int)
INLINE_ORIGIN 1 inner()
FUNC 1000 20 8 first
1000 10 11 0
1010 10 12 0
FUNC m 2000 30 0 outer(char const*)
INLINE 0 40 0 0 2008 20
INLINE 1 50 1 1 2010 8 2020 4
2000 8 39 0
2008 8 49 1
2010 8 60 1
2018 8 51 1
2020 4 0 1
2028 8 41 0
PUBLIC 900 0 before_all
PUBLIC 1800 4 between
PUBLIC 3000 0 after_all
`

func parse(t *testing.T, text string) *Table {
	t.Helper()
	table, err := Parse(strings.NewReader(text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestLookupFindsFunctionLineAndInlinedCalls(t *testing.T) {
	table := parse(t, program)
	for _, c := range []struct {
		addr uint64
		want *Symbol
	}{
		{0x8ff, nil},
		{0x900, &Symbol{Function: "before_all", Start: 0x900}},
		{0x1000, &Symbol{Function: "first", Start: 0x1000, Params: 8, HasLine: true, File: "/src/main.c", Line: 11, LineStart: 0x1000}},
		{0x101f, &Symbol{Function: "first", Start: 0x1000, Params: 8, HasLine: true, File: "/src/main.c", Line: 12, LineStart: 0x1010}},
		{0x1020, nil}, // after first, and no PUBLIC since
		{0x1800, &Symbol{Function: "between", Start: 0x1800, Params: 4}},
		{0x1fff, &Symbol{Function: "between", Start: 0x1800, Params: 4}},
		{0x2000, &Symbol{Function: "outer(char const*)", Start: 0x2000, HasLine: true, File: "/src/main.c", Line: 39, LineStart: 0x2000}},
		{0x2008, &Symbol{
			Function: "outer(char const*)", Start: 0x2000, HasLine: true, File: "/src/main.c", Line: 40, LineStart: 0x2008,
			Inlines: []Inline{{"middle(int)", "/src/inner.h", 49, true}},
		}},
		{0x2010, &Symbol{
			Function: "outer(char const*)", Start: 0x2000, HasLine: true, File: "/src/main.c", Line: 40, LineStart: 0x2008,
			Inlines: []Inline{{"inner()", "/src/inner.h", 60, true}, {"middle(int)", "/src/inner.h", 50, true}},
		}},
		{0x2018, &Symbol{
			Function: "outer(char const*)", Start: 0x2000, HasLine: true, File: "/src/main.c", Line: 40, LineStart: 0x2008,
			Inlines: []Inline{{"middle(int)", "/src/inner.h", 51, true}},
		}},
		{0x2020, &Symbol{ // line 0 is no line
			Function: "outer(char const*)", Start: 0x2000, HasLine: true, File: "/src/main.c", Line: 40, LineStart: 0x2008,
			Inlines: []Inline{{"inner()", "/src/inner.h", 0, false}, {"middle(int)", "/src/inner.h", 50, true}},
		}},
		{0x2024, &Symbol{ // no line record
			Function: "outer(char const*)", Start: 0x2000, HasLine: true, File: "/src/main.c", Line: 40, LineStart: 0x2008,
			Inlines: []Inline{{"middle(int)", "", 0, false}},
		}},
		{0x3000, &Symbol{Function: "after_all", Start: 0x3000}},
		{1 << 40, &Symbol{Function: "after_all", Start: 0x3000}},
	} {
		got, ok := table.Lookup(c.addr)
		want := Symbol{}
		if c.want != nil {
			want = *c.want
		}
		if diff := cmp.Diff(want, got); diff != "" || ok != (c.want != nil) {
			t.Errorf("Lookup(%#x) = %v (-want +got):\n%s", c.addr, ok, diff)
		}
		if named := table.Named(c.addr); named != ok {
			t.Errorf("Named(%#x) = %v; want %v", c.addr, named, ok)
		}
	}
	if table.Bad != 0 || table.DebugID != "0123456789ABCDEF0123456789ABCDEF0" || table.URL == "" || table.OS != "Linux" {
		t.Errorf("table = %+v", table)
	}
}

func TestInlinesWithoutCallSiteFileAreRead(t *testing.T) {
	table := parse(t, "FILE 0 a.c\nINLINE_ORIGIN 7 deep\nFUNC 10 10 0 f\nINLINE 0 5 7 10 4 18 4\n10 10 9 0\n")
	s, _ := table.Lookup(0x18)
	want := Symbol{Function: "f", Start: 0x10, Inlines: []Inline{{"deep", "a.c", 9, true}}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("Lookup (-want +got):\n%s", diff)
	}
}

func TestOneBadLineIsLeftOutOrRejectsTheFile(t *testing.T) {
	const before, after = "FILE 0 a.c\nFUNC 10 10 0 f\n10 8 1 0\n", "18 8 2 0\n"
	for _, c := range []struct{ name, line, reason string }{
		{"unknown record", "WHAT is this", "unknown kind of record"},
		{"17 digits", "00000000000000010 8 1 0", "a hexadecimal number is too long"},
		{"9 digits of size", "10 000000008 1 0", "a hexadecimal number is too long"},
		{"line of 11 digits", "10 8 00000000001 0", "a decimal number is too long"},
		{"line too large", "10 8 4294967296 0", "a decimal number is too large"},
		{"no file", "10 8 1", "a blank is missing"},
		{"more than a line", "10 8 1 0 0", "there is more on the line than there should be"},
		{"name not UTF-8", "FILE 1 \xff", "a name is not UTF-8"},
		{"inline without range", "INLINE 0 1 0 0 ", "a hexadecimal number is missing"},
		{"CFI without INIT", "STACK CFI 10 .cfa: $rsp 8 +", "STACK CFI without STACK CFI INIT before it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := parse(t, before+c.line+"\n"+after)
			if table.Bad != 1 || len(table.Samples) != 1 || table.Samples[0].Line != 4 {
				t.Errorf("bad lines = %d %v; want line 4", table.Bad, table.Samples)
			}
			if s, _ := table.Lookup(0x10); s.Line != 1 {
				t.Errorf("before the bad line: %+v", s)
			}
			_, err := Parse(strings.NewReader(before+c.line+"\n"+after), Options{Strict: true})
			bad, ok := errors.AsType[*ParseError](err)
			if !ok || bad.Line != 4 || bad.Reason != c.reason {
				t.Errorf("strict error = %v; want line 4: %s", err, c.reason)
			}
		})
	}
}

func TestForgivingIsAboutMoreThanLines(t *testing.T) {
	for name, text := range map[string]string{
		"no final newline": "FUNC 10 10 0 f",
		"byte order mark":  "\xef\xbb\xbfFUNC 10 10 0 f\n",
		"trailing blank":   "FILE 0 a\nFUNC 10 10 0 f\n10 10 1 0 \n",
		"second MODULE":    "FUNC 10 10 0 f\nMODULE a b 0 c\nMODULE a b 0 c\n",
		"blank in a block": "FUNC 10 10 0 f\n\n10 10 1 0\n",
	} {
		t.Run(name, func(t *testing.T) {
			if s, ok := parse(t, text).Lookup(0x11); !ok || s.Function != "f" {
				t.Errorf("Lookup = %+v, %v", s, ok)
			}
			if _, err := Parse(strings.NewReader(text), Options{Strict: true}); err == nil {
				t.Error("strict parse accepts this")
			}
		})
	}
}

func TestFilesThatAreNoSymbolFilesAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"error page": "<html><body>Not found</body></html>\n",
		"UTF-16":     "\xff\xfeM\x00O\x00D\x00U\x00L\x00E\x00 \x00",
	} {
		_, err := Parse(strings.NewReader(text), Options{})
		if _, ok := errors.AsType[*ParseError](err); !ok {
			t.Errorf("%s: error = %v; want a ParseError", name, err)
		}
	}
}

func TestTooLargeIsAnError(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("FUNC 10 10 0 f\n"), neverEnding('1'))
	_, err := Parse(endless, Options{MaxSize: 1 << 20})
	if bad, ok := errors.AsType[*ParseError](err); !ok || !strings.Contains(bad.Reason, "1048576 bytes") {
		t.Errorf("error = %v", err)
	}
}

type neverEnding byte

func (c neverEnding) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

func TestReadErrorsComeThrough(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := Parse(io.MultiReader(strings.NewReader(program), iotest.ErrReader(broken)), Options{})
	if !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
}

func TestALongLineIsLeftOutAlone(t *testing.T) {
	long := "FUNC 20 10 0 " + strings.Repeat("x", 300_000) + "\n"
	table := parse(t, "FUNC 10 10 0 f\n"+long+"FUNC 30 10 0 g\n")
	if table.Bad != 1 || table.Samples[0].Line != 2 {
		t.Errorf("bad lines = %v", table.Samples)
	}
	if s, _ := table.Lookup(0x30); s.Function != "g" {
		t.Errorf("after the long line: %+v", s)
	}
}

func TestOfOverlappingRecordsTheLowestWins(t *testing.T) {
	table := parse(t, `FILE 0 a.c
FUNC 20 20 0 second
FUNC 10 18 0 first
18 4 3 0
10 10 1 0
14 4 2 0
FUNC 50 0 0 nothing
FUNC 100000000 10 0 beyond any module
FUNC ffffffffffffffff 10 0 beyond all
`)
	for addr, want := range map[uint64]string{0x10: "first", 0x20: "first", 0x28: "", 0x50: "", 0x1_0000_0005: ""} {
		if s, _ := table.Lookup(addr); s.Function != want {
			t.Errorf("Lookup(%#x) = %q; want %q", addr, s.Function, want)
		}
	}
	if s, _ := table.Lookup(0x18); s.Line != 1 {
		t.Errorf("line at 0x18 = %d; want 1", s.Line)
	}
}

func TestTheLastOfTwoFilesWithOneNumberCounts(t *testing.T) {
	table := parse(t, "FILE 9 old.c\nFUNC 10 10 0 f\n10 10 1 9\nFILE 9 new.c\n")
	if s, _ := table.Lookup(0x10); s.File != "new.c" {
		t.Errorf("file = %q", s.File)
	}
}

func TestATableCostsLessThanItsFile(t *testing.T) {
	var b strings.Builder
	fmt.Fprintln(&b, "FILE 0 a.c")
	for i := range 10_000 {
		fmt.Fprintf(&b, "FUNC %x 40 0 a_function_with_a_name_%d\n%x 20 %d 0\n%x 20 %d 0\n", 0x1000+i*0x40, i, 0x1000+i*0x40, i, 0x1020+i*0x40, i)
		fmt.Fprintf(&b, "STACK CFI INIT %x 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^\nSTACK CFI %x .cfa: $rsp 16 +\n", 0x1000+i*0x40, 0x1001+i*0x40)
	}
	table := parse(t, b.String())
	if size := table.Size(); size <= 0 || size > int64(b.Len()) {
		t.Errorf("a file of %d bytes makes a table of %d", b.Len(), size)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(program))
	f.Add([]byte("STACK CFI INIT 10 10 .cfa: $rsp 8 + .ra: .cfa 8 - ^\nSTACK CFI 12 .cfa: $rsp 16 + $rbx: .cfa 16 - ^\n"))
	f.Add([]byte("STACK WIN 4 10 10 1 1 4 8 c 0 1 $T0 $ebp = $eip $T0 4 + ^ =\nSTACK WIN 0 30 4 0 0 0 0 0 0 0 1\n"))
	f.Add([]byte("FUNC 10 10 0 f\nINLINE 0 1 2 10 4\nINLINE 4294967295 1 2 3 10 ffffffff 10 1\n10 ffffffff 4294967295 0"))
	f.Fuzz(func(t *testing.T, data []byte) {
		strict, strictErr := Parse(strings.NewReader(string(data)), Options{Strict: true})
		table, err := Parse(strings.NewReader(string(data)), Options{})
		if err != nil {
			if strictErr == nil && !strict.Empty() {
				t.Fatalf("strict accepts what forgiving rejects: %v", err)
			}
			return
		}
		for _, addr := range []uint64{0, 0x10, 0x14, 0xffffffff, 1 << 32, 1<<64 - 1} {
			s, ok := table.Lookup(addr)
			if ok && s.Start > addr {
				t.Fatalf("Lookup(%#x) begins at %#x", addr, s.Start)
			}
			table.Unwind(addr, newFakeFrame())
		}
	})
}
