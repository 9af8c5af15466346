package symbols

import (
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fakeFrame has a few registers and words, and writes down what it is told.
type fakeFrame struct {
	registers map[string]uint64
	words     map[uint64]uint64
	params    uint32
	called    bool
	most      uint64 // largest value that a register holds

	caller  map[string]uint64
	cleared []string
	start   uint64
	first   bool // told that nothing called it
	program bool // told that a program was evaluated
}

func newFakeFrame() *fakeFrame {
	return &fakeFrame{
		registers: map[string]uint64{"rsp": 0x1000, "rbp": 0x1040, "x29": 0x1010, "esp": 0x1000, "ebp": 0x1040, "ebx": 7, "eip": 0x401000},
		words:     map[uint64]uint64{0x1000: 0x11, 0x1008: 0x4010, 0x1010: 0x22, 0x1038: 0x33, 0x1040: 0x2000, 0x1044: 0x5555, 0x1014: 0x6666, 0x1018: 0x7777},
		most:      math.MaxUint64,
		caller:    map[string]uint64{},
	}
}

func (f *fakeFrame) Register(name string) (uint64, bool) { v, ok := f.registers[name]; return v, ok }
func (f *fakeFrame) Word(addr uint64) (uint64, bool)     { v, ok := f.words[addr]; return v, ok }
func (f *fakeFrame) CalleeParams() (uint32, bool)        { return f.params, f.called }
func (f *fakeFrame) ClearCaller(name string)             { f.cleared = append(f.cleared, name) }
func (f *fakeFrame) SetCFA(v uint64) bool                { return f.SetCaller("cfa", v) }
func (f *fakeFrame) SetReturn(v uint64) bool             { return f.SetCaller("ra", v) }
func (f *fakeFrame) InRules(start uint64)                { f.start = start }
func (f *fakeFrame) NoCaller()                           { f.first = true }
func (f *fakeFrame) InProgram()                          { f.program = true }
func (f *fakeFrame) SetCaller(name string, v uint64) bool {
	if v > f.most {
		return false
	}
	f.caller[name] = v
	return true
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct {
		expr string
		want uint64
		ok   bool
	}{
		{"1", 1, true},
		{"-1", math.MaxUint64, true},
		{"+7", 7, true},
		{"$rsp", 0x1000, true},
		{"rsp", 0x1000, true},
		{"x29", 0x1010, true},
		{"$rsp 8 +", 0x1008, true},
		{"$rsp 8 + ^", 0x4010, true},
		{".cfa 8 -", 0xf8, true},
		{"7 2 -", 5, true},
		{"7 2 *", 14, true},
		{"7 2 /", 3, true},
		{"7 2 %", 1, true},
		{"1 2 - ", math.MaxUint64, true},
		{"17 16 @", 16, true},
		{"\t 1\t2  + ", 3, true},

		{"", 0, false},
		{"1 2", 0, false},
		{"+", 0, false},
		{"1 +", 0, false},
		{"7 0 /", 0, false},
		{"7 0 %", 0, false},
		{"7 0 @", 0, false},
		{"7 3 @", 0, false},
		{"4096 1 + ^", 0, false},
		{"^", 0, false},
		{".undef", 0, false},
		{"$nothing", 0, false},
		{"nothing", 0, false},
		{"99999999999999999999", 0, false},
		{"0x10", 0, false},
	} {
		got, ok := evaluate(compile(c.expr), newFakeFrame(), 0x100, true)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("evaluate(%q) = %#x, %v; want %#x, %v", c.expr, got, ok, c.want, c.ok)
		}
	}
	if _, ok := evaluate(compile(".cfa"), newFakeFrame(), 0, false); ok {
		t.Error("the frame address is computed from itself")
	}
}

// cfiText has a function whose rules change twice; its rows are out of order.
const cfiText = `STACK CFI INIT 100 40 .cfa: $rsp 8 + .ra: .cfa 8 - ^
STACK CFI 110 .cfa: $rbp 8 + $rbp: .cfa 64 - ^ $rbx: 5
STACK CFI 101 .cfa: $rsp 16 +
STACK CFI INIT 200 10 .cfa: $rsp 8 +
STACK CFI INIT 300 10 .cfa: $rsp 8 + .ra: .undef
STACK CFI INIT 400 10 .cfa: $rsp 8 + .ra: 4096 $r12: .undef $r13: $gone $r14: 1
STACK CFI INIT 500 10 nonsense
STACK CFI INIT 600 10 .cfa: .ra: 5
STACK CFI INIT 700 10 .cfa: $rsp 16 + .ra: $rsp ^ $rip: 5
STACK CFI INIT 800 10 .cfa: 4294967296 .ra: 4096
`

