package stackwalk_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	md "socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/synth"
)

// A machine is a program on a CPU: its module has the functions ruled, which the
// symbol file has rules for, bare and main. The thread stopped in ruled.
type machine struct {
	name  string
	cpu   md.CPU
	os    md.OS
	big   bool
	regs  []uint64 // pairs of number and value
	stack []uint64 // words from stackAt on
	rules string   // lines of the symbol file
	want  []string
}

const functions = "MODULE x x " + appID + " app\nFUNC 100 100 0 ruled\nFUNC 200 100 0 bare\nFUNC 300 100 0 main\n"

func (m machine) dump() *synth.Dump {
	r := &md.Registers{CPU: m.cpu}
	for i := 0; i < len(m.regs); i += 2 {
		r.Set(int(m.regs[i]), m.regs[i+1])
	}
	order := binary.AppendByteOrder(binary.LittleEndian)
	d := synth.New(m.cpu, m.os)
	if m.big {
		order = binary.BigEndian
		d.BigEndian()
	}
	var stack []byte
	for _, w := range m.stack {
		if m.cpu.PointerSize() == 4 {
			stack = order.AppendUint32(stack, uint32(w))
		} else {
			stack = order.AppendUint64(stack, w)
		}
	}
	return d.Module(md.Module{Base: codeBase, Size: 0x1000, CodeFile: "/bin/app", DebugFile: "app", DebugID: appID}).
		Thread(md.Thread{ID: 1, Context: r, Stack: md.Region{Base: stackAt, Data: stack}}).
		Exception(md.Exception{ThreadID: 1, Code: 11})
}

func (m machine) symbols(t *testing.T) symbols.Supplier {
	t.Helper()
	table, err := symbols.Parse(strings.NewReader(functions+m.rules), symbols.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return supplier(func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error) {
		return table, symbols.Lookup{}, nil
	})
}

