package minidump_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

// spoil overwrites a number in a stream of a little-endian dump.
func spoil(t *testing.T, file []byte, typ minidump.StreamType, off int, v uint32) *minidump.Dump {
	t.Helper()
	good, err := minidump.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	file = slices.Clone(file)
	for _, s := range good.Streams {
		if s.Type == typ {
			binary.LittleEndian.PutUint32(file[int(s.RVA)+off:], v)
		}
	}
	d, err := minidump.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnEntryThatIsBadCostsOnlyItself(t *testing.T) {
	t.Parallel()
	const far = 1 << 30 // an offset that is not in the file
	modules := synth.New(minidump.AMD64, minidump.Linux).
		Module(minidump.Module{Base: 0x1000, Size: 0x1000, CodeFile: "/a", BuildID: bytes.Repeat([]byte{1}, 16)}).
		Module(minidump.Module{Base: 0x2000, Size: 0x1000, CodeFile: "/b", BuildID: bytes.Repeat([]byte{2}, 16)}).Bytes()
	names := func(d *minidump.Dump) (out []string) {
		for _, m := range d.Modules {
			out = append(out, m.CodeFile+" "+m.DebugID)
		}
		return out
	}
	idA, idB := strings.Repeat("01", 16)+"0", strings.Repeat("02", 16)+"0"
	for _, c := range []struct {
		name string
		off  int
		want []string
	}{
		{"a name", 4 + 20, []string{" " + idA, "/b " + idB}},
		{"a CodeView record", 4 + 108 + 80, []string{"/a " + idA, "/b "}},
	} {
		d := spoil(t, modules, minidump.ModuleListStream, c.off, far)
		if diff := cmp.Diff(c.want, names(d)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if i, ok := d.ModuleAt(0x1500); !ok || i != 0 {
			t.Errorf("%s: ModuleAt = %d, %v", c.name, i, ok)
		}
		if !slices.Equal(d.Partial(), []minidump.StreamType{minidump.ModuleListStream}) || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "left out") {
			t.Errorf("%s: partial %v, warnings %q", c.name, d.Partial(), d.Warnings)
		}
		strict := d.Strict()
		if _, ok := strict.ModuleAt(0x1500); ok || len(strict.Modules) != 0 || len(d.Modules) != 2 {
			t.Errorf("%s: a strict reader has %d modules", c.name, len(strict.Modules))
		}
	}

	gone := synth.New(minidump.AMD64, minidump.Windows).
		Unloaded(minidump.UnloadedModule{Base: 0x1000, Size: 0x1000, Name: "a.dll"}).
		Unloaded(minidump.UnloadedModule{Base: 0x2000, Size: 0x1000, Name: "b.dll"}).Bytes()
	if d := spoil(t, gone, minidump.UnloadedModuleListStream, 12+20, far); len(d.UnloadedModules) != 2 || d.UnloadedModules[0].Name != "" || len(d.Strict().UnloadedModules) != 0 {
		t.Errorf("a name: %+v", d.UnloadedModules)
	}
	if d := spoil(t, gone, minidump.UnloadedModuleListStream, 12+8, 0); len(d.UnloadedModules) != 1 || d.UnloadedModules[0].Name != "b.dll" || len(d.UnloadedModulesAt(0x2500)) != 1 {
		t.Errorf("a size of 0: %+v", d.UnloadedModules)
	}
}

func TestAFullDumpThatWasCutKeepsItsFirstMemory(t *testing.T) {
	t.Parallel()
	full := synth.New(minidump.AMD64, minidump.Windows).Full().
		Thread(minidump.Thread{ID: 1, StackBase: 0x1000}).
		Memory(0x1000, []byte("a stack")).Memory(0x2000, []byte("more")).Bytes()
	d := spoil(t, full, minidump.Memory64ListStream, 16+16+8, 1<<30)
	if n := len(d.Memory.Regions); n != 1 || string(d.Threads[0].Stack.Data) != "a stack" {
		t.Errorf("%d regions, stack %q", n, d.Threads[0].Stack.Data)
	}
	strict := d.Strict()
	if len(strict.Memory.Regions) != 0 || len(strict.Threads[0].Stack.Data) != 0 || len(d.Threads[0].Stack.Data) == 0 {
		t.Errorf("a strict reader has %d regions and a stack of %d bytes", len(strict.Memory.Regions), len(strict.Threads[0].Stack.Data))
	}
	whole, err := minidump.Parse(full)
	if err != nil || whole.Strict() != whole {
		t.Errorf("a whole dump is not its own strict reading: %v", err)
	}
}

// table is a stream of one function table with two entries of 12 bytes.
func table(entries uint32) []byte {
	b := u32s(24, 40, 8, 12, 1, 4)
	b = append(b, 0, 0, 0, 0)                                           // padding
	b = append(b, u32s(0x5000, 0, 0x6000, 0, 0x4000, 0, entries, 4)...) // first, last, base, count, padding after
	b = append(b, u32s(0, 0)...)                                        // a longer descriptor than ours
	b = append(b, u32s(0, 0)...)                                        // the system's descriptor
	b = append(b, u32s(1, 2, 3, 4, 5, 6)...)
	return append(b, 0, 0, 0, 0)
}

func TestFunctionTables(t *testing.T) {
	t.Parallel()
	build := func(stream []byte) *minidump.Dump {
		return parse(t, synth.New(minidump.AMD64, minidump.Windows).Stream(minidump.FunctionTableStream, stream))
	}
	want := []minidump.FunctionTable{{First: 0x5000, Last: 0x6000, Base: 0x4000, Entries: 2, EntrySize: 12, Raw: u32s(1, 2, 3, 4, 5, 6)}}
	if diff := cmp.Diff(want, build(table(2)).FunctionTables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	for name, stream := range map[string][]byte{
		"nothing":               nil,
		"4 billion tables":      u32s(24, 32, 8, 12, 1<<32-1, 0),
		"4 billion entries":     table(1<<32 - 1),
		"more entries than are": table(4),
		"a head too small":      u32s(8, 32, 8, 12, 0, 0),
		"a descriptor of 8":     u32s(24, 8, 8, 12, 1, 0),
		"a head too large":      u32s(1<<31, 32, 8, 12, 1, 0),
		"huge parts":            u32s(24, 1<<32-1, 1<<32-1, 1<<32-1, 1, 1<<32-1),
	} {
		if d := build(stream); d.FunctionTables != nil || len(d.Warnings) != 1 {
			t.Errorf("%s: %+v, warnings %q", name, d.FunctionTables, d.Warnings)
		}
	}
}

func TestStabilityReportsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]string{
		"a message longer than its stream": "\x12\x7f\x18",
		"a number that does not end":       "\x12\x02\x18\xff",
		"a number of 11 bytes":             "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"a kind that there is not":         "\x13",
		"a length of 64 bits":              "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"a broken message within":          "\x12\x04\x22\x02\x0a\x09",
		"8 bytes that are 2":               "\x09\x00\x00",
	} {
		d := parse(t, synth.New(minidump.AMD64, minidump.Windows).Stream(minidump.StabilityReportStream, []byte(stream)))
		if d.Stability != nil || len(d.Warnings) != 1 || !strings.HasPrefix(d.Warnings[0], "StabilityReport at offset ") {
			t.Errorf("%s: %+v, warnings %q", name, d.Stability, d.Warnings)
		}
	}
	d := parse(t, synth.New(minidump.AMD64, minidump.Windows).Stream(minidump.StabilityReportStream, nil))
	if d.Stability == nil || len(d.Warnings) != 0 {
		t.Errorf("an empty report: %+v, %q", d.Stability, d.Warnings)
	}
}

func TestThreadInfoOfThreadsThatAreNotThere(t *testing.T) {
	t.Parallel()
	entry := func(id, flags uint32) []byte { return u32s(id, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) }
	stream := slices.Concat(u32s(12, 64, 3), entry(5, 1), entry(1, 2), entry(1, 3))
	d := parse(t, synth.New(minidump.AMD64, minidump.Windows).
		Thread(minidump.Thread{ID: 1}).Thread(minidump.Thread{ID: 2}).Stream(minidump.ThreadInfoListStream, stream))
	if i := d.Threads[0].Info; i == nil || i.DumpFlags != 2 || !i.CreateTime.IsZero() || d.Threads[1].Info != nil {
		t.Errorf("thread 1 has %+v, thread 2 %+v; want the first of thread 1", i, d.Threads[1].Info)
	}
	d = parse(t, synth.New(minidump.AMD64, minidump.Windows).Thread(minidump.Thread{ID: 1}).
		Stream(minidump.ThreadInfoListStream, append(u32s(12, 64, 1), bytes.Repeat([]byte{0xff}, 64)...)))
	if len(d.Warnings) != 0 {
		t.Errorf("times at the end of time: %q", d.Warnings)
	}
}
