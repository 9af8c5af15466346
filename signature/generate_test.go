package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/siglists"
)

// smallLists are enough lists to see each of them at work.
func smallLists(tb testing.TB) *siglists.Lists {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range map[string]string{
		siglists.SentinelsFile:   "sentinel\n",
		siglists.IrrelevantFile:  "@0x[0-9a-f]{2,}\nmozalloc_abort\nNtWaitForSingleObject\nraise$\n",
		siglists.PrefixFile:      "Abort\n[^ ]+\\.dll\n\\(unloaded \n@0x0$\n",
		siglists.LineNumbersFile: "js_Interpret\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	lists, err := siglists.Load(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return lists
}

// stack is crash data with functions on thread 0.
func stack(functions ...string) CrashData {
	var t Thread
	for _, f := range functions {
		t.Frames = append(t.Frames, Frame{Function: f})
	}
	return CrashData{Threads: []Thread{t}}
}

func decode(tb testing.TB, text string) *CrashData {
	tb.Helper()
	var in CrashData
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		tb.Fatal(err)
	}
	return &in
}

const fooBar = `"threads": [{"frames": [{"function": "Foo::bar(int)"}]}]`

func TestSignaturesOfCrashes(t *testing.T) {
	t.Parallel()
	g := New(smallLists(t))
	for _, c := range []struct{ why, in, want string }{
		{
			"a prefix is kept and goes on, an irrelevant frame is left out",
			`{"threads": [{"frames": [{"function": "Abort"}, {"function": "mozalloc_abort"}, {"function": "Foo::bar(int)"}, {"function": "Baz::q()"}]}]}`, "Abort | Foo::bar",
		},
		{
			"modules in lower case on Windows, neighbours merged",
			`{"os": "Windows NT", "threads": [{"frames": [{"function": "NtWaitForSingleObject"}, {"module": "A.dll"}, {"module": "A.dll"}, {"function": "Foo(int)"}]}]}`, "a.dll | Foo",
		},
		{"a sentinel starts the signature", `{"threads": [{"frames": [{"function": "a"}, {"function": "sentinel"}, {"function": "b"}]}]}`, "sentinel"},
		{"nothing but irrelevant frames: the first one", `{"threads": [{"frames": [{"function": "raise"}, {"function": "mozalloc_abort"}]}]}`, "raise"},
		{"no stack: why", `{"threads": null, "mdsw_status_string": "ERROR_NO_MINIDUMP_HEADER"}`, "EMPTY: no frame data available; ERROR_NO_MINIDUMP_HEADER"},
		{"file and line", `{"threads": [{"frames": [{"file": "c:\\a\\b\\foo.cpp", "line": 9}]}]}`, "foo.cpp#9"},
		{"the kernel's module", `{"threads": [{"frames": [{"module": "[vdso]"}]}]}`, "vdso"},
		{"an address", `{"threads": [{"frames": [{"offset": "0x00000000deadbeef"}]}]}`, "@0xdeadbeef"},
		{"a module that was unloaded", `{"threads": [{"frames": [{"unloaded_modules": [{"module": "x.dll"}]}]}]}`, "(unloaded x.dll)"},
		{"a call through null", `{"threads": [{"frames": [{"offset": "0x0"}, {"function": "f()"}]}]}`, "@0x0 | f"},
		{"inlined functions come first", `{"threads": [{"frames": [{"function": "outer()", "inlines": [{"function": "Abort"}, {"function": "inner()"}]}]}]}`, "Abort | inner"},
		{"a line number where the list says so", `{"threads": [{"frames": [{"function": "js_Interpret(a)", "line": 42}]}]}`, "js_Interpret:42"},
		{"Rust by the source file", `{"threads": [{"frames": [{"function": "a::b<c>::d::h0123", "file": "git:github.com/rust-lang/rust:src/lib.rs:abc"}]}]}`, "a::b<T>::d"},
		{"Rust 1.34 lost the module", `{"threads": [{"frames": [{"function": "expect_failed", "file": "git:github.com/rust-lang/rust:src/libcore/option.rs:91856ed5"}]}]}`, "core::option::expect_failed"},
		{"a small allocation drops the stack", `{"oom_allocation_size": 1000, ` + fooBar + `}`, "OOM | small"},
		{"a large one keeps it", `{"oom_allocation_size": 1000000, ` + fooBar + `}`, "OOM | large | Foo::bar"},
		{"memory ran out, nobody knows of how much", `{"reason": "STATUS_NO_MEMORY", ` + fooBar + `}`, "OOM | unknown | Foo::bar"},
		{"the thread's last error says so", `{"threads": [{"last_error_value": "ERROR_COMMITMENT_LIMIT", "frames": [{"function": "f"}]}]}`, "OOM | unknown | f"},
		{"a failing disk", `{"reason": "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_DEVICE_DATA_ERROR", ` + fooBar + `}`, "bad hardware | Foo::bar"},
		{"an abort message", `{"abort_message": "[Parent 3] ###!!! ABORT: X went bad: file /a/b.cpp, line 3", ` + fooBar + `}`, "Abort | X went bad | Foo::bar"},
		{"an abort message that says nothing", `{"abort_message": "###!!! ABORT: file ?, line 0", ` + fooBar + `}`, "Abort | Foo::bar"},
		{"a long abort message", `{"abort_message": "` + strings.Repeat("x", 81) + `", ` + fooBar + `}`, "Abort | " + strings.Repeat("x", 77) + "... | Foo::bar"},
		{"what a shutdown waited for", `{"async_shutdown_timeout": "{\"phase\": \"profile-change\", \"conditions\": [{\"name\": \"B\"}, \"A\"]}", ` + fooBar + `}`, "AsyncShutdownTimeout | profile-change | A,B"},
		{"a shutdown that nobody can read", `{"async_shutdown_timeout": "{", ` + fooBar + `}`, "AsyncShutdownTimeout | UNKNOWN"},
		{"the watchdog looks at the main thread", `{"crashing_thread": 1, "threads": [{"frames": [{"function": "Main::loop()"}]}, {"frames": [{"function": "mozilla::RunWatchdog(void*)"}]}]}`, "shutdownhang | Main::loop"},
		{"an IPC error in the browser", `{"ipc_channel_error": "ShutDownKill", "additional_minidumps": ["upload_file_minidump_browser"], ` + fooBar + `}`, "IPCError-browser | ShutDownKill"},
		{"an IPC error elsewhere", `{"ipc_channel_error": "ShutDownKill", ` + fooBar + `}`, "IPCError-content | ShutDownKill"},
		{"an IPC message and a hang", `{"ipc_message_name": "PFoo::Msg_X", "hang": "ui", ` + fooBar + `}`, "hang: ui | Foo::bar | IPC_Message_Name=PFoo::Msg_X"},
		{"a stack overflow", `{"reason": "EXCEPTION_STACK_OVERFLOW", ` + fooBar + `}`, "stackoverflow | Foo::bar"},
		{"a Java stack trace", `{"java_stack_trace": "java.lang.X: bad thing@deadbeef\n\tat org.mozilla.Foo.bar(Foo.java:123)", ` + fooBar + `}`, "java.lang.X: bad thing@<addr>: at org.mozilla.Foo.bar(Foo.java)"},
		{"a Java exception", `{"java_exception": {"exception": {"values": [{"stacktrace": {"module": "java.lang", "type": "NPE", "frames": [{"module": "a.B", "function": "c", "filename": "B.kt"}]}}]}}}`, "java.lang.NPE: at a.B.c(B.kt)"},
		{"printable characters only", `{"threads": [{"frames": [{"module": "caf\u00e9\tx  y"}]}]}`, "cafx y"},
		{"at most 255 characters", `{"threads": [{"frames": [{"function": "` + strings.Repeat("x", 256) + `"}]}]}`, strings.Repeat("x", 252) + "..."},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			got := g.Generate(decode(t, c.in))
			if got.Signature != c.want {
				t.Errorf("Generate(%s) = %q, notes %q; want %q", c.in, got.Signature, got.Notes, c.want)
			}
		})
	}
}

