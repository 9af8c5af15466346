package stackwalk_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// notYet are the keys of crash_info that the peer fills and we leave null: the
// analysis of the crashing instruction. It must shrink, never grow.
var notYet = []string{"adjusted_address", "instruction", "instruction_pointer_update", "memory_accesses", "possible_bit_flips"}

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
	full, same := 0, 0
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
			complete := true
			for _, key := range notYet {
				have, asked := got["crash_info"].(map[string]any), want["crash_info"].(map[string]any)
				if !cmp.Equal(have[key], asked[key]) {
					complete = false
				}
				delete(have, key)
				delete(asked, key)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("report (-peer +ours):\n%.3000s", diff)
			} else if complete {
				full++
			}
			// Where nothing is in random order, the bytes are the same too.
			if complete && got["proc_limits"] == nil {
				if !bytes.Equal(b.Bytes(), load(t, g.answer)) {
					t.Error("the JSON is equal but not its bytes")
				}
				same++
			}
		})
	}
	t.Logf("%d of %d reports are fully equal (%d compared byte for byte), the others but for %s", full, len(all), same, strings.Join(notYet, ", "))
}

// analysis are the lines of the peer's text that come from the analysis of the
// crashing instruction.
var analysis = regexp.MustCompile(`(?m)^(Crashing instruction: .*|No memory accessed by instruction|Memory accessed by instruction:|  \d+\. .*|     (Size|Access type): .*|     This address falls in .*|No instruction pointer update by instruction|Instruction pointer update done by instruction:|  Address: .*|    \*\* .*|Crashing address may be the result .*)\n`)

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
			want = strings.Replace(analysis.ReplaceAllString(want, ""), " **\n", "\n", 1)
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(b.String(), "\n")); diff != "" {
				t.Errorf("text (-peer +ours):\n%.3000s", diff)
			}
		})
	}
}
