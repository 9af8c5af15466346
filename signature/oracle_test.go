package signature

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/siglists"
)

// oracle gives the folder of recorded answers of Socorro itself. Without it the
// test is skipped, but not in continuous integration.
func oracle(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("ORACLE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "oracle")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("the oracle is needed here: set ORACLE to its folder: %v", err)
		}
		tb.Skip("no oracle folder; set ORACLE to compare with Socorro's own answers")
	}
	return dir
}

func oracleLists(tb testing.TB) *siglists.Lists {
	tb.Helper()
	lists, err := siglists.Load(filepath.Join(oracle(tb), "siglists", "2026"))
	if err != nil {
		tb.Fatal(err)
	}
	return lists
}

// readLines decodes a file of gzipped JSON lines.
func readLines[T any](tb testing.TB, name string) []T {
	tb.Helper()
	f, err := os.Open(filepath.Join(oracle(tb), "signature", name))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	var out []T
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			tb.Fatalf("%s line %d: %v", name, len(out)+1, err)
		}
		out = append(out, v)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

type expectation struct {
	Signature string   `json:"signature"`
	Notes     []string `json:"notes"`
	Proto     string   `json:"proto_signature"`
}

type crashCase struct {
	Case     string      `json:"case"`
	Input    CrashData   `json:"input"`
	Expected expectation `json:"expected"`
	Tags     []string    `json:"tags"`
}

// sameNotes compares notes exactly, except that the text of a Python exception
// is not ours: there everything before it must agree.
func sameNotes(got, want []string) bool {
	return slices.EqualFunc(got, want, func(g, w string) bool {
		for _, cut := range []string{": Rule failed: ", "Error parsing AsyncShutdownTimeout: "} {
			if at := strings.Index(w, cut); at >= 0 {
				return strings.HasPrefix(g, w[:at+len(cut)])
			}
		}
		return g == w
	})
}

// tally counts equal answers by family.
type tally struct {
	equal, total map[string]int
}

func newTally() tally { return tally{map[string]int{}, map[string]int{}} }

func (c tally) count(family string, equal bool) {
	c.total[family]++
	if equal {
		c.equal[family]++
	}
}

func (c tally) report(t *testing.T) {
	t.Helper()
	equal, total := 0, 0
	for _, family := range slices.Sorted(maps.Keys(c.total)) {
		t.Logf("%-24s %5d / %5d", family, c.equal[family], c.total[family])
		equal += c.equal[family]
		total += c.total[family]
	}
	t.Logf("%-24s %5d / %5d", "all", equal, total)
	if equal != total {
		t.Errorf("%d of %d answers equal Socorro's; all should", equal, total)
	}
}

// maxShown is how many differences a test prints.
const maxShown = 20

func TestSignaturesEqualSocorros(t *testing.T) {
	t.Parallel()
	g := New(oracleLists(t))
	counts, shown := newTally(), 0
	for _, c := range readLines[crashCase](t, "crash_data-2026.jsonl.gz") {
		got := g.Generate(&c.Input)
		equal := got.Signature == c.Expected.Signature && got.ProtoSignature == c.Expected.Proto && sameNotes(got.Notes, c.Expected.Notes)
		family, _, _ := strings.Cut(c.Case, "/")
		counts.count(family, equal)
		if !equal && shown < maxShown {
			shown++
			t.Errorf("%s: Generate differs (-want +got):\n%s", c.Case,
				cmp.Diff(c.Expected, expectation{got.Signature, got.Notes, got.ProtoSignature}))
		}
	}
	counts.report(t)
}

