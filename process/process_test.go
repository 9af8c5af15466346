package process_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socorro"
	"socorro/process"
	"socorro/signature"
	"socorro/stackwalk/symbols"
)

const id = socorro.CrashID("de1bb258-cbbf-4589-a673-34f800261123")

func newProcessor(pipeline process.Pipeline) *process.Processor {
	if pipeline == nil {
		walker := process.StackWalker{Symbols: symbols.NewCache(symbols.Dir{Roots: []string{"../testdata/symbols"}}, symbols.CacheConfig{})}
		pipeline = process.Default(walker, signature.New(nil))
	}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return &process.Processor{Pipeline: pipeline, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
}

func rawCrash(annotations socorro.Annotations) *socorro.RawCrash {
	return &socorro.RawCrash{ID: id, Submitted: time.Date(2026, 11, 23, 11, 59, 0, 0, time.UTC), Annotations: annotations}
}

func mainDump(path string) []socorro.Dump {
	return []socorro.Dump{{Name: socorro.MainDump, Path: path}}
}

func processed(t *testing.T, raw *socorro.RawCrash, dumps []socorro.Dump) *socorro.ProcessedCrash {
	t.Helper()
	crash, err := newProcessor(nil).Process(t.Context(), raw, dumps, nil)
	if err != nil {
		t.Fatal(err)
	}
	return crash
}

// The crashes of our own test programs, whose sources we know.
func TestCrashesOfOurOwnPrograms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dump, reason, signature string }{
		{"c_div0", "SIGFPE / FPE_INTDIV", "divide"},
		{"c_nullfn", "SIGSEGV / SEGV_MAPERR", "@0x0 | call"},
		{"cpp_inline", "SIGSEGV / SEGV_MAPERR", "operator() | visit"},
		{"rs_panic", "SIGABRT / SI_TKILL", "<usize as core::slice::index::SliceIndex<[T]>>::index | core::slice::index::<T>::index | <alloc::vec::Vec<T, A> as core::ops::index::Index<I>>::index | rs_crash::main::{{closure}}"},
		{"rs_segv", "SIGSEGV / SEGV_MAPERR", "core::ptr::read | core::ptr::const_ptr::<T>::read | <rs_crash::Bad as rs_crash::Shape>::area::{{closure}}"},
	} {
		t.Run(c.dump, func(t *testing.T) {
			t.Parallel()
			crash := processed(t, rawCrash(socorro.Annotations{"ProductName": "Own"}), mainDump(filepath.Join("../testdata/crashes", c.dump+".dmp")))
			if crash.Reason != c.reason || crash.Signature != c.signature {
				t.Errorf("reason %q signature %q; want %q and %q\n%s", crash.Reason, crash.Signature, c.reason, c.signature, crash.ProtoSignature)
			}
			if crash.MDSWStatus != "OK" || crash.OSName != "Linux" || crash.CPUArch != "amd64" || crash.CPUCount == 0 || crash.Address == "" || crash.CrashingThread == nil {
				t.Errorf("walker %q os %q cpu %q (%d) address %q thread %v", crash.MDSWStatus, crash.OSName, crash.CPUArch, crash.CPUCount, crash.Address, crash.CrashingThread)
			}
			if len(crash.MinidumpSHA256) != 64 || !json.Valid(crash.JSONDump) || !crash.Success {
				t.Errorf("sha256 %q, %d bytes of json_dump, success %t", crash.MinidumpSHA256, len(crash.JSONDump), crash.Success)
			}
		})
	}
}

func TestADamagedDumpIsACrashWithANote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, status string }{
		"empty":   {"", "EmptyMinidump"},
		"short":   {"MDMP", "MissingHeader"},
		"garbage": {strings.Repeat("garbage ", 100), "HeaderMismatch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			crash := processed(t, rawCrash(socorro.Annotations{"ProductName": "Own", "CPUArchitecture": "arm64"}), mainDump(path))
			if crash.MDSWStatus != c.status || !strings.Contains(crash.ProcessorNotes, c.status) {
				t.Errorf("status %q, notes %q; want %s in both", crash.MDSWStatus, crash.ProcessorNotes, c.status)
			}
			if !strings.HasPrefix(crash.Signature, "EMPTY") || crash.CPUArch != "arm64" {
				t.Errorf("signature %q cpu %q; want EMPTY… and the annotation's arm64", crash.Signature, crash.CPUArch)
			}
		})
	}
}

func TestACrashWithoutDumpIsProcessed(t *testing.T) {
	t.Parallel()
	crash := processed(t, rawCrash(socorro.Annotations{"ProductName": "Own", "AbortMessage": "out of cheese"}), nil)
	if crash.MDSWStatus != "NoMinidump" || !strings.HasPrefix(crash.Signature, "Abort | out of cheese | EMPTY") {
		t.Errorf("status %q signature %q", crash.MDSWStatus, crash.Signature)
	}
}

