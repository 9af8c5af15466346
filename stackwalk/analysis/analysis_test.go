package analysis_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/disasm"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

const (
	codeAt  = 0x5555_5555_0000
	stackAt = 0x7ffe_0000_0000
	dataAt  = 0x7f12_3456_0000
)

// regs are values of registers by number.
type regs map[int]uint64

// A process is one that crashed on code. The zero value of the rest is Linux on
// amd64, SIGSEGV at address 0.
type process struct {
	cpu       minidump.CPU
	os        minidump.OS
	code      string // in hex
	regs      regs
	exception minidump.Exception // without its thread and context
	maps      string             // of Linux, "start-end perms" on each line
	infos     []minidump.MemoryInfo
	data      []uint64 // at dataAt
	stack     []uint64 // at stackAt
	teb       uint64
}

func (p process) dump(tb testing.TB) *minidump.Dump {
	tb.Helper()
	if p.cpu == minidump.UnknownCPU {
		p.cpu = minidump.AMD64
	}
	if p.os == minidump.UnknownOS {
		p.os = minidump.Linux
		if p.exception.Code == 0 {
			p.exception.Code, p.exception.Flags = 11, 1
		}
	}
	at := uint64(codeAt)
	if p.cpu.PointerSize() == 4 {
		at = 0x400000
	}
	r := minidump.Registers{CPU: p.cpu}
	for n := range p.cpu.RegisterCount() {
		r.Set(n, 0x1234_5678) // nothing of interest
	}
	for n, v := range p.regs {
		r.Set(n, v)
	}
	r.Set(p.cpu.InstructionPointer(), at)
	code, err := hex.DecodeString(p.code)
	if err != nil {
		tb.Fatal(err)
	}
	stack := minidump.Region{Base: stackAt, Data: words(p.stack)}
	p.exception.ThreadID, p.exception.Context = 7, &r
	d := synth.New(p.cpu, p.os).Exception(p.exception).
		Thread(minidump.Thread{ID: 7, Context: &r, Stack: stack, TEB: p.teb})
	if len(code) > 0 {
		d.Memory(at, code)
	}
	if len(p.data) > 0 {
		d.Memory(dataAt, words(p.data))
	}
	for _, m := range p.infos {
		d.MemoryInfo(m)
	}
	if p.maps != "" {
		text := ""
		for line := range strings.Lines(p.maps) {
			text += strings.TrimSpace(line) + " 00000000 00:00 0 \n"
		}
		d.Stream(minidump.LinuxMapsStream, []byte(text))
	}
	dump, err := minidump.Parse(d.Bytes())
	if err != nil || len(dump.Warnings) > 0 {
		tb.Fatal(err, dump.Warnings)
	}
	return dump
}

