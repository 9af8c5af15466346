package stackwalk_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/synth"
)

const (
	codeBase = 0x40_0000
	stackAt  = 0x7000_0000
	appID    = "0123456789ABCDEF0123456789ABCDEF0"
)

// recursion is a stack of n frames without symbols, linked by frame pointers.
func recursion(n int) []byte {
	var b []byte
	for i := range n {
		next := uint64(stackAt + (i+1)*16)
		b = binary.LittleEndian.AppendUint64(b, next)
		b = binary.LittleEndian.AppendUint64(b, codeBase+0x100)
	}
	return append(b, make([]byte, 16)...)
}

func registers(ip, sp, bp uint64) *minidump.Registers {
	r := &minidump.Registers{CPU: minidump.AMD64}
	for i := range minidump.AMD64.RegisterCount() {
		r.Set(i, 0)
	}
	r.Set(minidump.RIP, ip)
	r.Set(minidump.RSP, sp)
	r.Set(minidump.RBP, bp)
	return r
}

// program is a dump of two threads; the second crashed.
func program(frames int) *synth.Dump {
	thread := func(id uint32) minidump.Thread {
		return minidump.Thread{
			ID: id, Context: registers(codeBase+0x10, stackAt-8, stackAt),
			Stack: minidump.Region{Base: stackAt - 8, Data: append(make([]byte, 8), recursion(frames)...)},
		}
	}
	return synth.New(minidump.AMD64, minidump.Linux).
		Thread(thread(1)).Thread(thread(2)).
		Module(minidump.Module{Base: codeBase, Size: 0x1000, CodeFile: "/bin/app", DebugFile: "app", DebugID: appID}).
		Exception(minidump.Exception{ThreadID: 2, Code: 11, Flags: 1, Address: 0x10, Context: registers(codeBase+0x20, stackAt-8, stackAt)})
}

