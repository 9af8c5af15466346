package stackwalk_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

func TestDamagedSymbolsGiveThePeersReport(t *testing.T) {
	root := oracle(t)
	dump := load(t, filepath.Join(root, "rust-minidump", "test.dmp"))
	cases, err := filepath.Glob(filepath.Join(root, "badsym", "*"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no damaged symbols: %v", err)
	}
	for _, dir := range cases {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Put the file where the case wants it.
			id := "5A9832E5287241C1838ED98914E9B7FF1"
			if name == "lower_id_dir" {
				id = strings.ToLower(id)
			}
			root := t.TempDir()
			place := filepath.Join(root, "test_app.pdb", id)
			if err := os.MkdirAll(place, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(place, "test_app.sym"), load(t, filepath.Join(dir, "test_app.sym.gz")), 0o644); err != nil {
				t.Fatal(err)
			}
			want := decode(t, load(t, filepath.Join(dir, "golden.json")))
			strict := symbols.Dir{Roots: []string{root}, Options: symbols.Options{Strict: true}}
			if diff := cmp.Diff(want, report(t, dump, strict, true)); diff != "" {
				t.Errorf("strict (-peer +ours):\n%.3000s", diff)
			}

			// Forgiving, the function is found whatever the peer said, where there is one.
			got := report(t, dump, symbols.Dir{Roots: []string{root}}, false)
			frames := got["crashing_thread"].(map[string]any)["frames"].([]any)
			function := frames[0].(map[string]any)["function"]
			switch name {
			case "empty", "lower_id_dir", "windows_utf16":
				if function != nil {
					t.Errorf("function of %s = %v; want none", name, function)
				}
			default:
				if function != "`anonymous namespace'::CrashFunction" {
					t.Errorf("forgiving function of %s = %v", name, function)
				}
			}
		})
	}
}

func report(t *testing.T, dump []byte, s symbols.Supplier, compat bool) map[string]any {
	t.Helper()
	d, err := minidump.Parse(dump)
	if err != nil {
		t.Fatal(err)
	}
	r, err := stackwalk.Walk(t.Context(), d, stackwalk.Options{Symbols: s, Compat: compat})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteJSON(&b, false); err != nil {
		t.Fatal(err)
	}
	return decode(t, b.Bytes())
}

func TestDamagedDumpsGiveThePeersReport(t *testing.T) {
	root := oracle(t)
	dumps, err := filepath.Glob(filepath.Join(root, "mutants", "*.dmp"))
	if err != nil || len(dumps) == 0 {
		t.Fatalf("no damaged dumps: %v", err)
	}
	// Mutants of the same dump share its symbols.
	s := symbols.NewCache(symbols.Dir{Options: symbols.Options{Strict: true}, Roots: []string{
		filepath.Join(root, "rust-minidump", "symbols"), filepath.Join(root, "symbols"),
	}}, symbols.CacheConfig{})
	for _, path := range dumps {
		name := strings.TrimSuffix(filepath.Base(path), ".dmp")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := strings.TrimSuffix(path, ".dmp") + ".json"
			if !exists(answer) {
				if _, err := minidump.Parse(load(t, path)); err == nil {
					t.Error("the peer refused this dump")
				}
				return
			}
			want := decode(t, load(t, answer))
			supplier := symbols.Supplier(s)
			if !askedForSymbols(want) {
				supplier = nil // most were walked without
			}
			got := report(t, load(t, path), supplier, true)
			if strings.HasPrefix(name, "linux_null_read_av") {
				// Breakpad's symbols of this program are not in the oracle.
				for _, key := range []string{"threads", "crashing_thread", "modules"} {
					delete(want, key)
					delete(got, key)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("report (-peer +ours):\n%.3000s", diff)
			}
		})
	}
}

func askedForSymbols(report map[string]any) bool {
	return slices.ContainsFunc(report["modules"].([]any), func(m any) bool {
		state := m.(map[string]any)
		return state["missing_symbols"] == true || state["loaded_symbols"] == true
	})
}
