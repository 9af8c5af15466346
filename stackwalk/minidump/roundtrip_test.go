package minidump_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

func ptr[T any](v T) *T { return &v }

// registers have a different value each, and all are known.
func registers(cpu minidump.CPU) *minidump.Registers {
	r := &minidump.Registers{CPU: cpu}
	for i := range cpu.RegisterCount() {
		r.Set(i, uint64(0x1000+i))
	}
	return r
}

// A dump with one of everything, for round trips and for seeds.
type everything struct {
	threads   []minidump.Thread
	modules   []minidump.Module
	unloaded  []minidump.UnloadedModule
	exception minidump.Exception
	misc      minidump.MiscInfo
	infos     []minidump.MemoryInfo
	handles   []minidump.Handle
	breakpad  minidump.BreakpadInfo
	assertion minidump.Assertion
	crashpad  minidump.CrashpadInfo
	mac       minidump.MacCrashRecord
}

func sample(cpu minidump.CPU) everything {
	stack := minidump.Region{Base: 0x7ffe0000, Data: []byte("the bytes of a stack, not many")}
	return everything{
		threads: []minidump.Thread{
			{
				ID: 7, Name: "Haupt🧵faden", Named: true, SuspendCount: 1, PriorityClass: 2, Priority: 3, TEB: 0x7ff000,
				Stack: stack, StackBase: stack.Base, Context: registers(cpu),
				Info: &minidump.ThreadInfo{
					DumpFlags: 4, DumpError: 5, ExitStatus: 0x103, CreateTime: time.Unix(1_700_000_000, 123_456_700).UTC(),
					KernelTime: time.Second + 100, UserTime: 2 * time.Second, StartAddress: 0x400100, Affinity: 0xff,
				},
			},
			{ID: 8},
			{ID: 9, Named: true, StackBase: 0x10},
		},
		modules: []minidump.Module{
			{
				Base: 0x400000, Size: 0x1000, CodeFile: `C:\app.exe`, DebugFile: `c:\build\app.pdb`,
				DebugID: "5A9832E5287241C1838ED98914E9B7FF1a", CodeID: "45d35f6c1000", Version: "1.2.3.4",
				CheckSum: 5, TimeStamp: 0x45d35f6c,
			},
			{
				Base: 0x500000, Size: 0x2000, CodeFile: "/lib/libc.so.6", DebugFile: "/lib/libc.so.6",
				DebugID: "04030201060508070910111213141516" + "0", CodeID: "010203040506070809101112131415161718",
				BuildID: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18},
			},
			{
				Base: 0x600000, Size: 0x3000, CodeFile: "old.dll", DebugFile: "old.pdb",
				DebugID: "3C3F5A2B" + "c", CodeID: "000000ff3000", TimeStamp: 0xff,
			},
			{Base: 0x700000, Size: 0x4000, CodeFile: "none.dll", CodeID: "000000014000", TimeStamp: 1},
		},
		unloaded: []minidump.UnloadedModule{
			{Base: 0x900000, Size: 0x1000, Name: "b.dll", CodeID: "000000021000", CheckSum: 1, TimeStamp: 2},
			{Base: 0x800000, Size: 0x200000, Name: "a.dll", CodeID: "00000003200000", TimeStamp: 3},
		},
		exception: minidump.Exception{
			ThreadID: 7, Code: 0xc0000005, Flags: 1, Record: 2, Address: 0x400123, Parameters: 2,
			Information: [15]uint64{1, 0x45}, Context: registers(cpu),
		},
		misc: minidump.MiscInfo{
			Flags: 0x1 | 0x2 | 0x4 | 0x10 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200,
			PID:   ptr(uint32(4242)), CreateTime: time.Unix(1000, 0).UTC(), UserTime: 2 * time.Second, KernelTime: time.Second,
			MaxMHz: 3000, CurrentMHz: 2000, LimitMHz: 2500, IntegrityLevel: 0x2000, ExecuteFlags: 0x4d, Protected: 1,
			TimeZoneID: 2, StandardTimeName: "CET", DaylightTimeName: "CEST", BuildString: "19041.1", DebugString: "mini",
			XState: &minidump.XState{ContextSize: 0x900, Enabled: 1<<2 | 1<<11, Features: []minidump.XStateFeature{
				{Number: 2, Offset: 0x740, Size: 256}, {Number: 11, Offset: 0x840, Size: 16},
			}},
			ProcessCookie: 0xfeed,
		},
		infos: []minidump.MemoryInfo{{
			Base: 0x400000, AllocationBase: 0x400000, Size: 0x1000, AllocationProtect: 0x80, State: 0x1000, Protect: 0x20, Type: 0x1000000,
		}},
		handles: []minidump.Handle{
			{Value: 4, TypeName: ptr("File"), ObjectName: ptr("/tmp/x"), Attributes: 1, GrantedAccess: 2, HandleCount: 3, PointerCount: 4},
			{Value: 8},
		},
		breakpad:  minidump.BreakpadInfo{DumpThread: ptr(uint32(9)), RequestingThread: ptr(uint32(7))},
		assertion: minidump.Assertion{Expression: "x > 0", Function: "f", File: "f.c", Line: 12, Type: 1},
		crashpad: minidump.CrashpadInfo{
			ReportID: "5a9832e5-2872-41c1-838e-d98914e9b7ff", ClientID: "00000000-0000-0000-0000-000000000000",
			Annotations: []minidump.KeyValue{{Key: "prod", Value: "Chrome"}, {Key: "ver", Value: "1"}},
			Modules: []minidump.ModuleAnnotations{
				{
					Module: 0, List: []string{"one", "two"}, Simple: []minidump.KeyValue{{Key: "k", Value: "v"}},
					Objects: []minidump.AnnotationObject{{Name: "channel", Type: 1, Text: "beta"}, {Name: "own", Type: 0x8001}},
				},
				{Module: 3},
			},
		},
		mac: minidump.MacCrashRecord{
			Version: 5, Thread: 1, DialogMode: 2, AbortCause: 3,
			Module: "/usr/lib/dyld", Message: "no", Signature: "s", Backtrace: "b", Message2: "m2",
		},
	}
}