func words(v []uint64) []byte {
	var b []byte
	for _, w := range v {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}

func (p process) analyse(tb testing.TB) analysis.Result {
	tb.Helper()
	return analysis.Of(p.dump(tb), false)
}

// same compares all but what is for the package alone.
func same(tb testing.TB, what string, want, got any) {
	tb.Helper()
	ignore := cmpopts.IgnoreUnexported(analysis.Access{}, analysis.Target{})
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAccessesHaveTheAddressesOfTheirRegisters(t *testing.T) {
	t.Parallel()
	const rd, wr, rw, un = disasm.Read, disasm.Write, disasm.ReadWrite, disasm.UnknownAccess
	type list []analysis.Access
	for _, c := range []struct {
		code string
		regs regs
		want list
	}{
		{"488b4710", regs{minidump.RDI: 0x1000}, list{{Address: 0x1010, Size: 8, Type: rd}}},
		{"8847f0", regs{minidump.RDI: 0x1000}, list{{Address: 0xff0, Size: 1, Type: wr}}},
		{"4a0144c9f0", regs{minidump.RCX: 0x1000, minidump.R9: 2}, list{{Address: 0x1000, Size: 8, Type: rw}}},
		{"66890c25f8ffffff", nil, list{{Address: 0xffff_ffff_ffff_fff8, Size: 2, Type: wr}}},
		{"488b05f9ffffff", nil, list{{Address: codeAt, Size: 8, Type: rd}}}, // from the end of the instruction
		{"678b4310", regs{minidump.RBX: 0xffff_ffff_0000_1000}, list{{Address: 0x1010, Size: 4, Type: rd}}},
		{"67418b4010", regs{minidump.R8: 0x1_0000_2000}, list{{Address: 0x2010, Size: 4, Type: rd}}},
		{"f30f6f24c1", regs{minidump.RCX: 8, minidump.RAX: 1}, list{{Address: 0x10, Size: 16, Type: un}}},
		{"a4", regs{minidump.RDI: 0x2000, minidump.RSI: 0x1000}, list{{Address: 0x2000, Size: 1, Type: un}, {Address: 0x1000, Size: 1, Type: un}}},
		{"0fae20", regs{minidump.RAX: 0x1000}, list{{Address: 0x1000, Type: un}}},
		{"55", regs{minidump.RSP: stackAt}, list{{Address: stackAt - 8, Size: 8, Type: wr}}},
		{"66ff30", regs{minidump.RAX: 0x1000, minidump.RSP: stackAt}, list{{Address: 0x1000, Size: 2, Type: rd}, {Address: stackAt - 2, Size: 2, Type: wr}}},
		{"e8daffffff", regs{minidump.RSP: stackAt}, list{{Address: stackAt - 8, Size: 8, Type: wr}}},
		{"ff5008", regs{minidump.RAX: 0x1000, minidump.RSP: stackAt}, list{{Address: 0x1008, Size: 8, Type: rd}, {Address: stackAt - 8, Size: 8, Type: wr}}},
		{"8f00", regs{minidump.RAX: 0x1000, minidump.RSP: stackAt}, list{{Address: 0x1000, Size: 8, Type: wr}, {Address: stackAt, Size: 8, Type: rd}}},
		{"c3", regs{minidump.RSP: stackAt}, list{{Address: stackAt, Size: 8, Type: rd}}},
		{"488d4710", regs{minidump.RDI: 0}, list{}},
		{"0f1f4000", regs{minidump.RAX: 0}, list{}},
		{"4889e5", nil, list{}},
		{"7410", nil, list{}},
		{"c4e24d901ccf", nil, nil}, // a vector of addresses
		{"64488b042528000000", nil, nil},
	} {
		got := process{code: c.code, regs: c.regs}.analyse(t)
		same(t, got.Instruction, []analysis.Access(c.want), got.Accesses)
	}
}

func TestCompatModeComputesAddressesLikeThePeer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, code string
		regs       regs
		want       []analysis.Access
	}{
		{"from the start of the instruction", "488b05f9ffffff", nil, []analysis.Access{{Address: codeAt - 7, Size: 8, Type: disasm.Read}}},
		{"segments are flat", "64488b042528000000", nil, []analysis.Access{{Address: 0x28, Size: 8, Type: disasm.Read}}},
		{"a lower half is unknown", "678b4310", nil, nil},
		{"a nop accesses memory", "0f1f4000", regs{minidump.RAX: 0x10}, []analysis.Access{{Address: 0x10, Size: 4}}},
		{"a push is of eight bytes", "66ff30", regs{minidump.RAX: 0x1000, minidump.RSP: stackAt}, []analysis.Access{
			{Address: 0x1000, Size: 2, Type: disasm.Read}, {Address: stackAt - 8, Size: 2, Type: disasm.Write},
		}},
	} {
		got := analysis.Of(process{code: c.code, regs: c.regs}.dump(t), true)
		same(t, c.what, c.want, got.Accesses)
	}
}

func TestWindowsKeepsTheThreadBlockInASegment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		p    process
		want []analysis.Access
	}{
		{"gs on amd64", process{code: "65488b042530000000", teb: 0x7000}, []analysis.Access{{Address: 0x7030, Size: 8, Type: disasm.Read}}},
		{"fs on x86", process{cpu: minidump.X86, code: "64a118000000", teb: 0x7000}, []analysis.Access{{Address: 0x7018, Size: 4, Type: disasm.Read}}},
		{"fs on amd64 is something else", process{code: "64488b042530000000", teb: 0x7000}, nil},
		{"no block, no address", process{code: "65488b042530000000"}, nil},
	} {
		c.p.os, c.p.exception.Code = minidump.Windows, 0xc0000005
		same(t, c.what, c.want, c.p.analyse(t).Accesses)
	}
}