func TestCrashDataOfProcessedCrashesEqualsSocorros(t *testing.T) {
	t.Parallel()
	type convertCase struct {
		Processed json.RawMessage `json:"processed_crash"`
		Expected  struct {
			CrashData CrashData `json:"crash_data"`
			Signature string    `json:"signature"`
			Notes     []string  `json:"notes"`
		} `json:"expected"`
	}
	g := New(oracleLists(t))
	counts, shown := newTally(), 0
	for i, c := range readLines[convertCase](t, "convert-2026.jsonl.gz") {
		in, err := DecodeProcessed(c.Processed)
		if err != nil {
			t.Fatal(err)
		}
		got := g.Generate(in)
		diff := cmp.Diff(c.Expected.CrashData, *in, cmp.AllowUnexported(CrashData{}, Thread{}, Frame{}, Inline{}, oddCrash{}, oddFrame{}))
		equal := diff == "" && got.Signature == c.Expected.Signature && sameNotes(got.Notes, c.Expected.Notes)
		counts.count("convert", equal)
		if !equal && shown < maxShown {
			shown++
			t.Errorf("line %d: %.300s\nsignature %q; want %q\nnotes %q; want %q\ncrash data (-want +got):\n%s",
				i+1, c.Processed, got.Signature, c.Expected.Signature, got.Notes, c.Expected.Notes, diff)
		}
	}
	counts.report(t)
}

// functionCase is one call of one of Socorro's text functions. Expected is a
// text, null, a list of booleans or {"error": ...}.
type functionCase struct {
	Kind     string          `json:"kind"`
	Input    string          `json:"input"`
	Line     json.RawMessage `json:"line"`
	Expected json.RawMessage `json:"expected"`
}

func TestFunctionsEqualSocorros(t *testing.T) {
	t.Parallel()
	lists := oracleLists(t)
	counts, shown := newTally(), 0
	for _, c := range readLines[functionCase](t, "functions-2026.jsonl.gz") {
		got, known := answer(lists, c)
		if !known {
			t.Fatalf("no function of the kind %q", c.Kind)
		}
		want := string(c.Expected)
		if strings.HasPrefix(want, "{") {
			want = "error"
		}
		if got != "error" {
			encoded, err := json.Marshal(json.RawMessage(got))
			if err != nil {
				t.Fatal(err)
			}
			got = decoded(t, encoded)
		}
		if want != "error" {
			want = decoded(t, c.Expected)
		}
		counts.count(c.Kind, got == want)
		if got != want && shown < maxShown {
			shown++
			t.Errorf("%s(%q, line %s) = %s; want %s", c.Kind, c.Input, c.Line, got, want)
		}
	}
	counts.report(t)
}

// decoded writes JSON in one spelling.
func decoded(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// answer is ours to one functionCase, in JSON, or "error".
func answer(lists *siglists.Lists, c functionCase) (string, bool) {
	number := func(name string) string {
		if !lists.LineNumbers.Match(name) {
			return name
		}
		line := string(c.Line)
		if line == "null" || line == "" {
			line = "None"
		}
		return name + ":" + line
	}
	encode := func(v any) string {
		b, _ := json.Marshal(v)
		return string(b)
	}
	text := func(s string, err error) (string, bool) {
		if err != nil {
			return "error", true
		}
		return encode(s), true
	}
	switch c.Kind {
	case "cpp":
		return text(normaliseCPP(c.Input, number))
	case "rust":
		return text(normaliseRust(c.Input, number))
	case "drop_prefix":
		s, ok := dropPrefixAndReturnType(c.Input)
		if !ok {
			return "error", true
		}
		return encode(s), true
	case "collapse_types":
		return encode(cppTypes.collapse(c.Input)), true
	case "collapse_arguments":
		return encode(cppArguments.collapse(c.Input)), true
	case "drop_bad_characters":
		return encode(printable(c.Input)), true
	case "strip_leading_zeros":
		return encode(shortHex(c.Input)), true
	case "siglist_match":
		return encode([]bool{lists.Irrelevant.Match(c.Input), lists.Prefix.Match(c.Input), lists.LineNumbers.Match(c.Input)}), true
	case "parse_source_file":
		// Socorro tells an empty path from none; nothing depends on it.
		if s := sourceFile(c.Input); s != "" || string(c.Expected) != "null" {
			return encode(s), true
		}
		return "null", true
	}
	return "", false
}
