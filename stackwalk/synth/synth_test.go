package synth_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

func Example() {
	regs := minidump.Registers{CPU: minidump.AMD64}
	regs.Set(minidump.RIP, 0x400123)
	regs.Set(minidump.RSP, 0x7ffe0000)

	file := synth.New(minidump.AMD64, minidump.Linux).
		Thread(minidump.Thread{ID: 1, Name: "main", Context: &regs, Stack: minidump.Region{Base: 0x7ffe0000, Data: make([]byte, 64)}}).
		Module(minidump.Module{Base: 0x400000, Size: 0x1000, CodeFile: "/bin/cat"}).
		Exception(minidump.Exception{ThreadID: 1, Code: 11, Flags: 1, Context: &regs}).
		Bytes()

	dump, err := minidump.Parse(file)
	fmt.Println(dump.Threads[0].Name, dump.Modules[0].CodeFile, dump.Exception.Context.IP() == 0x400123, err)
	// Output: main /bin/cat true <nil>
}

func TestTheSameDumpTwiceIsTheSameBytes(t *testing.T) {
	t.Parallel()
	d := synth.New(minidump.ARM64, minidump.Android).Thread(minidump.Thread{ID: 1, Name: "a"}).Memory(1, []byte("x"))
	if !bytes.Equal(d.Bytes(), d.Bytes()) {
		t.Error("Bytes differs from call to call")
	}
}

func TestEveryCPUAndSystemSurvivesTheTrip(t *testing.T) {
	t.Parallel()
	for cpu := minidump.UnknownCPU; cpu <= minidump.SPARC; cpu++ {
		for os := minidump.UnknownOS; os <= minidump.NaCl; os++ {
			for _, d := range []*synth.Dump{synth.New(cpu, os), synth.New(cpu, os).BigEndian()} {
				got, err := minidump.Parse(d.Bytes())
				if err != nil || got.System.CPU != cpu || got.System.OS != os || len(got.Warnings) > 0 {
					t.Errorf("%s on %s: read %+v, %v", os, cpu, got, err)
				}
			}
		}
	}
}

func TestWithoutLeavesAStreamOut(t *testing.T) {
	t.Parallel()
	got, err := minidump.Parse(synth.New(minidump.X86, minidump.Linux).
		Exception(minidump.Exception{Code: 11}).Without(minidump.ExceptionStream).Bytes())
	if err != nil || got.Exception != nil {
		t.Errorf("exception %v, error %v; want none of both", got.Exception, err)
	}
}

func TestMistakesOfATestAreLoud(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]*synth.Dump{
		"version":  synth.New(minidump.X86, minidump.Linux).Module(minidump.Module{Version: "1.x"}),
		"debug id": synth.New(minidump.X86, minidump.Linux).Module(minidump.Module{DebugID: strings.Repeat("z", 33)}),
		"age":      synth.New(minidump.X86, minidump.Linux).Module(minidump.Module{DebugID: strings.Repeat("0", 32) + "z"}),
		"GUID":     synth.New(minidump.X86, minidump.Linux).Crashpad(minidump.CrashpadInfo{ReportID: "12"}),
	} {
		func() {
			defer func() {
				if got := recover(); got == nil || !strings.HasPrefix(fmt.Sprint(got), "synth: ") {
					t.Errorf("a bad %s: panic %v; want one that says synth", name, got)
				}
			}()
			d.Bytes()
		}()
	}
}