func TestOurListsNameCrashesOfAllPlatforms(t *testing.T) {
	t.Parallel()
	g := New(nil)
	for _, c := range []struct {
		why    string
		frames []string
		want   string
	}{
		{"glibc abort", []string{"__pthread_kill_implementation", "__pthread_kill_internal", "__GI___pthread_kill", "__GI_raise", "__GI_abort", "app::check(int)", "main"}, "app::check"},
		{"older glibc abort", []string{"raise", "abort", "app::check(int)", "main"}, "abort | app::check"},
		{"C assertion", []string{"raise", "abort", "__assert_fail_base", "__GI___assert_fail", "parse_header", "main"}, "__GI___assert_fail | parse_header"},
		{"smashed stack", []string{"raise", "abort", "__libc_message", "__GI___fortify_fail", "__stack_chk_fail", "copy_name", "main"}, "abort | copy_name"},
		{"double free", []string{"raise", "abort", "__libc_message", "malloc_printerr", "_int_free", "__GI___libc_free", "operator delete(void*)", "Tree::~Tree()", "main"}, "abort | malloc_printerr | _int_free | __GI___libc_free | delete | Tree::~Tree"},
		{"uncaught C++ exception", []string{"raise", "abort", "__gnu_cxx::__verbose_terminate_handler()", "__cxxabiv1::__terminate(void (*)())", "std::terminate()", "__cxa_throw", "app::load(std::string const&)", "main"}, "std::terminate | app::load"},
		{"memcpy of a bad pointer", []string{"__memmove_avx_unaligned_erms", "Decoder::fill(char*)", "main"}, "__memmove_avx_unaligned_erms | Decoder::fill"},
		{"Rust panic", []string{"raise", "abort", "std::sys::pal::unix::abort_internal", "std::process::abort", "rust_panic", "std::panicking::rust_panic_with_hook", "rust_begin_unwind", "core::panicking::panic_fmt", "core::option::unwrap_failed", "core::option::Option<T>::unwrap", "app::config::load", "app::main"}, "core::option::unwrap_failed | app::config::load"},
		{"Rust index out of bounds", []string{"rust_begin_unwind", "core::panicking::panic_fmt", "core::panicking::panic_bounds_check", "<usize as core::slice::index::SliceIndex<[T]>>::index", "<app::Grid as core::ops::index::Index<I>>::index", "app::main"}, "<usize as core::slice::index::SliceIndex<[T]>>::index | <app::Grid as core::ops::index::Index<I>>::index"},
		{"a lambda that lost its scope", []string{"operator()", "app::run()", "main"}, "operator() | app::run"},
		{"a system call", []string{"__GI___libc_write", "app::Log::flush()", "main"}, "__GI___libc_write | app::Log::flush"},
		{"Windows exception", []string{"RaiseException", "_CxxThrowException", "app::Parser::fail(int)", "BaseThreadInitThunk", "RtlUserThreadStart"}, "app::Parser::fail"},
		{"Windows wait", []string{"NtWaitForSingleObject", "WaitForSingleObjectEx", "app::Worker::join()", "BaseThreadInitThunk"}, "app::Worker::join"},
		{"Windows pure call", []string{"abort", "_purecall", "app::View::draw()"}, "_purecall | app::View::draw"},
		{"message to a dead object", []string{"objc_msgSend", "-[Controller update:]", "main"}, "objc_msgSend | -[Controller update:]"},
		{"macOS abort", []string{"__pthread_kill", "pthread_kill", "abort", "abort_message", "demangling_terminate_handler()", "_objc_terminate()", "std::__terminate(void (*)())", "__cxa_rethrow", "objc_exception_rethrow", "main"}, "abort | objc_exception_rethrow"},
		{"Go panic", []string{"runtime.raise.abi0", "runtime.sigraise", "runtime.dieFromSignal", "runtime.fatalthrow", "runtime.throw", "main.load", "runtime.main"}, "runtime.fatalthrow | runtime.throw | main.load"},
		{"crash handler on top", []string{"crashpad::CrashpadClient::DumpWithoutCrash", "app::report()", "main"}, "app::report"},
		{"an application function is never noise", []string{"dispatch_event", "main"}, "dispatch_event"},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			in := stack(c.frames...)
			if got := g.Generate(&in); got.Signature != c.want {
				t.Errorf("Generate(%q) = %q; want %q", c.frames, got.Signature, c.want)
			}
		})
	}
}