func TestRulesOfAnAddress(t *testing.T) {
	table := parse(t, cfiText)
	for _, c := range []struct {
		addr    uint64
		want    map[string]uint64 // nil: no caller
		cleared []string
	}{
		{addr: 0xff},
		{addr: 0x100, want: map[string]uint64{"cfa": 0x1008, "ra": 0x11}},
		{addr: 0x10f, want: map[string]uint64{"cfa": 0x1010, "ra": 0x4010}},
		{addr: 0x13f, want: map[string]uint64{"cfa": 0x1048, "ra": 0x2000, "rbx": 5}, cleared: nil},
		{addr: 0x140},
		{addr: 0x200},
		{addr: 0x300},
		{addr: 0x400, want: map[string]uint64{"cfa": 0x1008, "ra": 0x1000, "r14": 1}, cleared: []string{"r12", "r13"}},
		{addr: 0x500},
		{addr: 0x600},
		{addr: 0x700, want: map[string]uint64{"cfa": 0x1010, "ra": 0x11, "rip": 5}},
		{addr: 0x800, want: map[string]uint64{"cfa": 1 << 32, "ra": 0x1000}},
	} {
		f := newFakeFrame()
		if c.addr == 0x13f {
			// $rbp: .cfa 64 - ^ reads 0x1008.
			c.want["rbp"] = 0x4010
		}
		ok := table.Unwind(c.addr, f)
		if ok != (c.want != nil) {
			t.Errorf("Unwind(%#x) = %v", c.addr, ok)
			continue
		}
		if ok && !maps.Equal(f.caller, c.want) || ok && !cmp.Equal(f.cleared, c.cleared) {
			t.Errorf("Unwind(%#x) sets %#x and clears %v; want %#x and %v", c.addr, f.caller, f.cleared, c.want, c.cleared)
		}
	}
	small := newFakeFrame()
	small.most = math.MaxUint32
	if table.Unwind(0x800, small) {
		t.Error("a frame address of 33 bits fits a CPU of 32")
	}
}

func TestManyRegistersAreNoTrouble(t *testing.T) {
	var b strings.Builder
	b.WriteString("STACK CFI INIT 10 10")
	for i := range 100 {
		fmt.Fprintf(&b, " r%d: %d", i, i)
	}
	b.WriteString(" .cfa: 8 .ra: 9 r99: 1\n")
	f := newFakeFrame()
	if !parse(t, b.String()).Unwind(0x10, f) || len(f.caller) != 102 || f.caller["r99"] != 1 || f.caller["r98"] != 98 {
		t.Errorf("caller = %v", f.caller)
	}
}

func TestWindowsRecords(t *testing.T) {
	const frames = `STACK WIN 4 1000 20 0 0 4 8 10 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =
STACK WIN 4 2000 20 0 0 0 0 8 0 1 $eip .raSearch ^ = $esp .raSearch 4 + =$ebx $ebx = $esi .undef =
STACK WIN 4 3000 20 0 0 0 0 8 0 1 $T1 $ebp 16 @ = $eip .raSearchStart ^ = $esp $T1 =
STACK WIN 4 4000 20 0 0 0 0 0 0 1 $eip 1 0 / =
STACK WIN 0 5000 20 0 0 0 8 8 0 0 0
STACK WIN 0 6000 20 0 0 0 10 0 0 0 1
STACK WIN 4 7000 20 0 0 0 0 0 0 0 1
STACK CFI INIT 4000 20 .cfa: $esp 8 + .ra: 77
`
	table := parse(t, frames)
	for _, c := range []struct {
		name string
		addr uint64
		want map[string]uint64
	}{
		{"a program with ebp", 0x1000, map[string]uint64{"eip": 0x5555, "esp": 0x1048, "ebp": 0x2000, "ebx": 7}},
		{"a search and an = without blank", 0x2000, map[string]uint64{"eip": 0x4010, "esp": 0x100c, "ebp": 0x1040, "ebx": 7}},
		{"an aligned frame searches from ebp", 0x3000, map[string]uint64{"eip": 0x5555, "esp": 0x1040, "ebp": 0x1040, "ebx": 7}},
		{"a program that fails leaves it to CFI", 0x4000, map[string]uint64{"cfa": 0x1008, "ra": 77}},
		{"no frame pointer", 0x5000, map[string]uint64{"eip": 0x22, "esp": 0x1014, "ebp": 0x1040, "ebx": 7}},
		{"saved ebp", 0x6000, map[string]uint64{"eip": 0x22, "esp": 0x1014, "ebp": 0x4010}},
		{"type and program disagree", 0x7000, nil},
	} {
		f := newFakeFrame()
		if ok := table.Unwind(c.addr, f); ok != (c.want != nil) || ok && !maps.Equal(f.caller, c.want) {
			t.Errorf("%s: Unwind(%#x) = %v, sets %#x; want %#x", c.name, c.addr, ok, f.caller, c.want)
		}
	}
	// The parameters of what was called lie between the locals and the return
	// address: 0x14 here.
	f := newFakeFrame()
	f.params, f.called = 4, true
	if !table.Unwind(0x5000, f) || f.caller["eip"] != 0x6666 {
		t.Errorf("with parameters: %#x", f.caller)
	}
	// The top frame skips its own address.
	f = newFakeFrame()
	f.registers["eip"], f.words[0x1010] = 0x22, 0x22
	if !table.Unwind(0x5000, f) || f.caller["eip"] != 0x6666 {
		t.Errorf("with a leftover return address: %#x", f.caller)
	}
}

