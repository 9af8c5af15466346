package stackwalk_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/synth"
)

// names are the frames of a stack, innermost first: trust, module and function.
func names(frames []stackwalk.Frame) []string {
	var out []string
	for i := range frames {
		f := &frames[i]
		where := f.Module + "!" + f.Function
		switch {
		case f.ModuleIndex < 0:
			where = fmt.Sprintf("%#x %s", f.Offset, f.Memory)
		case !f.HasFunction:
			where = fmt.Sprintf("%s+%#x", f.Module, f.ModuleOffset)
		}
		out = append(out, fmt.Sprintf("%s %s", f.Trust, where))
	}
	return out
}

// walkOracle walks a dump of the oracle, with the peer's mistakes or without.
func walkOracle(t *testing.T, dump string, compat bool) *stackwalk.Report {
	t.Helper()
	root := oracle(t)
	d, err := minidump.Parse(load(t, filepath.Join(root, "dumps", dump)))
	if err != nil {
		t.Fatal(err)
	}
	s := symbols.Dir{Roots: []string{filepath.Join(root, "symbols")}, Options: symbols.Options{Strict: compat}}
	r, err := stackwalk.Walk(t.Context(), d, stackwalk.Options{Symbols: s, Compat: compat})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStacksEndWhereTheyBegan(t *testing.T) {
	t.Parallel()
	for _, dump := range []string{"my-c_div0.dmp", "my-c_nullfn.dmp", "my-c_recurse.dmp", "my-cpp_inline.dmp", "my-cpp_threads.dmp", "my-rs_panic.dmp"} {
		peer, ours := walkOracle(t, dump, true), walkOracle(t, dump, false)
		for i := range ours.Threads {
			before, after := names(peer.Threads[i].Frames), names(ours.Threads[i].Frames)
			n := len(after)
			if n == 0 || !strings.HasSuffix(after[n-1], "!_start") && !strings.HasSuffix(after[n-1], "!__clone3") {
				t.Errorf("%s: thread %d ends with %s", dump, i, after[max(0, n-3):])
				continue
			}
			// All else is as it was.
			if diff := cmp.Diff(before[:min(n, len(before))], after); diff != "" {
				t.Errorf("%s: thread %d (-peer +ours):\n%s", dump, i, diff)
			}
		}
		if last := names(peer.CrashingThread.Frames); !strings.HasPrefix(last[len(last)-1], "scan ") {
			t.Errorf("%s: the peer's stack ends with %s; is the case still one?", dump, last[len(last)-1])
		}
	}
}

func TestPiecesOfAFileAreOneModule(t *testing.T) {
	if testing.Short() {
		t.Skip("large")
	}
	t.Parallel()
	whole, split := walkOracle(t, "heavy-mdsw.dmp", false), walkOracle(t, "heavy-mdsw-split.dmp", false)
	if diff := cmp.Diff(names(whole.CrashingThread.Frames), names(split.CrashingThread.Frames)); diff != "" {
		t.Errorf("frames (-whole +split):\n%s", diff)
	}
	pieces := 0
	for _, m := range split.Modules {
		pieces = max(pieces, m.Pieces)
	}
	if pieces != 2 || len(whole.Modules) != len(split.Modules) {
		t.Errorf("%d pieces, %d modules; want 2 and %d", pieces, len(split.Modules), len(whole.Modules))
	}
}

const splitMaps = `400000-401000 r--p 00000000 08:01 7 /lib/split.so
403000-404000 r-xp 00002000 08:01 7 /lib/split.so
500000-501000 r--p 00000000 08:01 8 /lib/twice.so
501000-502000 r-xp 00001000 08:01 8 /lib/twice.so
600000-601000 r--p 00000000 08:01 8 /lib/twice.so
601000-602000 r-xp 00001000 08:01 8 /lib/twice.so
`

func TestALibraryThatIsLoadedTwiceStaysTwoModules(t *testing.T) {
	t.Parallel()
	module := func(base, size uint64, file string, id byte) minidump.Module {
		return minidump.Module{Base: base, Size: size, CodeFile: file, BuildID: bytes.Repeat([]byte{id}, 16)}
	}
	d := synth.New(minidump.AMD64, minidump.Linux).
		Module(module(0x600000, 0x2000, "/lib/twice.so", 8)).
		Module(module(0x403000, 0x1000, "/lib/split.so", 7)).
		Module(module(0x500000, 0x2000, "/lib/twice.so", 8)).
		Module(module(0x400000, 0x1000, "/lib/split.so", 7)).
		Crashpad(minidump.CrashpadInfo{Modules: []minidump.ModuleAnnotations{{Module: 1, List: []string{"note"}}, {Module: 99}}}).
		Stream(minidump.LinuxMapsStream, []byte(splitMaps))
	describe := func(r *stackwalk.Report) (out []string) {
		for _, m := range r.Modules {
			out = append(out, fmt.Sprintf("%x-%x %s %d", m.BaseAddr, m.EndAddr, m.Filename, m.Pieces))
		}
		return out
	}
	r := walk(t, d, stackwalk.Options{})
	want := []string{"600000-602000 twice.so 0", "500000-502000 twice.so 0", "400000-404000 split.so 2"}
	if diff := cmp.Diff(want, describe(r)); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
	if a, b := r.Crashpad.Modules[0].Module, r.Crashpad.Modules[1].Module; a != 2 || b != 99 {
		t.Errorf("annotations are of modules %d and %d; want 2, which the second one is now, and 99", a, b)
	}
	peer := walk(t, d, stackwalk.Options{Compat: true})
	want = []string{"600000-602000 twice.so 0", "403000-404000 split.so 0", "500000-502000 twice.so 0", "400000-401000 split.so 0"}
	if diff := cmp.Diff(want, describe(peer)); diff != "" {
		t.Errorf("the peer's modules (-want +got):\n%s", diff)
	}
}

func TestModulesOfOtherFilesAreNoPieces(t *testing.T) {
	t.Parallel()
	whole := minidump.Module{Base: 0x400000, Size: 0x1000, CodeFile: "/lib/a.so", BuildID: bytes.Repeat([]byte{1}, 16)}
	for name, c := range map[string]struct {
		piece minidump.Module
		maps  string
	}{
		"another id":       {minidump.Module{Base: 0x403000, Size: 0x1000, CodeFile: "/lib/a.so", BuildID: bytes.Repeat([]byte{2}, 16)}, "403000-404000 r-xp 00002000 08:01 7 /lib/a.so"},
		"another name":     {minidump.Module{Base: 0x403000, Size: 0x1000, CodeFile: "/lib/b.so"}, "403000-404000 r-xp 00002000 08:01 7 /lib/a.so"},
		"another file":     {minidump.Module{Base: 0x403000, Size: 0x1000, CodeFile: "/lib/a.so"}, "403000-404000 r-xp 00002000 08:01 9 /lib/a.so"},
		"a start of it":    {minidump.Module{Base: 0x403000, Size: 0x1000, CodeFile: "/lib/a.so"}, "403000-404000 r-xp 00000000 08:01 7 /lib/a.so"},
		"nobody knows":     {minidump.Module{Base: 0x403000, Size: 0x1000, CodeFile: "/lib/a.so"}, "503000-504000 r-xp 00002000 08:01 7 /lib/a.so"},
		"one over another": {minidump.Module{Base: 0x400800, Size: 0x1000, CodeFile: "/lib/a.so"}, "400800-404000 r-xp 00002000 08:01 7 /lib/a.so"},
	} {
		d := synth.New(minidump.AMD64, minidump.Linux).Module(whole).Module(c.piece).
			Stream(minidump.LinuxMapsStream, []byte("400000-401000 r--p 00000000 08:01 7 /lib/a.so\n"+c.maps+"\n"))
		if r := walk(t, d, stackwalk.Options{}); len(r.Modules) != 2 {
			t.Errorf("%s: %d modules; want 2", name, len(r.Modules))
		}
	}
}

// madeCode is a dump whose frame 1 is in memory at 0x9000_0000, which no module has.
func madeCode() *synth.Dump {
	stack := make([]byte, 64)
	binary.LittleEndian.PutUint64(stack[8:], 0x9000_0010)
	binary.LittleEndian.PutUint64(stack[24:], codeBase+0x30)
	return synth.New(minidump.AMD64, minidump.Linux).
		Module(minidump.Module{Base: codeBase, Size: 0x1000, CodeFile: "/bin/app"}).
		Thread(minidump.Thread{ID: 1, Context: registers(codeBase+0x10, stackAt, 0), Stack: minidump.Region{Base: stackAt, Data: stack}}).
		Exception(minidump.Exception{ThreadID: 1, Code: 11})
}

func TestCodeMadeAtRunTimeHasFrames(t *testing.T) {
	t.Parallel()
	protect := func(protect, typ, state uint32) *synth.Dump {
		return madeCode().MemoryInfo(minidump.MemoryInfo{Base: 0x9000_0000, Size: 0x1000, State: state, Protect: protect, Type: typ})
	}
	maps := func(line string) *synth.Dump { return madeCode().Stream(minidump.LinuxMapsStream, []byte(line+"\n")) }
	with := func(where string) []string {
		return []string{"context app+0x10", "scan 0x9000000f " + where, "scan app+0x2f"}
	}
	without := []string{"context app+0x10", "scan app+0x2f"}
	const commit, reserve, private, image = 0x1000, 0x2000, 0x20000, 0x1000000
	for _, c := range []struct {
		name string
		dump *synth.Dump
		want []string
	}{
		{"nothing is known of the memory", madeCode(), without},
		{"executable, of Windows", protect(0x20, private, commit), with("jit")},
		{"of an image that is in no list", protect(0x20, image, commit), with("image")},
		{"writable only", protect(0x04, private, commit), without},
		{"reserved only", protect(0x20, private, reserve), without},
		{"anonymous, of Linux", maps("90000000-90001000 r-xp 00000000 00:00 0 "), with("jit")},
		{"with a name that engines give", maps("90000000-90001000 r-xp 00000000 00:00 0 [anon:v8]"), with("jit")},
		{"of a file in memory", maps("90000000-90001000 r-xp 00000000 00:05 9 /memfd:doublemapper (deleted)"), with("jit")},
		{"of a file that is in no list", maps("90000000-90001000 r-xp 00000000 08:01 9 /opt/x/boot.oat"), with("boot.oat")},
		{"not executable", maps("90000000-90001000 rw-p 00000000 00:00 0 "), without},
		{"ending before", maps("8ffff000-90000000 r-xp 00000000 00:00 0 "), without},
		{"beginning behind", maps("90000010-90001000 r-xp 00000000 00:00 0 "), without},
	} {
		got := walk(t, c.dump, stackwalk.Options{})
		if diff := cmp.Diff(c.want, names(got.Threads[0].Frames)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		peer := walk(t, c.dump, stackwalk.Options{Compat: true})
		if diff := cmp.Diff(without, names(peer.Threads[0].Frames)); diff != "" {
			t.Errorf("%s, with the peer's mistakes (-want +got):\n%s", c.name, diff)
		}
	}
	var text, js bytes.Buffer
	r := walk(t, protect(0x20, private, commit), stackwalk.Options{})
	if err := errors.Join(r.WriteHuman(&text, false), r.WriteJSON(&js, false)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), " 1  0x9000000f (jit)\n") || !strings.Contains(js.String(), `"line":null,"memory":"jit","missing_symbols":true`) {
		t.Errorf("text %s\nJSON %s", text.String(), js.String())
	}
}

func TestOneBadLineDoesNotLoseTheMaps(t *testing.T) {
	t.Parallel()
	d := program(1).Stream(minidump.LinuxMapsStream, []byte("Size: 4 kB\n400000-401000 r-xp 00000000 08:01 7 /bin/app\nnonsense\n401000-402000 r-xp 00000000 08:01 7 /b\xffn\n402000-40"))
	r := walk(t, d, stackwalk.Options{})
	if r.LinuxMemoryMapCount == nil || *r.LinuxMemoryMapCount != 2 || len(r.Warnings) != 4 {
		t.Errorf("%v maps, warnings %q; want 2 and one for each bad line", r.LinuxMemoryMapCount, r.Warnings)
	}
	if r := walk(t, d, stackwalk.Options{Compat: true}); r.LinuxMemoryMapCount != nil {
		t.Errorf("the peer has %d maps; want none", *r.LinuxMemoryMapCount)
	}
}

func TestAssertionsAndAnnotationsAreInTheJSON(t *testing.T) {
	t.Parallel()
	d := program(1).
		Assertion(minidump.Assertion{Expression: "p != NULL", Function: "open_it", File: "it.c", Line: 42, Type: 1}).
		Crashpad(minidump.CrashpadInfo{
			ReportID: "5a9832e5-2872-41c1-838e-d98914e9b7ff", Annotations: []minidump.KeyValue{{Key: "ver", Value: "1"}},
			Modules: []minidump.ModuleAnnotations{{
				List: []string{"abort() called"}, Simple: []minidump.KeyValue{{Key: "b", Value: "simple"}, {Key: "c", Value: "3"}},
				Objects: []minidump.AnnotationObject{{Name: "b", Type: 1, Text: "object"}, {Name: "own", Type: 0x8001}},
			}, {Module: 77}},
		})
	d.Thread(minidump.Thread{ID: 3, Info: &minidump.ThreadInfo{StartAddress: codeBase + 0x80}})
	var js, text bytes.Buffer
	r := walk(t, d, stackwalk.Options{MaxFrames: 1})
	if err := errors.Join(r.WriteJSON(&js, false), r.WriteHuman(&text, false)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"assertion":"invalid parameter passed to a library function: p != NULL, in open_it, at it.c:42"`,
		`"crashpad_info":{"annotations":{"ver":"1"},"client_id":"00000000-0000-0000-0000-000000000000","modules":[{"annotations":{"b":"object","c":"3"},"list":["abort() called"],"module":"app","module_index":0},{"annotations":{},"list":[],"module":null,"module_index":77}],"report_id":"5a9832e5-2872-41c1-838e-d98914e9b7ff"},"handles"`,
		`"start_address":"0x0000000000400080","thread_id":3`,
		`"truncated":true}`, `"warnings":["thread 0: stopped after 1 frames"`,
	} {
		if !strings.Contains(js.String(), want) {
			t.Errorf("JSON lacks %s:\n%s", want, js.String())
		}
	}
	for _, want := range []string{"Assertion: invalid parameter", "\nCrashpad annotations:\nver = 1\napp: abort() called\napp: b = object\napp: c = 3\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, text.String())
		}
	}
	if got := string(r.CrashpadJSON()); !json.Valid([]byte(got)) || !strings.Contains(got, "abort() called") {
		t.Errorf("CrashpadJSON = %s", got)
	}
	js.Reset()
	text.Reset()
	peer := walk(t, d, stackwalk.Options{Compat: true, MaxFrames: 1})
	if err := errors.Join(peer.WriteJSON(&js, false), peer.WriteHuman(&text, false)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"crashpad_info", "start_address", "truncated", "warnings"} {
		if strings.Contains(js.String(), key) {
			t.Errorf("the peer's JSON has %s", key)
		}
	}
	if !strings.Contains(js.String(), `"assertion":null`) || strings.Contains(text.String(), "Crashpad") {
		t.Errorf("the peer says more than it does: %s\n%s", js.String(), text.String())
	}
}

func TestAssertionsInWords(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]minidump.Assertion{
		"":                             {},
		"x > 0":                        {Expression: "x > 0"},
		"pure virtual function called": {Type: 2},
		"f":                            {Function: "f"},
		"x, in f":                      {Expression: "x", Function: "f"},
		"x, at a.c":                    {Expression: "x", File: "a.c"},
		"x, at a.c:3":                  {Expression: "x", File: "a.c", Line: 3},
	} {
		if got := (&stackwalk.Report{Assertion: &a}).AssertionText(); got != want {
			t.Errorf("%+v in words = %q; want %q", a, got, want)
		}
	}
}