func TestPipelineGoesOnAfterARuleFails(t *testing.T) {
	t.Parallel()
	reached := false
	p := newProcessor(process.Pipeline{
		{Name: "identifiers", Apply: func(_ context.Context, s *process.State) error { s.Crash.ID = s.Raw.ID; return nil }},
		{Name: "fails", Apply: func(context.Context, *process.State) error { return errors.New("secret@example.com") }},
		{Name: "panics", Apply: func(context.Context, *process.State) error { panic("secret@example.com") }},
		{Name: "is not asked", When: func(*process.State) bool { return false }, Apply: func(context.Context, *process.State) error { panic("asked") }},
		{Name: "comes last", Apply: func(context.Context, *process.State) error { reached = true; return nil }},
	})
	crash, err := p.Process(t.Context(), rawCrash(nil), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	notes := crash.ProcessorNotes
	if !reached || !strings.Contains(notes, "rule fails failed") || !strings.Contains(notes, "rule panics failed: panic") || strings.Contains(notes, "is not asked") {
		t.Errorf("reached the end: %t; notes:\n%s", reached, notes)
	}
	if strings.Contains(notes, "secret") {
		t.Errorf("the public notes hold an error's text:\n%s", notes)
	}
}

func TestAnEndedContextIsNoResult(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := newProcessor(process.Pipeline{{Name: "stops", Apply: func(context.Context, *process.State) error { cancel(); return nil }}})
	if crash, err := p.Process(ctx, rawCrash(nil), nil, nil); !errors.Is(err, context.Canceled) || crash != nil {
		t.Errorf("Process = %v, %v; want nothing and context.Canceled", crash, err)
	}
}

func TestReprocessingKeepsTheEarlierNotes(t *testing.T) {
	t.Parallel()
	p := newProcessor(nil)
	first, err := p.Process(t.Context(), rawCrash(nil), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Process(t.Context(), rawCrash(nil), nil, first)
	if err != nil {
		t.Fatal(err)
	}
	history, _ := second.Other["processor_history"].([]any)
	if len(history) != 1 || history[0] != first.ProcessorNotes {
		t.Errorf("history = %q; want the first notes", history)
	}
}

func TestDatesOfClients(t *testing.T) {
	t.Parallel()
	submitted := rawCrash(nil).Submitted.Unix()
	number := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		name        string
		annotations socorro.Annotations
		crashTime   int64
		uptime, age *int64
		last        *int64
		note        string
	}{
		{name: "nothing said", crashTime: submitted, note: "missing CrashTime"},
		{
			name:        "all said",
			annotations: socorro.Annotations{"CrashTime": "1700000100", "StartupTime": "1700000000", "InstallTime": "1690000000", "SecondsSinceLastCrash": "86400"},
			crashTime:   1700000100, uptime: number(100), age: number(10000100), last: number(86400),
		},
		{name: "milliseconds", annotations: socorro.Annotations{"CrashTime": "1700000100123"}, crashTime: 1700000100},
		{name: "a fraction", annotations: socorro.Annotations{"CrashTime": json.Number("1700000100.5")}, crashTime: 1700000100},
		{name: "junk", annotations: socorro.Annotations{"CrashTime": "noon"}, crashTime: submitted, note: `non-integer value of "CrashTime"`},
		{name: "negative", annotations: socorro.Annotations{"CrashTime": "-5"}, crashTime: submitted, note: "non-integer"},
		{
			name:        "started after it crashed",
			annotations: socorro.Annotations{"CrashTime": "1700000000", "StartupTime": "1700000100"},
			crashTime:   1700000000, uptime: number(0),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			crash := processed(t, rawCrash(c.annotations), nil)
			if crash.CrashTime != c.crashTime || !same(crash.Uptime, c.uptime) || !same(crash.InstallAge, c.age) || !same(crash.LastCrash, c.last) {
				t.Errorf("crash time %d, uptime %v, age %v, last %v", crash.CrashTime, crash.Uptime, crash.InstallAge, crash.LastCrash)
			}
			if !strings.Contains(crash.ProcessorNotes, c.note) {
				t.Errorf("notes %q; want %q", crash.ProcessorNotes, c.note)
			}
		})
	}
}

func same(a, b *int64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func TestReportKeysAreSearchable(t *testing.T) {
	t.Parallel()
	crash := processed(t, rawCrash(socorro.Annotations{"Good_Key-1": "x", "bad key": "y", strings.Repeat("k", 150): "z"}), nil)
	keys, _ := crash.Other["crash_report_keys"].([]string)
	if len(keys) != 2 || keys[0] != "Good_Key-1" || len(keys[1]) != 100 {
		t.Errorf("crash_report_keys = %q", keys)
	}
	if !strings.Contains(crash.ProcessorNotes, "invalidkeys") {
		t.Errorf("notes %q; want invalidkeys", crash.ProcessorNotes)
	}
}

func TestJavaCrashesAreSignedWithoutTheirMessage(t *testing.T) {
	t.Parallel()
	crash := processed(t, rawCrash(socorro.Annotations{"JavaStackTrace": "a.b.Boom: secret\n\tat c.D.e(D.java:12)\n"}), nil)
	if crash.Signature != "a.b.Boom: at c.D.e(D.java)" || crash.Other["java_stack_trace"] != "a.b.Boom\n\tat c.D.e(D.java:12)" {
		t.Errorf("signature %q, public trace %q", crash.Signature, crash.Other["java_stack_trace"])
	}
}