func TestRunsOfWindowsRecordsAreCutWhereTheNextBegins(t *testing.T) {
	table := parse(t, `STACK WIN 4 100 10 0 0 1 0 0 0 1 a
STACK WIN 4 101 f 0 0 2 0 0 0 1 b
STACK WIN 4 104 c 0 0 3 0 0 0 1 c
STACK WIN 4 102 2 0 0 9 0 0 0 1 dropped
FUNC 100 10 0 f
`)
	for addr, want := range map[uint64]uint32{0x100: 1, 0x101: 2, 0x103: 2, 0x104: 3, 0x10f: 3} {
		if s, _ := table.Lookup(addr); s.Params != want {
			t.Errorf("parameters at %#x = %d; want %d", addr, s.Params, want)
		}
	}
}

// naive evaluates with strings.Fields and a plain slice.
func naive(expr string, f *fakeFrame, cfa uint64) (uint64, bool) {
	var stack []uint64
	for _, token := range strings.Fields(expr) {
		if len(token) == 1 && strings.Contains("+-*/%@", token) {
			if len(stack) < 2 {
				return 0, false
			}
			l, r := stack[len(stack)-2], stack[len(stack)-1]
			v, ok := calculate(token[0], l, r)
			if !ok {
				return 0, false
			}
			stack = append(stack[:len(stack)-2], v)
			continue
		}
		v, ok := cfa, true
		switch token {
		case ".cfa":
		case ".undef":
			return 0, false
		case "^":
			if len(stack) == 0 {
				return 0, false
			}
			v, ok = f.Word(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
		default:
			var s step
			if s, ok = operand(token); ok && s.op == 'r' {
				v, ok = f.Register(s.name)
			} else {
				v = s.value
			}
		}
		if !ok {
			return 0, false
		}
		stack = append(stack, v)
	}
	if len(stack) != 1 {
		return 0, false
	}
	return stack[0], true
}

func FuzzCFI(f *testing.F) {
	f.Add(".cfa: $rsp 8 + .ra: .cfa 8 - ^", "$rsp 8 + ^")
	f.Add(".cfa: x29 .ra: x30", "1 2 3 + *")
	f.Add(": :: .cfa:.ra:", "-9223372036854775808 -1 /")
	f.Fuzz(func(t *testing.T, rules, expr string) {
		if table, err := Parse(strings.NewReader("STACK CFI INIT 0 10 "+rules+"\n"), Options{}); err == nil {
			table.Unwind(0, newFakeFrame())
		}
		for _, c := range expr {
			if c > 127 || c < ' ' && c != '\t' && c != '\n' {
				return // strings.Fields splits at more than we do
			}
		}
		got, ok := evaluate(compile(expr), newFakeFrame(), 0x100, true)
		want, wantOK := naive(expr, newFakeFrame(), 0x100)
		if ok != wantOK || ok && got != want {
			t.Errorf("evaluate(%q) = %#x, %v; naive %#x, %v", expr, got, ok, want, wantOK)
		}
		r := winRecord{}
		r.runProgram(expr, newFakeFrame())
	})
}
