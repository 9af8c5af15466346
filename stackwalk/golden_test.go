package stackwalk_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
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

// oracle is the folder of dumps, symbols and rust-minidump's answers.
func oracle(tb testing.TB) string {
	tb.Helper()
	root := os.Getenv("ORACLE")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "oracle")
	}
	dir := filepath.Join(root, "stackwalk")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("no oracle: %v", err)
		}
		tb.Skipf("no oracle, set ORACLE to its folder: %v", err)
	}
	return dir
}

// load reads a file, unpacked.
func load(tb testing.TB, path string) []byte {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			tb.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// A golden is a dump and what the peer said about it.
type golden struct {
	name, dump, answer, human, symbols string
}

func goldens(tb testing.TB) []golden {
	tb.Helper()
	root := oracle(tb)
	answers, err := filepath.Glob(filepath.Join(root, "goldens", "*.json*"))
	if err != nil || len(answers) == 0 {
		tb.Fatalf("no goldens: %v", err)
	}
	var list []golden
	for _, answer := range answers {
		name, _, _ := strings.Cut(filepath.Base(answer), ".json")
		g := golden{name: name, answer: answer, symbols: filepath.Join(root, "symbols")}
		dump := filepath.Join(root, "dumps", name+".dmp")
		if rest, ok := strings.CutPrefix(name, "rm-"); ok {
			dump = filepath.Join(root, "rust-minidump", rest+".dmp")
			g.symbols = filepath.Join(root, "rust-minidump", "symbols")
		}
		if strings.HasPrefix(name, "client-") {
			g.symbols = ""
		}
		if _, err := os.Stat(dump); err != nil {
			dump += ".gz"
		}
		g.dump = dump
		if human := filepath.Join(root, "goldens", name+".human.txt"); exists(human) {
			g.human = human
		}
		list = append(list, g)
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// walk makes the report of a golden's dump.
func (g golden) walk(tb testing.TB, s symbols.Supplier) *stackwalk.Report {
	tb.Helper()
	d, err := minidump.Parse(load(tb, g.dump))
	if err != nil {
		tb.Fatal(err)
	}
	opt := stackwalk.Options{Symbols: s, Compat: true}
	if g.symbols == "" {
		opt.Symbols = nil
	}
	r, err := stackwalk.Walk(tb.Context(), d, opt)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// strict is the directory supplier that rejects what the peer rejects.
func (g golden) strict() symbols.Supplier {
	return symbols.Dir{Roots: []string{g.symbols}, Options: symbols.Options{Strict: true}}
}

func decode(tb testing.TB, b []byte) map[string]any {
	tb.Helper()
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	// The peer's order is random.
	if limits, ok := v["proc_limits"].(map[string]any); ok {
		slices.SortFunc(limits["limits"].([]any), func(a, b any) int {
			return strings.Compare(fmt.Sprint(a.(map[string]any)["name"]), fmt.Sprint(b.(map[string]any)["name"]))
		})
	}
	return v
}

func TestReportsEqualThePeers(t *testing.T) {
	all := goldens(t)
	caches := map[string]*symbols.Cache{} // by symbol directory
	same := 0
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			if testing.Short() && (strings.HasPrefix(g.name, "heavy-") || g.name == "my-c_overflow") {
				t.Skip("large")
			}
			s := caches[g.symbols]
			if s == nil {
				s = symbols.NewCache(g.strict(), symbols.CacheConfig{})
				caches[g.symbols] = s
			}
			var b bytes.Buffer
			if err := g.walk(t, s).WriteJSON(&b, true); err != nil {
				t.Fatal(err)
			}
			got, want := decode(t, b.Bytes()), decode(t, load(t, g.answer))
			if diff := cmp.Diff(want["crashing_thread"], got["crashing_thread"]); diff != "" {
				t.Errorf("crashing thread (-peer +ours):\n%.3000s", diff)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("report (-peer +ours):\n%.3000s", diff)
			}
			// Where nothing is in random order, the bytes are the same too.
			if got["proc_limits"] == nil {
				if !bytes.Equal(b.Bytes(), load(t, g.answer)) {
					t.Error("the JSON is equal but not its bytes")
				}
				same++
			}
		})
	}
	t.Logf("%d reports, %d of them compared byte for byte", len(all), same)
}

func TestTextEqualsThePeers(t *testing.T) {
	for _, g := range goldens(t) {
		if g.human == "" {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := g.walk(t, g.strict()).WriteHuman(&b, false); err != nil {
				t.Fatal(err)
			}
			want := string(load(t, g.human))
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(b.String(), "\n")); diff != "" {
				t.Errorf("text (-peer +ours):\n%.3000s", diff)
			}
		})
	}
}