const mapsText = `55d8c0000000-55d8c0002000 r-xp 00002000 fe:01 1234                     /usr/bin/cat (deleted)
7ffe00000000-7ffe00021000 rw-s 00000000 00:00 0 
7ffe00030000-7ffe00031000 ---p 00000000 00:00 0                          [stack]
`

const limitsText = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max realtime priority     0                    odd                  
`

func (e everything) build(cpu minidump.CPU, os minidump.OS) *synth.Dump {
	d := synth.New(cpu, os).Time(time.Unix(1600, 0)).System(minidump.SystemInfo{
		CPUCount: 4, CPULevel: 6, CPURevision: 0x0d08, Major: 5, Minor: 1, Build: 2600, CSD: "Service Pack 2",
		ProductType: 1, SuiteMask: 0x100, Vendor: "GenuineIntel", CPUID: 0x4100c0f1, ELFHwCaps: 0x3,
	})
	for _, t := range e.threads {
		d.Thread(t)
	}
	for _, m := range e.modules {
		d.Module(m)
	}
	for _, m := range e.unloaded {
		d.Unloaded(m)
	}
	for _, m := range e.infos {
		d.MemoryInfo(m)
	}
	for _, h := range e.handles {
		d.Handle(h)
	}
	return d.Exception(e.exception).Misc(e.misc).Breakpad(e.breakpad).Assertion(e.assertion).
		Crashpad(e.crashpad).MacCrash(e.mac).MacBootArgs("-v").
		Memory(0x400100, []byte("code")).Memory(0x7ff000, make([]byte, 128)).
		Stream(minidump.LinuxMapsStream, []byte(mapsText)).
		Stream(minidump.LinuxLSBReleaseStream, []byte("NAME=x\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian 12\"\n")).
		Stream(minidump.LinuxProcStatusStream, []byte("Name:\tcat\nPid:\t77\n")).
		Stream(minidump.LinuxCPUInfoStream, []byte("processor\t: 0\nmicrocode\t: 0xa0011d1\nprocessor\t: 1\nmicrocode\t: 0x1\n")).
		Stream(minidump.MozLinuxLimitsStream, []byte(limitsText)).
		Stream(minidump.MozSoftErrorsStream, []byte(`[{"InitErrors":[]}]`)).
		Stream(minidump.LinuxCmdLineStream, []byte("cat\x00\x00-n\x00")).
		Stream(minidump.LinuxEnvironStream, []byte("HOME=/root\x00EMPTY\x00A=b=c")).
		Stream(minidump.StabilityReportStream, stability)
}

// stability is a report of two processes in protocol buffer encoding, with fields
// of other kinds that are to be passed over.
var stability = []byte("" +
	"\x12\x13" + // a process
	"\x18\xac\x02" + // its number, 300
	"\x22\x06\x0a\x04\x08\x07\x20\x01" + // its memory, with field 1 and 4
	"\x3a\x04\x12\x02\x08\x09" + // its files, of Windows
	"\x28\x01" + // a number that there once was
	"\x12\x06\x3a\x04\x0a\x02\x08\x03" + // a process with open files
	"\x3a\x06\x0a\x04\x08\x05\x18\x06" + // the system's memory
	"\x09\x00\x00\x00\x00\x00\x00\x00\x00" + // 8 bytes
	"\x0d\x00\x00\x00\x00") // 4 bytes

func parse(t *testing.T, d *synth.Dump) *minidump.Dump {
	t.Helper()
	got, err := minidump.Parse(d.Bytes())
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return got
}

func TestEverythingThatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	cpus := []minidump.CPU{
		minidump.X86, minidump.AMD64, minidump.ARM, minidump.ARM64, minidump.ARM64Old, minidump.MIPS, minidump.MIPS64,
		minidump.PPC, minidump.PPC64, minidump.SPARC, minidump.RISCV64,
	}
	for _, cpu := range cpus {
		for _, big := range []bool{false, true} {
			name := cpu.String()
			if big {
				name += " big-endian"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want := sample(cpu)
				built := want.build(cpu, minidump.Windows)
				if big {
					built.BigEndian()
					want.modules[1].DebugID = "01020304050607080910111213141516" + "0" // a GUID in this order
				}
				compare(t, parse(t, built), want, big)
			})
		}
	}
}

func compare(t *testing.T, got *minidump.Dump, want everything, big bool) {
	t.Helper()
	if got.BigEndian != big || got.Time != time.Unix(1600, 0).UTC() || len(got.Warnings) != 0 {
		t.Errorf("BigEndian, Time, Warnings = %v, %v, %q; want %v, 1600 s and none", got.BigEndian, got.Time, got.Warnings, big)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"threads", got.Threads, want.threads},
		{"modules", got.Modules, want.modules},
		{"unloaded modules", got.UnloadedModules, want.unloaded},
		{"exception", got.Exception, &want.exception},
		{"misc info", got.Misc, &want.misc},
		{"memory info", got.MemoryInfo, want.infos},
		{"handles", got.Handles, want.handles},
		{"breakpad info", got.Breakpad, &want.breakpad},
		{"assertion", got.Assertion, &want.assertion},
		{"crashpad info", got.Crashpad, &want.crashpad},
		{"mac crash info", got.MacCrashInfo, []minidump.MacCrashRecord{want.mac}},
		{"boot arguments", got.MacBootArgs, ptr("-v")},
		{"maps", got.Maps, []minidump.LinuxMap{
			{Start: 0x55d8c0000000, End: 0x55d8c0002000, Read: true, Execute: true, Offset: 0x2000, Inode: 1234, Path: "/usr/bin/cat (deleted)"},
			{Start: 0x7ffe00000000, End: 0x7ffe00021000, Read: true, Write: true, Shared: true},
			{Start: 0x7ffe00030000, End: 0x7ffe00031000, Path: "[stack]"},
		}},
		{"LSB release", got.LSB, &minidump.LSBRelease{ID: "debian", Release: "12", Codename: "bookworm", Description: "Debian 12"}},
		{"PID of /proc", got.ProcStatus.PID, uint32(77)},
		{"microcode", got.CPUInfo.Microcode, ptr(uint64(0xa0011d1))},
		{"limits", got.Limits, []minidump.Limit{
			{Name: "Max cpu time", Soft: minidump.LimitValue{Kind: minidump.LimitUnlimited}, Hard: minidump.LimitValue{Kind: minidump.LimitUnlimited}, Unit: "seconds"},
			{Name: "Max open files", Soft: minidump.LimitValue{Value: 1024}, Hard: minidump.LimitValue{Value: 524288}, Unit: "files"},
			{Name: "Max realtime priority", Unit: "n/a"},
		}},
		{"arguments", got.CommandLine, []string{"cat", "", "-n"}},
		{"environment", got.Environment, []minidump.KeyValue{{Key: "HOME", Value: "/root"}, {Key: "EMPTY"}, {Key: "A", Value: "b=c"}}},
		{"stability report", got.Stability, &minidump.StabilityReport{
			Processes: []minidump.ProcessStability{
				{PID: ptr(uint64(300)), PrivateUsage: ptr(uint64(7)), AllocationAttempt: ptr(uint64(1)), Handles: ptr(uint64(9))},
				{OpenFiles: ptr(uint64(3))},
			},
			SystemCommitLimit: ptr(uint64(5)), SystemHandles: ptr(uint64(6)),
		}},
		{"soft errors", string(got.SoftErrors), `[{"InitErrors":[]}]`},
		{"memory", got.Memory.Regions[0], minidump.Region{Base: 0x400100, Data: []byte("code")}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s differ (-want +got):\n%s", c.name, diff)
		}
	}
}
