package signature

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/siglists"
)

type legacyCase struct {
	Case     string          `json:"case"`
	Input    json.RawMessage `json:"input"`
	Expected struct {
		Signature string   `json:"signature"`
		Notes     []string `json:"notes"`
		Proto     *string  `json:"proto_signature"`
	} `json:"expected"`
}

func oracleLists2018(tb testing.TB) *siglists.Lists {
	tb.Helper()
	lists, err := siglists.Load(filepath.Join(oracle(tb), "siglists", "2018"))
	if err != nil {
		tb.Fatal(err)
	}
	return lists
}

// sameNotes2018 compares notes exactly but for the text of Python's exceptions.
func sameNotes2018(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for i, w := range want {
		for _, cut := range []string{" failed: ", "Error parsing AsyncShutdownTimeout: "} {
			if at := strings.Index(w, cut); at >= 0 && strings.HasPrefix(w, "Rule ") == (cut == " failed: ") {
				w = w[:at+len(cut)]
				if !strings.HasPrefix(got[i], w) {
					return false
				}
				w = got[i]
			}
		}
		if got[i] != w {
			return false
		}
	}
	return true
}

func TestSignaturesEqualThoseOf2018(t *testing.T) {
	t.Parallel()
	g := newGenerator(Config{Lists: oracleLists2018(t), Compat: true}, &pipelines[1])
	counts, shown := newTally(), 0
	for _, c := range readLines[legacyCase](t, "crash_data-2018.jsonl.gz") {
		in, err := DecodeLegacy(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		got := g.Generate(in)
		var proto *string
		if got.HasProto {
			proto = &got.ProtoSignature
		}
		equal := got.Signature == c.Expected.Signature && sameNotes2018(got.Notes, c.Expected.Notes) && cmp.Equal(proto, c.Expected.Proto)
		counts.count(strings.Split(c.Case, "/")[1], equal)
		if !equal && shown < maxShown {
			shown++
			t.Errorf("%s: %.600s\nsignature %q; want %q\nnotes %q; want %q\nproto (-want +got):\n%s", c.Case, c.Input,
				got.Signature, c.Expected.Signature, got.Notes, c.Expected.Notes, cmp.Diff(c.Expected.Proto, proto))
		}
	}
	counts.report(t)
}

// mistakes2018 are what Socorro of 2018 lost signatures over. The numbers are
// how many of the oracle's crashes come out differently without them; the
// documentation says the same.
var mistakes2018 = []struct {
	title, note string // the note begins so with Config.Compat
	count       int
}{
	{"a letter outside of ASCII", "'ascii' codec", 16},
	{"an unknown hang type", "hang", 4},
	{"a crashing thread in text", "the crashing thread is", 6},
	{"a null module on Windows", "a frame's module is null", 1},
	{"a number that is no JSON", "the name of a condition is a number", 2},
}

func TestMistakesOf2018AreCopiedOnDemandOnly(t *testing.T) {
	t.Parallel()
	lists := oracleLists2018(t)
	exact := newGenerator(Config{Lists: lists, Compat: true}, &pipelines[1])
	ours := newGenerator(Config{Lists: lists}, &pipelines[1])
	counts := map[string]int{}
	for _, c := range readLines[legacyCase](t, "crash_data-2018.jsonl.gz") {
		in, err := DecodeLegacy(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		want, got := exact.Generate(in), ours.Generate(in)
		want.Debug, got.Debug = nil, nil
		if cmp.Equal(want, got) {
			continue
		}
		counts[mistakeIn(want.Notes)]++
	}
	for _, m := range mistakes2018 {
		if counts[m.title] != m.count {
			t.Errorf("%s: %d crashes come out differently; want %d", m.title, counts[m.title], m.count)
		}
		delete(counts, m.title)
	}
	for title, n := range counts {
		t.Errorf("%d crashes come out differently for %q", n, title)
	}
}

func mistakeIn(notes []string) string {
	for _, note := range notes {
		_, why, failed := strings.Cut(note, " failed: ")
		for _, m := range mistakes2018 {
			if failed && strings.Contains(why, m.note) {
				return m.title
			}
		}
	}
	return strings.Join(notes, "; ")
}