func TestTheInstructionPointerGoesWhereTheInstructionSays(t *testing.T) {
	t.Parallel()
	to := func(addr uint64) analysis.Target { return analysis.Target{Known: true, Elsewhere: true, Address: addr} }
	for _, c := range []struct {
		what string
		p    process
		want analysis.Target
	}{
		{"on", process{code: "4889e5"}, analysis.Target{Known: true}},
		{"to a register", process{code: "ffd0", regs: regs{minidump.RAX: 0x99}}, to(0x99)},
		{"to a pointer in memory", process{code: "ff6008", regs: regs{minidump.RAX: dataAt}, data: []uint64{1, 0x77}}, to(0x77)},
		{"to a pointer that is not in the dump", process{code: "ff6008", regs: regs{minidump.RAX: dataAt}}, analysis.Target{}},
		{"back", process{code: "c3", regs: regs{minidump.RSP: stackAt + 8}, stack: []uint64{1, 0x88}}, to(0x88)},
		{"back without a stack", process{code: "c3", regs: regs{minidump.RSP: stackAt}}, analysis.Target{}},
		{"back from a stack that is elsewhere", process{code: "c3", regs: regs{minidump.RSP: dataAt}, data: []uint64{0x66}, stack: []uint64{1}}, to(0x66)},
		{"or not", process{code: "7410"}, analysis.Target{}},
		{"a relative way, which is taken to be right", process{code: "e8daffffff"}, analysis.Target{}},
	} {
		same(t, c.what, c.want, c.p.analyse(t).Target)
	}
}

func TestAdjustedAddresses(t *testing.T) {
	t.Parallel()
	const bad = 0x00e5_e5e5_e5e5_e5e5 // no amd64 processor takes it
	windows := func(kind, addr uint64) minidump.Exception {
		return minidump.Exception{Code: 0xc0000005, Parameters: 2, Information: [15]uint64{kind, addr}}
	}
	null := func(off uint64) analysis.Adjusted { return analysis.Adjusted{Kind: analysis.NullPointer, Value: off} }
	wild := func(addr uint64) analysis.Adjusted {
		return analysis.Adjusted{Kind: analysis.NonCanonical, Value: addr}
	}
	for _, c := range []struct {
		what string
		p    process
		want analysis.Adjusted
	}{
		{"a null base", process{code: "488b4710", regs: regs{minidump.RDI: 0}}, null(0x10)},
		{"a null base far off", process{code: "488b8700100000", regs: regs{minidump.RDI: 0}}, null(0x1000)},
		{"a call of null", process{code: "ffd0", regs: regs{minidump.RAX: 0, minidump.RSP: stackAt}}, null(0)},
		{"a null in memory is called", process{code: "ff10", regs: regs{minidump.RAX: dataAt}, data: []uint64{0}}, null(0)},
		{"an index of 0 is no pointer", process{code: "488b0408", regs: regs{minidump.RAX: 0x10, minidump.RCX: 0}}, analysis.Adjusted{}},
		{"an absolute address is no null pointer", process{code: "8b042500000000"}, analysis.Adjusted{}},
		{
			"Linux, the kernel has no address",
			process{code: "488b00", regs: regs{minidump.RAX: bad}, exception: minidump.Exception{Code: 11, Flags: 0x80}},
			wild(bad),
		},
		{
			"Linux, SIGBUS",
			process{code: "488b00", regs: regs{minidump.RAX: bad}, exception: minidump.Exception{Code: 7, Flags: 0x80}},
			wild(bad),
		},
		{
			"Linux, but with an address",
			process{code: "488b00", regs: regs{minidump.RAX: bad}, exception: minidump.Exception{Code: 11, Flags: 0x80, Address: 8}},
			analysis.Adjusted{},
		},
		{
			"Android",
			process{os: minidump.Android, code: "488b00", regs: regs{minidump.RAX: bad}, exception: minidump.Exception{Code: 11, Flags: 0x80}},
			wild(bad),
		},
		{
			"Windows says -1",
			process{os: minidump.Windows, code: "488b00", regs: regs{minidump.RAX: bad}, exception: windows(0, 1<<64-1)},
			wild(bad),
		},
		{
			"Windows says -1 of a write, which is one",
			process{os: minidump.Windows, code: "488900", regs: regs{minidump.RAX: bad}, exception: windows(1, 1<<64-1)},
			analysis.Adjusted{},
		},
		{
			"macOS",
			process{os: minidump.MacOS, code: "ffe0", regs: regs{minidump.RAX: bad}, exception: minidump.Exception{Code: 1, Flags: 13}},
			wild(bad),
		},
		{
			"macOS, of memory that is not mapped",
			process{os: minidump.MacOS, code: "488b00", regs: regs{minidump.RAX: bad}, exception: minidump.Exception{Code: 1, Flags: 1}},
			analysis.Adjusted{},
		},
		{
			"a fault for another reason",
			process{code: "488b00", regs: regs{minidump.RAX: dataAt}, exception: minidump.Exception{Code: 11, Flags: 0x80}},
			analysis.Adjusted{},
		},
	} {
		same(t, c.what, c.want, c.p.analyse(t).Adjusted)
	}
}

