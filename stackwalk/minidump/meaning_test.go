package minidump_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

func TestSystemInfoAsReportsPrintIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                        string
		cpu                         minidump.CPU
		os                          minidump.OS
		in                          minidump.SystemInfo
		version, build, info, named string
	}{
		{
			"Windows XP", minidump.X86, minidump.Windows,
			minidump.SystemInfo{Major: 5, Minor: 1, Build: 2600, CSD: "Service Pack 2", CPULevel: 6, CPURevision: 0x0d08, Vendor: "GenuineIntel"},
			"5.1.2600", "Service Pack 2", "GenuineIntel family 6 model 13 stepping 8", "Windows NT",
		},
		{
			"a uname without GNU", minidump.AMD64, minidump.Linux,
			minidump.SystemInfo{CSD: "Linux 6.18.44 #1 SMP PREEMPT x86_64", CPULevel: 25, CPURevision: 0x1101},
			"6.18.44", "#1 SMP PREEMPT", "family 25 model 17 stepping 1", "Linux",
		},
		{
			"a uname with GNU", minidump.AMD64, minidump.Linux,
			minidump.SystemInfo{CSD: "Linux 4.9.60 #1 SMP Mon x86_64 Linux/GNU"},
			"4.9.60", "#1 SMP Mon", "family 0 model 0 stepping 0", "Linux",
		},
		{
			"Linux with a version", minidump.AMD64, minidump.Linux,
			minidump.SystemInfo{Major: 5, CSD: " #1 "},
			"5.0.0", "#1", "family 0 model 0 stepping 0", "Linux",
		},
		{"Linux with nothing", minidump.ARM64, minidump.Linux, minidump.SystemInfo{}, "0.0.0", "", "", "Linux"},
		{"a uname of two words", minidump.ARM64, minidump.Linux, minidump.SystemInfo{CSD: "Linux 4.1"}, "4.1", "", "", "Linux"},
		{
			"a known ARM", minidump.ARM, minidump.Android,
			minidump.SystemInfo{Major: 1, CPULevel: 7, CPUID: 0x4100c0f1, ELFHwCaps: 1<<1 | 1<<12},
			"1.0.0", "", "ARMv7 ARM Cortex-A15 features: half,neon", "Android",
		},
		{
			"an unknown ARM", minidump.ARM, minidump.Android,
			minidump.SystemInfo{CPULevel: 8, CPUID: 0x42000010},
			"0.0.0", "", "ARMv8 vendor(0x42) part(0x42000010)", "Android",
		},
		{"an unknown system", minidump.PPC, minidump.UnknownOS, minidump.SystemInfo{PlatformID: 0x9999}, "0.0.0", "", "", "0x0x009999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := parse(t, synth.New(c.cpu, c.os).System(c.in)).System
			version, build := s.OSVersion()
			got := []string{version, build, s.CPUInfo(), s.OSName()}
			if diff := cmp.Diff([]string{c.version, c.build, c.info, c.named}, got); diff != "" {
				t.Errorf("version, build, CPU and name differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPIDAndUptime(t *testing.T) {
	t.Parallel()
	status := []byte("Pid:\t12\n")
	for _, c := range []struct {
		name   string
		dump   *synth.Dump
		pid    uint32
		known  bool
		uptime time.Duration
		lived  bool
	}{
		{"nothing known", synth.New(minidump.X86, minidump.Linux), 0, false, 0, false},
		{"status alone", synth.New(minidump.X86, minidump.Linux).Stream(minidump.LinuxProcStatusStream, status), 12, true, 0, false},
		{
			"misc info without a PID wins over status",
			synth.New(minidump.X86, minidump.Linux).Misc(minidump.MiscInfo{}).Stream(minidump.LinuxProcStatusStream, status),
			0, false, 0, false,
		},
		{
			"misc info", synth.New(minidump.X86, minidump.Linux).Time(time.Unix(130, 0)).
				Misc(minidump.MiscInfo{PID: ptr(uint32(3)), CreateTime: time.Unix(100, 0)}),
			3, true, 30 * time.Second, true,
		},
		{
			"a clock that went back", synth.New(minidump.X86, minidump.Linux).Time(time.Unix(50, 0)).
				Misc(minidump.MiscInfo{CreateTime: time.Unix(100, 0)}),
			0, false, 0, true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := parse(t, c.dump)
			if pid, known := d.PID(); pid != c.pid || known != c.known {
				t.Errorf("PID() = %d, %v; want %d, %v", pid, known, c.pid, c.known)
			}
			if up, lived := d.Uptime(); up != c.uptime || lived != c.lived {
				t.Errorf("Uptime() = %v, %v; want %v, %v", up, lived, c.uptime, c.lived)
			}
		})
	}
}

func TestLookupsByAddress(t *testing.T) {
	t.Parallel()
	d := parse(t, sample(minidump.AMD64).build(minidump.AMD64, minidump.Windows).
		Module(minidump.Module{Base: 0x400800, Size: 0x1000, CodeFile: "overlaps the first"}))
	for addr, want := range map[uint64]int{0x400000: 0, 0x400fff: 0, 0x501fff: 1, 0x703fff: 3} {
		if i, ok := d.ModuleAt(addr); !ok || i != want {
			t.Errorf("ModuleAt(%#x) = %d, %v; want %d", addr, i, ok, want)
		}
	}
	for _, addr := range []uint64{0, 0x3fffff, 0x401000, 0x704000, 1<<64 - 1} {
		if i, ok := d.ModuleAt(addr); ok {
			t.Errorf("ModuleAt(%#x) = %d; want none", addr, i)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3}, d.ModulesByAddress()); diff != "" {
		t.Errorf("ModulesByAddress (-want +got):\n%s", diff)
	}
	for addr, want := range map[uint64][]int{0x7fffff: nil, 0x800000: {1}, 0x900800: {1, 0}, 0x901000: {1}, 0xa00000: nil} {
		if diff := cmp.Diff(want, d.UnloadedModulesAt(addr)); diff != "" {
			t.Errorf("UnloadedModulesAt(%#x) (-want +got):\n%s", addr, diff)
		}
	}
	if i, ok := d.Thread(9); !ok || i != 2 {
		t.Errorf("Thread(9) = %d, %v; want 2", i, ok)
	}
	if _, ok := d.Thread(10); ok {
		t.Error("Thread(10) is there")
	}
}

func TestMemoryIsFoundByAddress(t *testing.T) {
	t.Parallel()
	for _, big := range []bool{false, true} {
		for _, full := range []bool{false, true} {
			b := synth.New(minidump.AMD64, minidump.Windows).
				Memory(0x1000, []byte{1, 2, 3, 4, 5, 6, 7, 8}).Memory(0x1008, []byte{9, 10}).Memory(0x1004, []byte("overlaps"))
			if big {
				b.BigEndian()
			}
			if full {
				b.Full()
			}
			m := parse(t, b).Memory
			want := uint64(0x0807060504030201)
			if big {
				want = 0x0102030405060708
			}
			if v, ok := m.Uint(0x1000, 8); !ok || v != want {
				t.Errorf("big %v, full %v: Uint(0x1000, 8) = %#x, %v; want %#x", big, full, v, ok, want)
			}
			if v, ok := m.Uint(0x1009, 1); !ok || v != 10 {
				t.Errorf("Uint(0x1009, 1) = %d, %v; want 10", v, ok)
			}
			for _, c := range []struct {
				addr uint64
				size int
			}{{0x1007, 2}, {0xfff, 1}, {0x100a, 1}, {0x1000, 3}, {1<<64 - 1, 8}} {
				if v, ok := m.Uint(c.addr, c.size); ok {
					t.Errorf("Uint(%#x, %d) = %#x; want none", c.addr, c.size, v)
				}
			}
		}
	}
}

func TestAStackThatIsOnlyInTheMemoryList(t *testing.T) {
	t.Parallel()
	// Windows writes stacks without a place in the file at times.
	d := parse(t, synth.New(minidump.AMD64, minidump.Windows).
		Thread(minidump.Thread{ID: 1, StackBase: 0x2010}).Memory(0x2000, make([]byte, 64)))
	if got := d.Threads[0].Stack; got.Base != 0x2000 || len(got.Data) != 64 {
		t.Errorf("the stack is at %#x with %d bytes; want the region at 0x2000 with 64", got.Base, len(got.Data))
	}
}

func TestLastError(t *testing.T) {
	t.Parallel()
	teb := make([]byte, 13*8+4)
	teb[13*8], teb[13*4] = 2, 5
	for cpu, want := range map[minidump.CPU]uint32{minidump.AMD64: 2, minidump.X86: 5} {
		d := parse(t, synth.New(cpu, minidump.Windows).Thread(minidump.Thread{TEB: 0x1000}).
			Thread(minidump.Thread{TEB: 1<<64 - 8}).Memory(0x1000, teb))
		if v, ok := d.LastError(&d.Threads[0]); !ok || v != want {
			t.Errorf("%s: LastError = %d, %v; want %d", cpu, v, ok, want)
		}
		if v, ok := d.LastError(&d.Threads[1]); ok {
			t.Errorf("%s: LastError at the end of memory = %d; want none", cpu, v)
		}
	}
}

func TestAContextOfAnotherCPUIsNone(t *testing.T) {
	t.Parallel()
	d := parse(t, synth.New(minidump.AMD64, minidump.Linux).Thread(minidump.Thread{ID: 1, Context: registers(minidump.PPC)}).
		Exception(minidump.Exception{Context: registers(minidump.ARM64)}))
	if d.Threads[0].Context != nil || d.Exception.Context != nil {
		t.Error("a context of another CPU was accepted")
	}
	if len(d.Warnings) != 2 {
		t.Errorf("warnings %q; want two", d.Warnings)
	}
}

func TestModuleNamesAndIDsBySystem(t *testing.T) {
	t.Parallel()
	in := minidump.Module{Base: 1, Size: 0x10, CodeFile: "m", DebugFile: "d", DebugID: "5A9832E5287241C1838ED98914E9B7FF0", Version: "1.2.3.4", TimeStamp: 9}
	for os, code := range map[minidump.OS]string{
		minidump.Windows: "0000000910", minidump.Linux: "0000000910",
		minidump.MacOS: "5a9832e5287241c1838ed98914e9b7ff", minidump.IOS: "5a9832e5287241c1838ed98914e9b7ff",
	} {
		m := parse(t, synth.New(minidump.AMD64, os).Module(in)).Modules[0]
		if m.CodeID != code || m.Version != "1.2.3.4" || m.DebugID != in.DebugID {
			t.Errorf("%s: code id %q, version %q, debug id %q; want %q, 1.2.3.4, %q", os, m.CodeID, m.Version, m.DebugID, code, in.DebugID)
		}
	}
	zero := in
	zero.DebugID, zero.BuildID = "000000000000000000000000000000000", nil
	if m := parse(t, synth.New(minidump.AMD64, minidump.Windows).Module(zero)).Modules[0]; m.DebugID != "" {
		t.Errorf("debug id of zeros = %q; want none", m.DebugID)
	}
	short := minidump.Module{Base: 1, Size: 0x10, CodeFile: "font", BuildID: []byte{0, 0}}
	if m := parse(t, synth.New(minidump.AMD64, minidump.Linux).Module(short)).Modules[0]; m.DebugID != "" || m.CodeID != "" || m.DebugFile != "font" {
		t.Errorf("a build id of zeros gives %q, %q, %q; want no ids and the file's name", m.DebugID, m.CodeID, m.DebugFile)
	}
	short.BuildID = []byte{0xab, 0xcd}
	if m := parse(t, synth.New(minidump.AMD64, minidump.Linux).Module(short)).Modules[0]; m.DebugID != "0000CDAB0000000000000000000000000" || m.CodeID != "abcd" {
		t.Errorf("a build id of two bytes gives %q, %q", m.DebugID, m.CodeID)
	}
}

func TestTheLastOfTwoStreamsIsRead(t *testing.T) {
	t.Parallel()
	d := parse(t, synth.New(minidump.X86, minidump.Linux).
		Stream(minidump.LinuxLSBReleaseStream, []byte("ID=old\n")).Stream(minidump.LinuxLSBReleaseStream, []byte("ID=new\n")).
		Stream(0, nil).Stream(0, nil))
	if d.LSB.ID != "new" || len(d.Warnings) != 1 {
		t.Errorf("ID %q, warnings %q; want new and one warning", d.LSB.ID, d.Warnings)
	}
}

func TestAMissingStreamIsNilAndAnEmptyOneIsNot(t *testing.T) {
	t.Parallel()
	empty := make([]byte, 4)
	d := parse(t, synth.New(minidump.X86, minidump.Linux).
		Stream(minidump.ModuleListStream, empty).Stream(minidump.LinuxMapsStream, nil).Stream(minidump.MozLinuxLimitsStream, nil))
	if d.Modules == nil || d.Maps == nil || d.Limits == nil {
		t.Error("an empty stream gives nil")
	}
	if d.UnloadedModules != nil || d.Handles != nil || d.MemoryInfo != nil || d.Misc != nil {
		t.Error("a missing stream gives something")
	}
}
