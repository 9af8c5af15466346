package minidump_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/synth"
)

// u32s are the bytes of little-endian numbers.
func u32s(v ...uint32) []byte {
	var b []byte
	for _, v := range v {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

func TestFilesThatAreNoMinidumps(t *testing.T) {
	t.Parallel()
	good := synth.New(minidump.X86, minidump.Linux).Bytes()
	patch := func(off int, v uint32) []byte {
		b := append([]byte(nil), good...)
		binary.LittleEndian.PutUint32(b[off:], v)
		return b
	}
	without := func(s minidump.StreamType) []byte {
		return synth.New(minidump.X86, minidump.Linux).Without(s).Bytes()
	}
	for _, c := range []struct {
		name   string
		data   []byte
		kind   string
		stream string
	}{
		{"nothing", nil, "EmptyMinidump", "Header"},
		{"half a header", good[:31], "MissingHeader", "Header"},
		{"a text", []byte(strings.Repeat("not a minidump ", 10)), "HeaderMismatch", "Header"},
		{"another version", patch(4, 0xa794), "VersionMismatch", "Header"},
		{"4 billion streams", patch(8, 1<<32-1), "MissingDirectory", "Directory"},
		{"a directory after the end", patch(12, 1<<32-1), "MissingDirectory", "Directory"},
		{"no streams", patch(8, 0), "MissingThreadList", "ThreadList"},
		{"no threads", without(minidump.ThreadListStream), "MissingThreadList", "ThreadList"},
		{"no system", without(minidump.SystemInfoStream), "MissingSystemInfo", "SystemInfo"},
		{
			"a list of 4 billion threads",
			synth.New(minidump.X86, minidump.Linux).Stream(minidump.ThreadListStream, u32s(1<<32-1)).Bytes(),
			"MissingThreadList", "ThreadList",
		},
		{
			"a short system info",
			synth.New(minidump.X86, minidump.Linux).Stream(minidump.SystemInfoStream, make([]byte, 55)).Bytes(),
			"MissingSystemInfo", "SystemInfo",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := minidump.Parse(c.data)
			fe, ok := errors.AsType[*minidump.FormatError](err)
			if !ok || fe.Name() != c.kind || fe.Stream != c.stream {
				t.Fatalf("Parse = %v; want a FormatError named %s in %s", err, c.kind, c.stream)
			}
			if fe.Reason == "" || !strings.Contains(err.Error(), "offset") {
				t.Errorf("%q says too little", err)
			}
		})
	}
}

// Bad streams must cost themselves and a warning, never the dump.
func TestAStreamThatLiesIsLeftOut(t *testing.T) {
	t.Parallel()
	many := uint32(1<<32 - 1)
	lists := []minidump.StreamType{
		minidump.ModuleListStream, minidump.MemoryListStream, minidump.ThreadNamesStream,
	}
	exLists := []minidump.StreamType{
		minidump.UnloadedModuleListStream, minidump.MemoryInfoListStream, minidump.HandleDataStream,
	}
	type lie struct {
		name   string
		stream minidump.StreamType
		data   []byte
	}
	var lies []lie
	for _, s := range lists {
		lies = append(lies,
			lie{"no count", s, nil}, lie{"4 billion entries", s, u32s(many)},
			lie{"a count too small", s, u32s(0, 0, 0)}, lie{"a count too big", s, u32s(2, 0, 0, 0)})
	}
	for _, s := range exLists {
		size := map[minidump.StreamType]uint32{
			minidump.UnloadedModuleListStream: 24, minidump.MemoryInfoListStream: 48, minidump.HandleDataStream: 32,
		}[s]
		lies = append(lies,
			lie{"no head", s, nil}, lie{"4 billion entries", s, u32s(12, size, many)},
			lie{"entries of 0 bytes", s, u32s(12, 0, many)}, lie{"entries of 4 billion bytes", s, u32s(12, many, 1)},
			lie{"a head of 4 billion bytes", s, u32s(many, size, 1)}, lie{"a head of 0 bytes", s, u32s(0, size, 0)})
	}
	lies = append(lies,
		lie{"a count of 2^64-1", minidump.Memory64ListStream, u32s(many, many, 0, 0)},
		lie{"regions that wrap around", minidump.Memory64ListStream, u32s(2, 0, 32, 0, 0, 0, 8, 0, 0, 0, many, many)},
		lie{"a region after the end", minidump.Memory64ListStream, u32s(1, 0, many, 0, 0, 0, 8, 0)},
		lie{"slack", minidump.Memory64ListStream, u32s(0, 0, 32, 0, 0)},
		lie{"a name after the end", minidump.ModuleListStream, moduleEntry(many, 0, 0)},
		lie{"a CodeView record after the end", minidump.ModuleListStream, moduleEntry(0, 4, many)},
		lie{"short", minidump.ExceptionStream, make([]byte, 167)},
		lie{"short", minidump.MiscInfoStream, make([]byte, 23)},
		lie{"short", minidump.BreakpadInfoStream, make([]byte, 11)},
		lie{"short", minidump.AssertionInfoStream, make([]byte, 775)},
		lie{"short", minidump.CrashpadInfoStream, make([]byte, 51)},
		lie{"version 0", minidump.CrashpadInfoStream, make([]byte, 52)},
		lie{"short", minidump.MozMacCrashInfoStream, make([]byte, 171)},
		lie{"a record after the end", minidump.MozMacCrashInfoStream, append(u32s(0, 1, 0, 8, many), make([]byte, 152)...)},
		lie{"a text after the end", minidump.MozMacBootArgsStream, u32s(0, many, many)},
		lie{"a line without columns", minidump.LinuxMapsStream, []byte("not a map\n")},
		lie{"a line of letters", minidump.LinuxMapsStream, []byte("x-y r--p z a:b c d\n")},
		lie{"an attribute first", minidump.LinuxMapsStream, []byte("Size: 4 kB\n")},
		lie{"no UTF-8", minidump.LinuxMapsStream, []byte("\xff\n")},
		lie{"no JSON", minidump.MozSoftErrorsStream, []byte("{")},
	)
	for _, l := range lies {
		t.Run(l.stream.String()+" "+l.name, func(t *testing.T) {
			t.Parallel()
			d := parse(t, synth.New(minidump.AMD64, minidump.Windows).Thread(minidump.Thread{ID: 1}).Stream(l.stream, l.data))
			if len(d.Warnings) == 0 || !strings.HasPrefix(d.Warnings[0], l.stream.String()) {
				t.Errorf("warnings %q; want one about %s", d.Warnings, l.stream)
			}
			if len(d.Threads) != 1 {
				t.Errorf("%d threads; want the one", len(d.Threads))
			}
		})
	}
}

// moduleEntry is a list of one module with the given name and CodeView record.
func moduleEntry(name, cvSize, cvAt uint32) []byte {
	b := u32s(1, 0x1000, 0, 0x1000, 0, 0, name)
	b = append(b, make([]byte, 52)...)
	b = append(b, u32s(cvSize, cvAt)...)
	return append(b, make([]byte, 24)...)
}

func TestAStreamOutsideOfTheFileIsLeftOut(t *testing.T) {
	t.Parallel()
	b := synth.New(minidump.X86, minidump.Linux).Stream(minidump.LinuxMapsStream, []byte(mapsText)).Bytes()
	entry := b[len(b)-12:] // the last entry of the directory
	for name, v := range map[string][2]uint32{
		"size": {1<<32 - 1, 32}, "place": {4, 1<<32 - 1}, "both": {1<<32 - 1, 1<<32 - 1}, "by one": {5, uint32(len(b)) - 4},
	} {
		binary.LittleEndian.PutUint32(entry[4:], v[0])
		binary.LittleEndian.PutUint32(entry[8:], v[1])
		d, err := minidump.Parse(b)
		if err != nil || d.Maps != nil || len(d.Warnings) != 1 {
			t.Errorf("%s: error %v, maps %v, warnings %q; want no error, no maps, one warning", name, err, d.Maps, d.Warnings)
		}
	}
}

func TestAModuleWithoutASensibleSizeIsLeftOutAlone(t *testing.T) {
	t.Parallel()
	d := parse(t, synth.New(minidump.AMD64, minidump.Linux).
		Module(minidump.Module{Base: 0x1000, CodeFile: "empty"}).
		Module(minidump.Module{Base: 1<<64 - 4, Size: 8, CodeFile: "around the end"}).
		Module(minidump.Module{Base: 0x2000, Size: 8, CodeFile: "good"}))
	if len(d.Modules) != 1 || d.Modules[0].CodeFile != "good" || len(d.Warnings) != 2 {
		t.Errorf("modules %v, warnings %q; want the good one and two warnings", d.Modules, d.Warnings)
	}
}

func TestThreadsThatOverlapInTheFileAreRead(t *testing.T) {
	t.Parallel()
	// Stacks and contexts of all threads at offset 0: nonsense, but in bounds.
	list := u32s(2)
	for id := range uint32(2) {
		list = append(list, u32s(id, 0, 0, 0, 0, 0, 0x1000, 0, 64, 8, 1232, 0)...)
	}
	d := parse(t, synth.New(minidump.AMD64, minidump.Linux).Memory(0, make([]byte, 2000)).Stream(minidump.ThreadListStream, list))
	if len(d.Threads) != 2 || len(d.Threads[0].Stack.Data) != 64 || d.Threads[0].Context != nil {
		t.Errorf("threads %+v; want two with 64 bytes of stack and no context", d.Threads)
	}
}

func TestEveryPrefixOfADumpIsSafe(t *testing.T) {
	t.Parallel()
	for _, cpu := range []minidump.CPU{minidump.AMD64, minidump.MIPS} {
		b := sample(cpu).build(cpu, minidump.Windows)
		if cpu == minidump.MIPS {
			b.BigEndian()
		}
		whole := b.Bytes()
		// The directory is at the end, so a copy of it at the front lets the
		// streams be read, and be cut, at every length.
		order := binary.ByteOrder(binary.LittleEndian)
		if cpu == minidump.MIPS {
			order = binary.BigEndian
		}
		count, at := order.Uint32(whole[8:]), order.Uint32(whole[12:])
		directory := append([]byte(nil), whole[at:at+12*count]...)
		shift := uint32(len(directory))
		moved := append(append(append([]byte(nil), whole[:32]...), directory...), whole[32:]...)
		for i := range count {
			rva := moved[32+12*i+8:]
			order.PutUint32(rva, order.Uint32(rva)+shift)
		}
		order.PutUint32(moved[12:], 32)
		for n := range len(whole) {
			_, _ = minidump.Parse(whole[:n])
		}
		for n := range len(moved) {
			_, _ = minidump.Parse(moved[:n])
		}
	}
}

// One text of 1 MB that 40,000 handles, modules or annotations point to, each a
// little further in, must not become 40 GB.
func TestMemoryIsBoundedByTheFile(t *testing.T) {
	const size = 1 << 20
	text := make([]byte, size)
	for i := 0; i+4 <= size; i += 4 { // a length that fits, at every offset
		binary.LittleEndian.PutUint32(text[i:], uint32(size-i-4)&^1)
	}
	const n = 40_000
	handles := u32s(12, 32, n)
	links := u32s(n)
	for i := range uint32(n) {
		handles = append(handles, u32s(i, 0, 40+4*i, 44+4*i, 0, 0, 0, 0)...)
		links = append(links, u32s(i, 28, 40+4*i)...)
	}
	threads := u32s(n)
	for i := range uint32(n) {
		threads = append(threads, u32s(i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 716, 40)...)
	}
	binary.LittleEndian.PutUint32(text[8:], 0x10000) // context flags of x86
	d := synth.New(minidump.X86, minidump.Windows).Memory(0x1000, text).
		Stream(minidump.HandleDataStream, handles).Stream(minidump.ThreadListStream, threads)
	crashpad := append(u32s(1), make([]byte, 32+8)...)
	d.Stream(minidump.CrashpadInfoStream, append(crashpad, u32s(uint32(len(links)), 0)...))
	file := d.Stream(0x1234, links).Bytes()
	binary.LittleEndian.PutUint32(file[streamAt(file, minidump.CrashpadInfoStream)+48:], uint32(streamAt(file, 0x1234)))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := minidump.Parse(file)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	spent := after.TotalAlloc - before.TotalAlloc
	if limit := 12*uint64(len(file)) + 4<<20; spent > limit {
		t.Errorf("a file of %d bytes cost %d bytes; want at most %d", len(file), spent, limit)
	}
	if len(got.Warnings) > 101 {
		t.Errorf("%d warnings; want 101 at most", len(got.Warnings))
	}
}

// streamAt is the offset of a stream of a little-endian file.
func streamAt(file []byte, typ minidump.StreamType) int {
	count, at := binary.LittleEndian.Uint32(file[8:]), binary.LittleEndian.Uint32(file[12:])
	for i := range count {
		entry := file[at+12*i:]
		if binary.LittleEndian.Uint32(entry) == uint32(typ) {
			return int(binary.LittleEndian.Uint32(entry[8:]))
		}
	}
	return -1
}

func TestBrokenAnnotationsOfOneModuleCostOnlyItself(t *testing.T) {
	t.Parallel()
	b := synth.New(minidump.AMD64, minidump.MacOS).Crashpad(minidump.CrashpadInfo{
		Annotations: []minidump.KeyValue{{Key: "b", Value: "1"}, {Key: "a", Value: "2"}, {Key: "b", Value: "3"}},
		Modules:     []minidump.ModuleAnnotations{{Module: 0, List: []string{"x"}}, {Module: 1, List: []string{"y"}}},
	}).Bytes()
	links := int(binary.LittleEndian.Uint32(b[streamAt(b, minidump.CrashpadInfoStream)+48:]))
	binary.LittleEndian.PutUint32(b[links+12:], 1<<32-8) // the first link's place
	d, err := minidump.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Crashpad; len(c.Modules) != 1 || c.Modules[0].Module != 1 || c.Modules[0].List[0] != "y" {
		t.Errorf("modules %+v; want the second one", c.Modules)
	}
	if a := d.Crashpad.Annotations; len(a) != 2 || a[0].Key != "a" || a[1].Value != "3" {
		t.Errorf("annotations %v; want a=2 and b=3", a)
	}
	if len(d.Warnings) != 1 {
		t.Errorf("warnings %q; want one", d.Warnings)
	}
}

func TestTextThatIsNoUTF16IsNone(t *testing.T) {
	t.Parallel()
	for name, body := range map[string][]byte{
		"half a pair at the end": {0x00, 0xd8}, "half a pair before a letter": {0x00, 0xd8, 'a', 0},
		"the wrong half first": {0x00, 0xdc, 0x00, 0xd8}, "an odd size": {'a', 0, 'b'},
	} {
		names := u32s(1, 1, 0, 0)
		b := synth.New(minidump.X86, minidump.Linux).Thread(minidump.Thread{ID: 1}).
			Stream(0x1234, append(u32s(uint32(len(body))), body...)).Stream(minidump.ThreadNamesStream, names).Bytes()
		binary.LittleEndian.PutUint32(b[streamAt(b, minidump.ThreadNamesStream)+8:], uint32(streamAt(b, 0x1234)))
		d, err := minidump.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if d.Threads[0].Named || len(d.Warnings) != 1 {
			t.Errorf("%s: name %q, warnings %q; want no name and a warning", name, d.Threads[0].Name, d.Warnings)
		}
	}
}
