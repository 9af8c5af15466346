package process_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"socorro"
	"socorro/process"
	"socorro/signature"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/synth"
)

// noted is a dump with what its client noted by Crashpad.
func noted(t *testing.T) string {
	t.Helper()
	const base, stack = 0x40_0000, 0x7000_0000
	r := &minidump.Registers{CPU: minidump.AMD64}
	r.Set(minidump.RIP, base+0x10)
	r.Set(minidump.RSP, stack)
	dump := synth.New(minidump.AMD64, minidump.Linux).
		Module(minidump.Module{Base: base, Size: 0x1000, CodeFile: "/bin/app", DebugFile: "app", DebugID: strings.Repeat("1", 33)}).
		Thread(minidump.Thread{ID: 1, Context: r, Stack: minidump.Region{Base: stack, Data: make([]byte, 64)}}).
		Exception(minidump.Exception{ThreadID: 1, Code: 11}).
		Crashpad(minidump.CrashpadInfo{Annotations: []minidump.KeyValue{{Key: "url", Value: "https://example.org/secret"}}})
	path := filepath.Join(t.TempDir(), "noted.dmp")
	if err := os.WriteFile(path, dump.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatNotEverybodyMaySeeIsNotInJSONDump(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	walker := process.StackWalker{Symbols: symbols.NewCache(symbols.Dir{Roots: []string{root}}, symbols.CacheConfig{})}
	processor := newProcessor(process.Default(walker, signature.New(nil)))
	path := noted(t)
	dumps := append(mainDump(path), socorro.Dump{Name: socorro.MainDump + "_browser", Path: path})
	// Twice, because all crashes share what the cache knows.
	for range 2 {
		crash, err := processor.Process(t.Context(), rawCrash(nil), dumps, nil)
		if err != nil {
			t.Fatal(err)
		}
		public := map[string]any{}
		for name, value := range crash.Other {
			if socorro.PublicField(name) {
				public[name] = value
			}
		}
		others, err := json.Marshal(public)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"json_dump": string(crash.JSONDump), "other public fields": string(others)} {
			if strings.Contains(text, "secret") || strings.Contains(text, root) {
				t.Errorf("%s: %s", name, text)
			}
			if want := `"tried":["app/` + strings.Repeat("1", 33) + `/app.sym"`; !strings.Contains(text, want) {
				t.Errorf("%s lack %s: %s", name, want, text)
			}
		}
		notes, err := json.Marshal(crash.Other["crashpad_info"])
		if err != nil || !strings.Contains(string(notes), "secret") || socorro.PublicField("crashpad_info") {
			t.Errorf("crashpad_info = %s, %v; want the annotations, protected", notes, err)
		}
	}
}