func machines() []machine {
	const (
		ruled, bare, main = codeBase + 0x110, codeBase + 0x220, codeBase + 0x330
		at                = stackAt
		rules             = "STACK CFI INIT 100 100 .cfa: $rsp 16 + .ra: .cfa 8 - ^ $rbp: .cfa 16 - ^\n"
		rules32           = "STACK CFI INIT 100 100 .cfa: $esp 8 + .ra: .cfa 4 - ^ $ebp: .cfa 8 - ^\n"
	)
	byFramePointer := []string{"context app!ruled", "cfi app!bare", "frame_pointer app!main"}
	byScan := []string{"context app!ruled", "cfi app!bare", "scan app!main"}
	// On arm64 a signature stands in the high bits of return addresses and frame pointers.
	const signed = 0x5a << 56
	return []machine{
		{
			"amd64 Linux", md.AMD64, md.Linux, false,
			[]uint64{md.RIP, ruled, md.RSP, at, md.RBP, 1},
			[]uint64{at + 32, bare, 0, 0, at + 64, main, 0, 0, 0, 0},
			rules, byFramePointer,
		},
		{
			"amd64 Linux without frame pointers", md.AMD64, md.Linux, false,
			[]uint64{md.RIP, ruled, md.RSP, at, md.RBP, 1},
			[]uint64{1, bare, 0, 7, 8, main, 0, 0},
			rules, byScan,
		},
		{
			"amd64 Windows, rbp within the frame", md.AMD64, md.Windows, false,
			[]uint64{md.RIP, ruled, md.RSP, at, md.RBP, 1},
			[]uint64{at + 24, bare, 0, 3, 4, at + 72, main, 0, 0, 0, 0, 0},
			rules, byFramePointer,
		},
		{
			"amd64 Mac", md.AMD64, md.MacOS, false,
			[]uint64{md.RIP, ruled, md.RSP, at, md.RBP, 1},
			[]uint64{at + 16, bare, at + 40, main, 0, 0, 0, 0},
			rules, byFramePointer,
		},
		{
			"x86 Linux", md.X86, md.Linux, false,
			[]uint64{md.EIP, ruled, md.ESP, at, md.EBP, 1},
			[]uint64{at + 16, bare, 0, 0, at + 40, main, 0, 0, 0, 0, 0},
			rules32, byFramePointer,
		},
		{
			"x86 Windows by STACK WIN program", md.X86, md.Windows, false,
			[]uint64{md.EIP, ruled, md.ESP, at, md.EBP, at + 8, md.EBX, 7, md.ESI, 8},
			[]uint64{0, 0, at + 24, bare, 0, 0, 0, main, 0, 0},
			"STACK WIN 4 100 100 3 0 0 0 8 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =\n",
			byFramePointer,
		},
		{
			"x86 Windows by STACK WIN frameless record", md.X86, md.Windows, false,
			[]uint64{md.EIP, ruled, md.ESP, at, md.EBP, at + 24},
			[]uint64{0, 0, bare, 0, 0, 0, 0, main, 0, 0},
			"STACK WIN 0 100 100 0 0 0 0 8 0 0 0\n",
			byFramePointer,
		},
		{
			"x86 Windows by scan", md.X86, md.Windows, false,
			[]uint64{md.EIP, bare, md.ESP, at, md.EBP, 1},
			[]uint64{5, 6, main, 0},
			"",
			[]string{"context app!bare", "scan app!main"},
		},
		{
			"arm Linux", md.ARM, md.Linux, false,
			[]uint64{md.ARMPC, ruled, md.ARMSP, at, md.ARMFP, 1},
			[]uint64{9, bare, 5, 6, main, 0},
			"STACK CFI INIT 100 100 .cfa: sp 8 + .ra: .cfa -4 + ^ r4: .cfa -8 + ^\n", byScan,
		},
		{
			"arm iOS", md.ARM, md.IOS, false,
			[]uint64{md.ARMPC, ruled, md.ARMSP, at, md.ARMFP, 1},
			[]uint64{at + 12, bare, 5, 0, main, 0},
			"STACK CFI INIT 100 100 .cfa: sp 8 + .ra: .cfa -4 + ^ r11: .cfa -8 + ^\n", byFramePointer,
		},
		{
			"arm64 Android", md.ARM64, md.Android, false,
			[]uint64{md.PC, ruled, md.SP, at, md.FP, 1, md.LR, 2},
			[]uint64{at + 32, bare | signed, 0, 0, 0, main | signed, 0, 0},
			"STACK CFI INIT 100 100 .cfa: sp 16 + .ra: .cfa 8 - ^ x29: .cfa 16 - ^\n", byFramePointer,
		},
		{
			"arm64 with Breakpad's old context", md.ARM64Old, md.Linux, false,
			[]uint64{md.PC, ruled, md.SP, at, md.FP, 1, md.LR, 2},
			[]uint64{at + 32, bare, 0, 0, 0, main, 0, 0},
			"STACK CFI INIT 100 100 .cfa: sp 16 + .ra: .cfa 8 - ^ x29: .cfa 16 - ^\n", byFramePointer,
		},
		{
			"arm64 Windows by scan", md.ARM64, md.Windows, false,
			[]uint64{md.PC, ruled, md.SP, at, md.FP, 0, md.LR, bare},
			[]uint64{1, 2, main, 0},
			"STACK CFI INIT 100 100 .cfa: sp 0 + .ra: x30\n", byScan,
		},
		{
			"mips", md.MIPS, md.Linux, false,
			[]uint64{md.MIPSPC, ruled, md.MIPSSP, at, md.MIPSRA, bare},
			[]uint64{1, 2, 3, 4, main, 0},
			"STACK CFI INIT 100 100 .cfa: $sp 0 + .ra: $ra\n", byScan,
		},
		{
			"mips, the high byte first", md.MIPS, md.Linux, true,
			[]uint64{md.MIPSPC, ruled, md.MIPSSP, at, md.MIPSRA, bare},
			[]uint64{1, 2, 3, 4, main, 0},
			"STACK CFI INIT 100 100 .cfa: $sp 0 + .ra: $ra\n", byScan,
		},
		{
			"mips64", md.MIPS64, md.Linux, false,
			[]uint64{md.MIPSPC, ruled, md.MIPSSP, at, md.MIPSRA, 1},
			[]uint64{7, bare, 3, main, 0},
			"STACK CFI INIT 100 100 .cfa: $sp 16 + .ra: .cfa 8 - ^ $s0: .cfa 16 - ^\n", byScan,
		},
		{
			"riscv64", md.RISCV64, md.Linux, false,
			[]uint64{md.RISCVPC, ruled, md.RISCVSP, at, md.RISCVRA, 1},
			[]uint64{at + 48, bare, 0, 0, 0, main, 0, 0},
			"STACK CFI INIT 100 100 .cfa: sp 16 + .ra: .cfa -8 + ^ s0: .cfa -16 + ^\n", byFramePointer,
		},
		{
			"ppc, whose stacks nobody unwinds", md.PPC, md.MacOS, true,
			[]uint64{md.PPCSRR0, ruled, md.PPCR1, at},
			[]uint64{0, main},
			"",
			[]string{"context app!ruled"},
		},
		{
			"ppc64", md.PPC64, md.Linux, true,
			[]uint64{md.PPCSRR0, ruled, md.PPCR1, at},
			[]uint64{0, main},
			"",
			[]string{"context app!ruled"},
		},
		{
			"sparc", md.SPARC, md.Solaris, true,
			[]uint64{md.SPARCPC, ruled, md.SPARCO6, at},
			[]uint64{0, main},
			"",
			[]string{"context app!ruled"},
		},
	}
}

func TestEveryCPUIsUnwoundByRulesAndWithout(t *testing.T) {
	t.Parallel()
	for _, m := range machines() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for _, compat := range []bool{false, true} {
				r := walk(t, m.dump(), stackwalk.Options{Symbols: m.symbols(t), Compat: compat})
				if m.cpu == md.RISCV64 && compat {
					if r.CrashingThread != nil || r.SystemInfo.CPUArch != "unknown" {
						t.Errorf("the peer knows %s", r.SystemInfo.CPUArch)
					}
					continue
				}
				if diff := cmp.Diff(m.want, names(r.CrashingThread.Frames)); diff != "" {
					t.Errorf("compat %v (-want +got):\n%s", compat, diff)
				}
			}
		})
	}
}

