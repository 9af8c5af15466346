package siglists_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socorro/siglists"
)

func lists(l *siglists.Lists) []*siglists.List {
	return []*siglists.List{l.Sentinels, l.Irrelevant, l.Prefix, l.TrimDLL, l.LineNumbers}
}

func write(t *testing.T, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOurListsLoadAndSayThingsOnce(t *testing.T) {
	t.Parallel()
	for _, list := range lists(siglists.Default()) {
		if len(list.Entries) == 0 {
			t.Errorf("%s is empty", list.Name)
		}
		if list.Source != siglists.Embedded {
			t.Errorf("%s: Source = %q; want %q", list.Name, list.Source, siglists.Embedded)
		}
		seen := map[string]int{}
		for _, e := range list.Entries {
			if first, twice := seen[e.Text]; twice {
				t.Errorf("%s line %d: %q stands in line %d already", list.Name, e.Line, e.Text, first)
			}
			seen[e.Text] = e.Line
		}
	}
}

// An entry is dead when the list that is asked first takes its frames.
func TestNoPrefixOfOursIsIrrelevant(t *testing.T) {
	t.Parallel()
	ours := siglists.Default()
	plain := regexp.MustCompile(`^[A-Za-z0-9_:<>]+\$?$`)
	for _, e := range ours.Prefix.Entries {
		if !plain.MatchString(e.Text) {
			continue
		}
		if by, dead := ours.Irrelevant.Which(strings.TrimSuffix(e.Text, "$")); dead {
			t.Errorf("prefix line %d: %q is never reached, irrelevant line %d (%q) takes it", e.Line, e.Text, by.Line, by.Text)
		}
	}
}

func TestADirectoryOverridesFileByFile(t *testing.T) {
	t.Parallel()
	dir := write(t, siglists.PrefixFile, "# mine\n\n  foo  \r\nbar|baz\n")
	got, err := siglists.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]siglists.Entry{{Line: 3, Text: "foo"}, {Line: 4, Text: "bar|baz"}}, got.Prefix.Entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if want := filepath.Join(dir, siglists.PrefixFile); got.Prefix.Source != want {
		t.Errorf("Source = %q; want %q", got.Prefix.Source, want)
	}
	want := []string{siglists.SentinelsFile, siglists.IrrelevantFile, siglists.TrimDLLFile, siglists.LineNumbersFile}
	if diff := cmp.Diff(want, got.FromProgram()); diff != "" {
		t.Errorf("lists from the program (-want +got):\n%s", diff)
	}
	if !got.Irrelevant.Match("raise") {
		t.Error("the embedded list does not stand in for the missing file")
	}
}

func TestADirectoryThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := siglists.Load(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load(missing) = %v; want fs.ErrNotExist", err)
	}
	dir := write(t, "a file", "")
	if _, err := siglists.Load(filepath.Join(dir, "a file")); err == nil || !strings.Contains(err.Error(), "it is a file") {
		t.Errorf("Load(file) = %v; want an error that says so", err)
	}
}

func TestABadLineIsRefusedWithPlaceAndReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, reason string }{
		{`foo(?=bar)`, "looks ahead"},
		{`foo(?!bar)`, "excludes by looking ahead"},
		{`(?<=a)b`, "looks behind"},
		{`(?<!a)b`, "excludes by looking behind"},
		{`(a)\1`, "refers back"},
		{`(?P<x>a)(?P=x)`, "refers back"},
		{`(a)?(?(1)b|c)`, "depends on another group"},
		{`(?>a+)b`, "atomic"},
		{`a(?#why)b`, "comment"},
		{`a++b`, "possessive"},
		{`a{2}+b`, "possessive"},
		{`a\Z`, "write $"},
		{`\Qa`, "quotes a text"},
		{`foo(`, "missing closing"},
		{`[a`, "missing closing"},
		{`*a`, "missing argument"},
		{"a\xffb", "UTF-8"},
		{strings.Repeat("a", 5000), "at most 4096"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			_, err := siglists.Load(write(t, siglists.IrrelevantFile, "fine\n# note\n"+c.line+"\n"))
			bad, ok := errors.AsType[*siglists.LineError](err)
			if !ok {
				t.Fatalf("Load = %v; want a LineError", err)
			}
			if bad.Line != 3 || !strings.HasSuffix(bad.File, siglists.IrrelevantFile) || !strings.Contains(bad.Reason, c.reason) {
				t.Errorf("error %q; want line 3 of %s and %q", err, siglists.IrrelevantFile, c.reason)
			}
			if len(err.Error()) > 600 {
				t.Errorf("the message has %d characters", len(err.Error()))
			}
		})
	}
}

func TestAllBadLinesAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := siglists.Load(write(t, siglists.PrefixFile, "a(\nfine\nb(\n"))
	if err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("Load = %v; want lines 1 and 3", err)
	}
}

func TestWhatOnlyLooksLikePythonIsFine(t *testing.T) {
	t.Parallel()
	for entry, frame := range map[string]string{
		`a\++b`: "a++b", `[(?=]+x`: "(?x", `\(\?=a`: "(?=a", `[]a]b`: "]b", `[^]a]b`: "xb", `\\1`: `\1`, `(?P<n>a)b`: "ab", `{{closure}}`: "{{closure}}",
	} {
		list, err := siglists.Parse("x", "x", []byte(entry))
		if err != nil {
			t.Errorf("Parse(%q) = %v", entry, err)
			continue
		}
		if !list.Match(frame) {
			t.Errorf("%q does not match %q", entry, frame)
		}
	}
}

func TestAHugeFileIsRefused(t *testing.T) {
	t.Parallel()
	_, err := siglists.Load(write(t, siglists.PrefixFile, strings.Repeat("# padding\n", 500_000)))
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("Load = %v; want a size error", err)
	}
}

func TestAByteOrderMarkIsNoPartOfTheFirstEntry(t *testing.T) {
	t.Parallel()
	list, err := siglists.Parse("x", "x", []byte("\ufefffoo\n"))
	if err != nil || !list.Match("foo") {
		t.Errorf("Parse = %v, %v; want an entry foo", list, err)
	}
}

func TestSentinelsAreComparedLetterByLetter(t *testing.T) {
	t.Parallel()
	list, err := siglists.Parse("x", "x", []byte("std::begin<T>\n_sig.*\n"))
	if err != nil {
		t.Fatal(err)
	}
	for frame, want := range map[string]bool{"std::begin<T>": true, "std::begin<T>::x": false, "_sigtramp": false, "_sig.*": true, "": false} {
		if got := list.Has(frame); got != want {
			t.Errorf("Has(%q) = %t; want %t", frame, got, want)
		}
	}
}

// oracle gives the folder with Mozilla's lists, or skips.
func oracle(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("ORACLE")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "oracle")
	}
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the oracle is needed here: set ORACLE to its folder: %v", err)
		}
		t.Skip("no oracle folder; set ORACLE to load Mozilla's lists")
	}
	return dir
}

func TestMozillasListsLoadUnchanged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(oracle(t), "siglists")
	for _, c := range []struct {
		year     string
		entries  []int // in the order of lists(); of trim_dll only where it is theirs
		fallback []string
	}{
		{"2018", []int{4, 82, 278, 34, 1}, nil},
		{"2026", []int{20, 306, 265, 6, 1}, []string{siglists.TrimDLLFile}},
	} {
		got, err := siglists.Load(filepath.Join(dir, c.year))
		if err != nil {
			t.Fatal(err)
		}
		var entries []int
		for _, l := range lists(got) {
			entries = append(entries, len(l.Entries))
		}
		if !slices.Equal(entries, c.entries) || !slices.Equal(got.FromProgram(), c.fallback) {
			t.Errorf("%s: %v entries, %v from the program; want %v, %v", c.year, entries, got.FromProgram(), c.entries, c.fallback)
		}
	}
}
