package stackwalk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

var update = flag.Bool("update", false, "write the golden files anew")

func ptr[T any](v T) *T { return &v }

// words are little-endian numbers of 32 bits.
func words(v ...uint32) []byte {
	var b []byte
	for _, v := range v {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// everything is a dump with one of each stream.
func everything() *synth.Dump {
	stack := append([]byte("the bytes of a stack"), make([]byte, 100)...)
	table := words(24, 32, 8, 12, 1, 0)
	table = append(table, words(0x5000, 0, 0x6000, 0, 0x5000, 0, 2, 4)...)                          // from, to, base; entries, padding
	table = append(table, words(0xaaaa, 0xbbbb, 0x10, 0x20, 0x30, 0x20, 0x40, 0x50, 0xdddddddd)...) // the system's part, entries, padding
	return synth.New(minidump.AMD64, minidump.Windows).Time(time.Unix(1_700_000_000, 0)).
		System(minidump.SystemInfo{Major: 10, Build: 19045, CPUCount: 8, CPULevel: 6, CPURevision: 0x4601, CSD: "Service Pack \x1b[1m"}).
		Thread(minidump.Thread{
			ID: 7, Name: "main\x1b", TEB: 0x7ff000, Context: registers(codeBase+0x10, stackAt, 5), Stack: minidump.Region{Base: stackAt, Data: stack},
			Info: &minidump.ThreadInfo{StartAddress: codeBase, ExitStatus: 0x103, CreateTime: time.Unix(1_600_000_000, 0), UserTime: time.Second},
		}).
		Thread(minidump.Thread{ID: 8}).
		Module(minidump.Module{Base: codeBase, Size: 0x1000, CodeFile: `C:\app.exe`, DebugFile: "app.pdb", DebugID: appID, Version: "1.2.3.4", TimeStamp: 9}).
		Unloaded(minidump.UnloadedModule{Base: 0x9000, Size: 0x1000, Name: "gone.dll", TimeStamp: 3}).
		Memory(0x1000, []byte("some memory")).
		MemoryInfo(minidump.MemoryInfo{Base: 0x1000, AllocationBase: 0x1000, Size: 0x1000, AllocationProtect: 4, State: 0x1000, Protect: 0x140, Type: 0x20000}).
		MemoryInfo(minidump.MemoryInfo{Base: 0x3000, Size: 0x1000, State: 7, Protect: 0x33, Type: 9}).
		Exception(minidump.Exception{ThreadID: 7, Code: 0xc0000005, Address: codeBase, Parameters: 2, Information: [15]uint64{1, 0x45}, Context: registers(codeBase, stackAt, 5)}).
		Misc(minidump.MiscInfo{
			PID: ptr(uint32(42)), CreateTime: time.Unix(1_600_000_000, 0), MaxMHz: 3000, BuildString: "19041", ProcessCookie: 3,
			XState: &minidump.XState{ContextSize: 1232, Enabled: 1<<2 | 1<<40 | 1<<11, Features: []minidump.XStateFeature{
				{Number: 2, Offset: 1200, Size: 16}, {Number: 11, Offset: 1 << 31, Size: 1 << 31}, {Number: 40, Offset: 0, Size: 4},
			}},
		}).
		Handle(minidump.Handle{Value: 4, TypeName: ptr("File"), ObjectName: ptr(`\x`)}).Handle(minidump.Handle{Value: 8}).
		Breakpad(minidump.BreakpadInfo{DumpThread: ptr(uint32(8))}).
		Assertion(minidump.Assertion{Expression: "x > 0", Function: "f", File: "f.c", Line: 12, Type: 1}).
		Crashpad(minidump.CrashpadInfo{Annotations: []minidump.KeyValue{{Key: "k", Value: "v"}}, Modules: []minidump.ModuleAnnotations{
			{Module: 0, List: []string{"text"}, Simple: []minidump.KeyValue{{Key: "s", Value: "t"}}, Objects: []minidump.AnnotationObject{{Name: "o", Type: 1, Text: "p"}}},
		}}).
		MacCrash(minidump.MacCrashRecord{Version: 5, Thread: 1, Message: "no"}).MacBootArgs("-v").
		Stream(minidump.FunctionTableStream, table).
		Stream(minidump.LinuxCmdLineStream, []byte("app\x00--flag\x00")).
		Stream(minidump.LinuxEnvironStream, []byte("HOME=/\x1b\x00")).
		Stream(minidump.LinuxMapsStream, []byte("400000-401000 r-xp 00000000 08:01 7 /bin/app\nnonsense\n")).
		Stream(minidump.LinuxLSBReleaseStream, []byte("ID=debian\n")).
		Stream(0x47670008, words(6, 0, 4096, 0, 99, 0, 1, 0, 5)).
		Stream(minidump.CommentStreamA, []byte("a comment\x00")).
		Stream(minidump.CommentStreamW, []byte("w\x00i\x00d\x00e\x00\x00\x00")).
		Stream(minidump.StabilityReportStream, []byte("\x12\x06\x18\x07\x3a\x02\x12\x00\x3a\x04\x0a\x02\x08\x05")).
		Stream(minidump.MozSoftErrorsStream, []byte("not JSON")).
		Stream(0x12345678, []byte("bytes of a stream that nobody knows")).
		Stream(minidump.LinuxProcStatusStream, []byte("Pid: 1\n")).Stream(minidump.LinuxProcStatusStream, []byte("Pid: 2\n"))
}

func TestDumpsAsText(t *testing.T) {
	t.Parallel()
	for name, brief := range map[string]bool{"dump.txt": false, "dump-brief.txt": true} {
		d, err := minidump.Parse(everything().Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := stackwalk.WriteDump(&b, d, brief); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" {
			t.Errorf("%s (-want +got; go test -update after a look):\n%s", name, diff)
		}
		if i := strings.IndexFunc(b.String(), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }); i >= 0 {
			t.Errorf("%s has a control character at %d", name, i)
		}
	}
}

func TestDumpsAsTextAreNotLongerThanTheirMemory(t *testing.T) {
	t.Parallel()
	d := synth.New(minidump.AMD64, minidump.Linux)
	memory := bytes.Repeat([]byte("0123456789abcdefABCDEF"), 1<<10)
	d.Memory(0x1000, memory)
	file := d.Bytes()
	// 500 regions that are the same bytes of the file.
	at := uint32(bytes.Index(file, memory))
	list := words(500)
	for i := range uint32(500) {
		list = append(list, words(0x10_0000*(i+1), 0, uint32(len(memory)), at)...)
	}
	hostile := synth.New(minidump.AMD64, minidump.Linux).Memory(0x1000, memory).Stream(minidump.MemoryListStream, list)
	parsed, err := minidump.Parse(hostile.Bytes())
	if err != nil || len(parsed.Memory.Regions) != 500 {
		t.Fatalf("%v, %d regions", err, len(parsed.Memory.Regions))
	}
	var b bytes.Buffer
	if err := stackwalk.WriteDump(&b, parsed, false); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 40*parsed.Size() || !strings.Contains(b.String(), "left out: the dump refers to more memory than it holds") {
		t.Errorf("%d bytes of text from a dump of %d", b.Len(), parsed.Size())
	}
	if err := stackwalk.WriteDump(failing{}, parsed, false); !errors.Is(err, errFull) {
		t.Errorf("on a full disk: %v", err)
	}
}

// FuzzWriteDump writes whatever bytes parse as a dump.
func FuzzWriteDump(f *testing.F) {
	f.Add(everything().Bytes())
	f.Add(program(3).BigEndian().Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := minidump.Parse(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := stackwalk.WriteDump(&b, d, false); err != nil {
			t.Fatal(err)
		}
		if limit := 1000*len(data) + 100_000; b.Len() > limit {
			t.Fatalf("%d bytes of text from a dump of %d", b.Len(), len(data))
		}
	})
}