func TestReturnAddressesAreLookedUpWithinTheCall(t *testing.T) {
	t.Parallel()
	back := map[md.CPU]uint64{md.X86: 1, md.AMD64: 1, md.ARM: 2, md.ARM64: 4, md.ARM64Old: 4, md.MIPS: 8, md.MIPS64: 8, md.RISCV64: 2}
	for _, m := range machines() {
		r := walk(t, m.dump(), stackwalk.Options{Symbols: m.symbols(t)})
		for _, f := range r.CrashingThread.Frames[1:] {
			registers := f.Registers()
			if got := registers.IP() - f.Offset; got != back[m.cpu] {
				t.Errorf("%s: %s is looked up %d bytes back; want %d", m.name, f.Function, got, back[m.cpu])
			}
		}
	}
}

func TestMacsSayWhatTheirLibrariesNoted(t *testing.T) {
	t.Parallel()
	build := func(version uint64) *synth.Dump {
		return program(1).
			MacCrash(md.MacCrashRecord{Version: version, Thread: 1, DialogMode: 2, AbortCause: 3, Module: "/usr/lib/dyld", Message: "no", Signature: "s", Backtrace: "b", Message2: "m"}).
			MacBootArgs("-v debug=0x14e")
	}
	for version, want := range map[uint64]string{
		5: `"mac_crash_info":{"num_records":1,"records":[{"abort_cause":"0x0000000000000003","backtrace":"b","dialog_mode":"0x0000000000000002",` +
			`"message":"no","message2":"m","module":"/usr/lib/dyld","signature_string":"s","thread":"0x0000000000000001"}]}`,
		4: `"mac_crash_info":{"num_records":1,"records":[{"abort_cause":null,"backtrace":"b","dialog_mode":"0x0000000000000002",` +
			`"message":"no","message2":"m","module":"/usr/lib/dyld","signature_string":"s","thread":"0x0000000000000001"}]}`,
		1: `"mac_crash_info":{"num_records":1,"records":[{"abort_cause":null,"backtrace":"","dialog_mode":null,` +
			`"message":"","message2":"","module":"","signature_string":"","thread":null}]}`,
	} {
		var js, text bytes.Buffer
		r := walk(t, build(version), stackwalk.Options{})
		if err := errors.Join(r.WriteJSON(&js, false), r.WriteHuman(&text, false)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(js.String(), want) || !strings.Contains(js.String(), `"mac_boot_args":"-v debug=0x14e"`) {
			t.Errorf("version %d: JSON lacks %s:\n%s", version, want, js.String())
		}
		if !strings.Contains(text.String(), "Mac Crash Info:\n  Record 0\n") || !strings.Contains(text.String(), "Mac Boot Args: -v debug=0x14e\n") {
			t.Errorf("version %d: text\n%s", version, text.String())
		}
	}
}

func TestWindowsHasLastErrorsHandlesAndUnloadedModules(t *testing.T) {
	t.Parallel()
	for _, cpu := range []md.CPU{md.X86, md.AMD64} {
		const teb = 0x7ff0_0000
		r := &md.Registers{CPU: cpu}
		r.Set(cpu.InstructionPointer(), 0x9000_0010)
		r.Set(cpu.StackPointer(), stackAt)
		block := make([]byte, 256)
		binary.LittleEndian.PutUint32(block[13*cpu.PointerSize():], 5)
		name := "File"
		d := synth.New(cpu, md.Windows).Memory(teb, block).
			Thread(md.Thread{ID: 1, TEB: teb, Context: r, Stack: md.Region{Base: stackAt, Data: make([]byte, 64)}}).
			Unloaded(md.UnloadedModule{Base: 0x9000_0000, Size: 0x1000, Name: `C:\gone.dll`}).
			Handle(md.Handle{Value: 4, TypeName: &name}).
			Exception(md.Exception{ThreadID: 1, Code: 0xc0000005, Address: 0x9000_0010, Parameters: 2, Information: [15]uint64{8, 0x9000_0010}})
		report := walk(t, d, stackwalk.Options{})
		th := report.CrashingThread
		if th.LastErrorValue != "ERROR_ACCESS_DENIED" || report.CrashInfo.Type != "EXCEPTION_ACCESS_VIOLATION_EXEC" || len(report.Handles) != 1 {
			t.Errorf("%s: last error %q, %q, %d handles", cpu, th.LastErrorValue, report.CrashInfo.Type, len(report.Handles))
		}
		want := []stackwalk.UnloadedAt{{Module: `C:\gone.dll`, Offsets: []uint64{0x10}}}
		if diff := cmp.Diff(want, th.Frames[0].UnloadedModules); diff != "" {
			t.Errorf("%s: unloaded modules (-want +got):\n%s", cpu, diff)
		}
	}
}