func TestARuleThatFailsLeavesANoteAndTheNextGoesOn(t *testing.T) {
	t.Parallel()
	g := New(smallLists(t))
	for _, c := range []struct{ why, in, signature, note string }{
		{
			"a size that is no number", `{"oom_allocation_size": "abc", "hang": "ui", ` + fooBar + `}`, "hang: ui | Foo::bar",
			"OOMSignature: Rule failed: oom_allocation_size is 'abc', not a whole number",
		},
		{
			"an abort message that is a number", `{"abort_message": 5, "hang": "ui", ` + fooBar + `}`, "hang: ui | Foo::bar",
			"AbortSignature: Rule failed: abort_message is a number where a string is needed",
		},
		{
			"a shutdown that is no object", `{"async_shutdown_timeout": "[]", ` + fooBar + `}`, "Foo::bar",
			"SignatureShutdownTimeout: Rule failed: the annotation is a list where an object is needed",
		},
		{
			"an IPC error that is an object", `{"ipc_channel_error": {"a": 1}, "ipc_message_name": "M", ` + fooBar + `}`, "Foo::bar | IPC_Message_Name=M",
			"SignatureIPCChannelError: Rule failed: ipc_channel_error is an object where a string is needed",
		},
		{
			"a thread that is null", `{"threads": [null], "ipc_message_name": "M"}`, "| IPC_Message_Name=M",
			"SignatureGenerationRule: Rule failed: thread 0 is null where an object is needed",
		},
		{
			"a function that is a list", `{"threads": [{"frames": [{"function": ["a"]}]}]}`, "",
			"SignatureGenerationRule: Rule failed: a frame's function is a list where a string is needed",
		},
		{
			"a reason that is a number", `{"reason": 7, ` + fooBar + `}`, "Foo::bar",
			"BadHardware: Rule failed: reason is a number where a string is needed",
		},
		{
			"a function without a name", `{"threads": [{"frames": [{"function": "a"}, {"function": "const"}]}]}`, "",
			"SignatureGenerationRule: Rule failed: a function is nothing but a qualifier, its name is lost",
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			got := g.Generate(decode(t, c.in))
			if got.Signature != c.signature || !slices.Contains(got.Notes, c.note) {
				t.Errorf("Generate(%s) = %q, notes %q; want %q, note %q", c.in, got.Signature, got.Notes, c.signature, c.note)
			}
		})
	}
}