func TestGuardPages(t *testing.T) {
	t.Parallel()
	push := process{code: "55", regs: regs{minidump.RSP: stackAt}} // to stackAt - 8
	for _, c := range []struct {
		what, maps string
		want       bool
	}{
		{"below a stack", fmt.Sprintf("%x-%x ---p\n%x-%x rw-p\n", stackAt-0x1000, stackAt, stackAt, stackAt+0x2000), true},
		{"above memory", fmt.Sprintf("%x-%x r--p\n%x-%x ---p\n", stackAt-0x2000, stackAt-0x1000, stackAt-0x1000, stackAt), true},
		{"below nothing", fmt.Sprintf("%x-%x ---p\n", stackAt-0x1000, stackAt), false},
		{"a gap between", fmt.Sprintf("%x-%x ---p\n%x-%x rw-p\n", stackAt-0x1000, stackAt, stackAt+0x1000, stackAt+0x2000), false},
		{"below memory that is not accessible either", fmt.Sprintf("%x-%x ---p\n%x-%x ---p\n", stackAt-0x1000, stackAt, stackAt, stackAt+0x1000), false},
		{"too large", fmt.Sprintf("%x-%x ---p\n%x-%x rw-p\n", stackAt-0x9000, stackAt, stackAt, stackAt+0x2000), false},
		{"as large as may be", fmt.Sprintf("%x-%x ---p\n%x-%x rw-p\n", stackAt-0x8000, stackAt, stackAt, stackAt+0x2000), true},
		{"accessible", fmt.Sprintf("%x-%x r--p\n%x-%x rw-p\n", stackAt-0x1000, stackAt, stackAt, stackAt+0x2000), false},
		{"not mapped", fmt.Sprintf("%x-%x rw-p\n", stackAt, stackAt+0x2000), false},
	} {
		p := push
		p.maps = c.maps
		got := p.analyse(t)
		if len(got.Accesses) != 1 || got.Accesses[0].GuardPage != c.want {
			t.Errorf("%s: %+v; want guard page %v", c.what, got.Accesses, c.want)
		}
	}
	p := process{code: "ffe0", regs: regs{minidump.RAX: stackAt - 8}}
	p.maps = fmt.Sprintf("%x-%x ---p\n%x-%x rw-p\n", stackAt-0x1000, stackAt, stackAt, stackAt+0x2000)
	if got := p.analyse(t); !got.Target.GuardPage {
		t.Errorf("a jump into a guard page: %+v", got.Target)
	}
	if got := analysis.Of(p.dump(t), true); got.Target.GuardPage {
		t.Errorf("the peer does not look at targets: %+v", got.Target)
	}
}