func walk(t *testing.T, d *synth.Dump, opt stackwalk.Options) *stackwalk.Report {
	t.Helper()
	dump, err := minidump.Parse(d.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	r, err := stackwalk.Walk(t.Context(), dump, opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheCrashingThreadHasTheExceptionsRegisters(t *testing.T) {
	r := walk(t, program(3), stackwalk.Options{})
	if r.CrashingThread != &r.Threads[1] || *r.CrashInfo.CrashingThread != 1 || r.CrashInfo.Type != "SIGSEGV / SEGV_MAPERR" || *r.CrashInfo.Address != 0x10 {
		t.Fatalf("crash = %+v, thread %+v", r.CrashInfo, r.CrashingThread)
	}
	if got := r.Threads[0].Frames[0].ModuleOffset; got != 0x10 {
		t.Errorf("other thread at %#x; want its own 0x10", got)
	}
	if got := r.CrashingThread.Frames[0].ModuleOffset; got != 0x20 {
		t.Errorf("crashing thread at %#x; want the exception's 0x20", got)
	}
	if n := len(r.CrashingThread.Frames); n != 4 {
		t.Errorf("%d frames; want 4", n)
	}
}

func TestAThreadThatAskedForTheDumpIsTheCrashingOne(t *testing.T) {
	one, two := uint32(1), uint32(2)
	d := program(3).Without(minidump.ExceptionStream).Breakpad(minidump.BreakpadInfo{DumpThread: &two, RequestingThread: &one})
	r := walk(t, d, stackwalk.Options{})
	if r.CrashingThread != &r.Threads[0] || r.CrashInfo.Address != nil || len(r.Threads[1].Frames) != 0 {
		t.Errorf("crash %+v; the dump's writer has %d frames", r.CrashInfo, len(r.Threads[1].Frames))
	}
	var text, js bytes.Buffer
	if err := errors.Join(r.WriteHuman(&text, false), r.WriteJSON(&js, false)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "Thread 0  (requested dump, did not crash) - tid: 1") || strings.Contains(text.String(), "Thread 1") {
		t.Errorf("text:\n%s", text.String())
	}
	if !strings.Contains(js.String(), `"crash_inconsistencies":null,"crashing_thread":0`) {
		t.Errorf("JSON: %s", js.String())
	}
}

func TestFramesOfUnloadedModulesNameThem(t *testing.T) {
	gone := func(base uint64, name string) minidump.UnloadedModule {
		return minidump.UnloadedModule{Base: base, Size: 0x1000, Name: name}
	}
	d := synth.New(minidump.AMD64, minidump.Windows).
		Thread(minidump.Thread{ID: 1, Context: registers(0x5010, stackAt, 0), Stack: minidump.Region{Base: stackAt, Data: make([]byte, 64)}}).
		Unloaded(gone(0x5000, "b.dll")).Unloaded(gone(0x4800, "a.dll")).Unloaded(gone(0x4900, "b.dll")).Unloaded(gone(0x9000, "c.dll"))
	r := walk(t, d, stackwalk.Options{})
	want := []stackwalk.UnloadedAt{{Module: "a.dll", Offsets: []uint64{0x810}}, {Module: "b.dll", Offsets: []uint64{0x10, 0x710}}}
	if diff := cmp.Diff(want, r.Threads[0].Frames[0].UnloadedModules); diff != "" {
		t.Errorf("unloaded modules (-want +got):\n%s", diff)
	}
	var text bytes.Buffer
	if err := r.WriteHuman(&text, false); err != nil || !strings.Contains(text.String(), " 0  0x5010 (unloaded a.dll@0x810) (unloaded b.dll@0x10|0x710)\n") {
		t.Errorf("text:\n%s", text.String())
	}
}

func TestLimitsCutTheWalkAndSaySo(t *testing.T) {
	r := walk(t, program(1000), stackwalk.Options{MaxFrames: 10})
	for _, thread := range r.Threads {
		if len(thread.Frames) != 10 || !thread.Truncated {
			t.Errorf("thread %d: %d frames, truncated %v", thread.Index, len(thread.Frames), thread.Truncated)
		}
	}
	if len(r.Warnings) != 2 {
		t.Errorf("warnings = %q", r.Warnings)
	}
	size := int64(reflect.TypeFor[stackwalk.Frame]().Size())
	r = walk(t, program(1000), stackwalk.Options{MemoryBudget: 100 * size, Threads: 1})
	if n := len(r.CrashingThread.Frames); n != 100 || len(r.Threads[0].Frames) != 0 {
		t.Errorf("with memory for 100 frames the crashing thread has %d and the other %d", n, len(r.Threads[0].Frames))
	}
}

func TestAWalkEndsWithItsContext(t *testing.T) {
	dump, err := minidump.Parse(program(1000).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	slow := supplier(func(ctx context.Context, _ symbols.Module) (*symbols.Table, symbols.Lookup, error) {
		asked.Add(1)
		cancel()
		return nil, symbols.Lookup{}, ctx.Err()
	})
	r, err := stackwalk.Walk(ctx, dump, stackwalk.Options{Symbols: slow})
	if !errors.Is(err, context.Canceled) || r == nil || r.CrashingThread == nil || len(r.CrashingThread.Frames) != 1 {
		t.Errorf("Walk = %+v, %v; want the crash's first frame and the context's error", r, err)
	}
	if asked.Load() != 1 {
		t.Errorf("the supplier was asked %d times", asked.Load())
	}
}

type supplier func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error)

func (f supplier) Find(ctx context.Context, m symbols.Module) (*symbols.Table, symbols.Lookup, error) {
	return f(ctx, m)
}

func TestModulesSayHowTheirSymbolsWereFound(t *testing.T) {
	table, err := symbols.Parse(strings.NewReader("FUNC 0 1000 0 main\nnonsense\n"), symbols.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		supplier symbols.Supplier
		want     stackwalk.Module // of what is compared here
	}{
		{"nobody was asked", nil, stackwalk.Module{}},
		{"absent", supplier(func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error) {
			return nil, symbols.Lookup{}, symbols.ErrNotFound
		}), stackwalk.Module{MissingSymbols: true}},
		{"unreachable", supplier(func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error) {
			return nil, symbols.Lookup{}, errors.New("down")
		}), stackwalk.Module{MissingSymbols: true, SymbolsError: "down"}},
		{"useless", supplier(func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error) {
			return nil, symbols.Lookup{}, &symbols.ParseError{Line: 3, Reason: "bad"}
		}), stackwalk.Module{LoadedSymbols: true, CorruptSymbols: true, SymbolsError: "symbol file line 3: bad"}},
		{"found", supplier(func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error) {
			return table, symbols.Lookup{URL: "https://example.org/app.sym"}, nil
		}), stackwalk.Module{LoadedSymbols: true, BadLines: 1, SymbolURL: "https://example.org/app.sym"}},
	} {
		m := walk(t, program(1), stackwalk.Options{Symbols: c.supplier}).Modules[0]
		got := stackwalk.Module{
			MissingSymbols: m.MissingSymbols, LoadedSymbols: m.LoadedSymbols, CorruptSymbols: m.CorruptSymbols,
			SymbolURL: m.SymbolURL, SymbolsError: m.SymbolsError, BadLines: m.BadLines,
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestExtraJSONNamesSignersAndMicrocode(t *testing.T) {
	for name, extra := range map[string]string{
		"object": `{"ModuleSignatureInfo": {"Acme": ["app"], "Zeta": ["app", "lib"]}, "CPUMicrocodeVersion": "0x1f"}`,
		"string": `{"ModuleSignatureInfo": "{\"Acme\": [\"app\"]}", "CPUMicrocodeVersion": "0x1f"}`,
	} {
		r := walk(t, program(1), stackwalk.Options{EvilJSON: []byte(extra)})
		if !r.ModulesContainCertInfo || r.Modules[0].CertSubject != "Acme" || r.SystemInfo.CPUMicrocodeVersion == nil || *r.SystemInfo.CPUMicrocodeVersion != 0x1f {
			t.Errorf("%s: %q, %+v", name, r.Modules[0].CertSubject, r.SystemInfo)
		}
	}
	for _, nonsense := range []string{`{"ModuleSignatureInfo": 5, "CPUMicrocodeVersion": 7}`, `{"CPUMicrocodeVersion": "1f"}`} {
		r := walk(t, program(1), stackwalk.Options{EvilJSON: []byte(nonsense)})
		if r.ModulesContainCertInfo || r.SystemInfo.CPUMicrocodeVersion != nil {
			t.Errorf("%s is believed", nonsense)
		}
	}
	dump, err := minidump.Parse(program(1).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if r, err := stackwalk.Walk(t.Context(), dump, stackwalk.Options{EvilJSON: []byte("{")}); err == nil || r != nil {
		t.Errorf("broken JSON: %v", err)
	}
}

func TestJSONEscapesWhatItMustAndNoMore(t *testing.T) {
	d := synth.New(minidump.X86, minidump.Windows).
		Thread(minidump.Thread{ID: 1, Name: "tab\there \"quoted\" \\ <b>&\u2028\x01é"}).
		Stream(minidump.MozSoftErrorsStream, []byte(`[{"b": 1.50, "a": [null, true, "x\u0000"], "c": {}, "d": []}]`))
	r := walk(t, d, stackwalk.Options{})
	var compact, pretty bytes.Buffer
	if err := errors.Join(r.WriteJSON(&compact, false), r.WriteJSON(&pretty, true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"thread_name":"tab\there \"quoted\" \\ <b>&` + "\u2028" + `\u0001é"`,
		`"soft_errors":[{"a":[null,true,"x\u0000"],"b":1.50,"c":{},"d":[]}]`,
		`"address":null`, `"frames":[]`,
	} {
		if !strings.Contains(compact.String(), want) {
			t.Errorf("JSON lacks %s:\n%s", want, compact.String())
		}
	}
	var again bytes.Buffer
	if err := json.Indent(&again, compact.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again.String(), pretty.String()); diff != "" {
		t.Errorf("pretty JSON (-indented +ours):\n%s", diff)
	}
	marshalled, err := json.Marshal(r)
	if err != nil || !json.Valid(marshalled) {
		t.Errorf("json.Marshal: %v", err)
	}
}

func TestWriteErrorsComeThrough(t *testing.T) {
	r := walk(t, program(3), stackwalk.Options{})
	if err := r.WriteJSON(failing{}, false); !errors.Is(err, errFull) {
		t.Errorf("JSON: %v", err)
	}
	if err := r.WriteHuman(failing{}, true); !errors.Is(err, errFull) {
		t.Errorf("text: %v", err)
	}
}

var errFull = errors.New("disk is full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestAReportIsTheSameHoweverManyThreadsWalk(t *testing.T) {
	var first string
	for threads := range 4 {
		var b bytes.Buffer
		if err := walk(t, program(50), stackwalk.Options{Threads: threads}).WriteJSON(&b, true); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = b.String()
		}
		if b.String() != first {
			t.Errorf("with %d threads the report differs", threads)
		}
	}
}

// FuzzWalk walks whatever bytes parse as a dump.
func FuzzWalk(f *testing.F) {
	f.Add(program(3).Bytes())
	f.Add(synth.New(minidump.X86, minidump.Windows).Bytes())
	f.Add(everything().Bytes())
	f.Add(madeCode().Stream(minidump.LinuxMapsStream, []byte(splitMaps)).Bytes())
	for _, m := range machines() {
		f.Add(m.dump().Bytes())
	}
	s := symbols.NewCache(supplier(func(context.Context, symbols.Module) (*symbols.Table, symbols.Lookup, error) {
		t, err := symbols.Parse(strings.NewReader("FUNC 0 1000 0 main\nSTACK CFI INIT 0 1000 .cfa: $rsp 1 + .ra: .cfa ^\n"), symbols.Options{})
		return t, symbols.Lookup{}, err
	}), symbols.CacheConfig{})
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := minidump.Parse(data)
		if err != nil {
			return
		}
		r, err := stackwalk.Walk(t.Context(), d, stackwalk.Options{Symbols: s, Threads: 1, MemoryBudget: 16 << 20})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := errors.Join(r.WriteJSON(&b, true), r.WriteHuman(&bytes.Buffer{}, false)); err != nil || !json.Valid(b.Bytes()) {
			t.Fatalf("report is no JSON: %v\n%s", err, b.Bytes())
		}
	})
}