func TestEveryChangeIsInTheDebugLog(t *testing.T) {
	t.Parallel()
	in := stack("f()")
	in.Reason = "EXCEPTION_STACK_OVERFLOW"
	got := New(smallLists(t)).Generate(&in)
	want := []string{
		`SignatureGenerationRule: change signature: "" -> "f"`,
		`StackOverflowSignature: change signature: "f" -> "stackoverflow | f"`,
	}
	if diff := cmp.Diff(want, got.Debug); diff != "" {
		t.Errorf("debug log (-want +got):\n%s", diff)
	}
}

func TestFortyFramesAreLookedAt(t *testing.T) {
	t.Parallel()
	functions := make([]string, 50)
	for i := range functions {
		functions[i] = fmt.Sprintf("Abort%d", i)
	}
	in := stack(functions...)
	in.Threads[0].Frames[0].Inlines = []Inline{{Function: "Abort_inlined"}}
	got := New(smallLists(t)).Generate(&in)
	if frames := strings.Split(got.ProtoSignature, " | "); len(frames) != 40 || frames[39] != "Abort38" {
		t.Errorf("proto signature has %d frames, the last is %q; want 40 and Abort38", len(frames), frames[len(frames)-1])
	}
}

func TestAHugeNameIsNotCopiedFortyTimes(t *testing.T) {
	t.Parallel()
	in := CrashData{Threads: []Thread{{Frames: []Frame{{Module: strings.Repeat("é", 1<<20), Inlines: make([]Inline, 100)}}}}}
	got := New(smallLists(t)).Generate(&in)
	if len(got.ProtoSignature) > 41*maxFrameText {
		t.Errorf("the proto signature has %d bytes", len(got.ProtoSignature))
	}
}

func TestTheCrashIsNotChanged(t *testing.T) {
	t.Parallel()
	const text = `{"os": "Windows NT", "crashing_thread": 0, "threads": [{"frames": [{"module": "A.DLL", "inlines": [{"function": "f(x)"}]}]}]}`
	in := decode(t, text)
	New(nil).Generate(in)
	if diff := cmp.Diff(decode(t, text), in, cmp.AllowUnexported(CrashData{}, Thread{}, Frame{}, Inline{})); diff != "" {
		t.Errorf("Generate changed its input (-before +after):\n%s", diff)
	}
}

func TestAGeneratorServesManyAtOnce(t *testing.T) {
	t.Parallel()
	g := New(smallLists(t))
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range cacheEntries {
				in := stack("Abort", fmt.Sprintf("f%d(int)", i*(worker+1)))
				want := fmt.Sprintf("Abort | f%d", i*(worker+1))
				if got := g.Generate(&in).Signature; got != want {
					t.Errorf("Generate = %q; want %q", got, want)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(g.cache.younger) + len(g.cache.elder); n > 2*cacheEntries {
		t.Errorf("the cache has %d entries; at most %d are allowed", n, 2*cacheEntries)
	}
}

func TestDecodingRefusesWhatIsNoCrash(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "[]", "null", "5", `{"a": 1} x`, strings.Repeat("[", 2000) + strings.Repeat("]", 2000)} {
		if _, err := DecodeProcessed([]byte(text)); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("DecodeProcessed(%.20q) = %v; want ErrInvalid", text, err)
		}
		var in CrashData
		if err := in.UnmarshalJSON([]byte(text)); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("UnmarshalJSON(%.20q) = %v; want ErrInvalid", text, err)
		}
	}
}

func TestAProcessedCrashIsReadFromTheStackWalkersReport(t *testing.T) {
	t.Parallel()
	in, err := DecodeProcessed([]byte(`{"crashing_thread": 5, "reason": "not read", "oom_allocation_size": "1_000_000", "hang": null,
		"json_dump": {"crash_info": {"crashing_thread": 1, "type": "SIGSEGV"}, "system_info": {"os": "Linux"},
		"threads": [{"frames": []}, {"frames": [{"function": "f(int)", "line": 3, "trust": "cfi"}]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	size := int64(1_000_000)
	want := &CrashData{
		OS: "Linux", Reason: "SIGSEGV", CrashingThread: 1, OOMAllocationSize: &size,
		Threads: []Thread{{}, {Frames: []Frame{{Function: "f(int)", Line: 3}}}},
	}
	// A size that was given is remembered twice; see oddCrash.
	in.odd = nil
	if diff := cmp.Diff(want, in, cmp.AllowUnexported(CrashData{}, Thread{}, Frame{}, Inline{})); diff != "" {
		t.Errorf("DecodeProcessed (-want +got):\n%s", diff)
	}
}

// FuzzGenerate: whatever a client says about its crash, the signature is short,
// printable and has no spaces to trim.
func FuzzGenerate(f *testing.F) {
	f.Add([]byte(`{"os": "Windows NT", "crashing_thread": "1", ` + fooBar + `}`))
	f.Add([]byte(`{"threads": {"0": {"frames": [null, {"function": [], "line": [1], "offset": 5, "inlines": "x"}]}}}`))
	f.Add([]byte(`{"java_stack_trace": "a: b\n c(D.java:1)", "java_exception": 5}`))
	f.Add([]byte(`{"java_exception": {"exception": {"values": [{"stacktrace": {"frames": [{}]}}]}}}`))
	f.Add([]byte(`{"async_shutdown_timeout": "{\"phase\": NaN, \"conditions\": [-Infinity, {\"name\": {}}]}", "oom_allocation_size": 1e999}`))
	f.Add([]byte(`{"abort_message": "unable to find a usable font )(", "hang": {"é": "\ud800"}, "ipc_channel_error": [1, 2]}`))
	f.Add([]byte(`{"crashing_thread": -9223372036854775808, "threads": [{"frames": [{"unloaded_modules": [{}]}]}]}`))
	g := New(nil)
	f.Fuzz(func(t *testing.T, text []byte) {
		var in CrashData
		if err := in.UnmarshalJSON(text); err != nil {
			if !errors.Is(err, socorro.ErrInvalid) {
				t.Errorf("UnmarshalJSON(%q) = %v; want ErrInvalid", text, err)
			}
			return
		}
		e := g.Explain(&in)
		s := e.Signature
		if len(s) > maxLength || s != printable(s) || strings.Contains(s, "  ") || s != strings.TrimSpace(s) {
			t.Errorf("Generate(%q) = %q", text, s)
		}
		if len(e.Steps) > maxFrames {
			t.Errorf("Explain(%q) has %d steps", text, len(e.Steps))
		}
		if _, err := json.Marshal(&in); err != nil {
			t.Errorf("Marshal: %v", err)
		}
		_, _ = DecodeProcessed(text) // whatever it says, it returns
	})
}
