package siglists

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// naive is the matcher that the clever one has to equal.
type naive []*regexp.Regexp

func newNaive(list *List) naive {
	n := make(naive, len(list.Entries))
	for i, e := range list.Entries {
		n[i] = regexp.MustCompile(`\A(?:` + e.Text + `)`)
	}
	return n
}

func (n naive) first(frame string) int {
	return slices.IndexFunc(n, func(re *regexp.Regexp) bool { return re.MatchString(frame) })
}

func compare(t *testing.T, list *List, n naive, frame string) {
	t.Helper()
	first := n.first(frame)
	if got := list.Match(frame); got != (first >= 0) {
		t.Errorf("Match(%q) = %t; want %t", frame, got, first >= 0)
	}
	entry, ok := list.Which(frame)
	if ok != (first >= 0) || ok && entry != list.Entries[first] {
		t.Errorf("Which(%q) = %v, %t; want entry %d", frame, entry, ok, first)
	}
}

func TestMatchingIsAnchoredAtTheStartOnly(t *testing.T) {
	t.Parallel()
	list, err := Parse("x", "x", []byte("foo\nbar$\n.*_abort\n(?i)windows\na|b::c\n[xy]?z\n"))
	if err != nil {
		t.Fatal(err)
	}
	for frame, want := range map[string]bool{
		"foo": true, "foobar": true, "xfoo": false, "Foo": false,
		"bar": true, "barn": false,
		"moz_abort": true, "_abort()": true, "moz\n_abort": false,
		"WINDOWS.dll": true,
		"abc":         true, "b::c": true, "b::d": false,
		"z": true, "xz": true, "wz": false, "": false,
	} {
		if got := list.Match(frame); got != want {
			t.Errorf("Match(%q) = %t; want %t", frame, got, want)
		}
		compare(t, list, newNaive(list), frame)
	}
}

func TestOurListsMatchAsPlainExpressions(t *testing.T) {
	t.Parallel()
	ours := Default()
	for _, list := range ours.All() {
		plain := newNaive(list)
		for _, e := range list.Entries {
			for _, frame := range []string{e.Text, strings.TrimRight(e.Text, "$"), e.Text + "x", strings.NewReplacer(`\.`, ".", "(?:", "", ")", "", "?", "", "$", "").Replace(e.Text)} {
				compare(t, list, plain, frame)
			}
		}
	}
}

func TestStartsOfExpressions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		entry string
		texts []string
		exact bool
	}{
		{"foo", []string{"foo"}, true},
		{"foo.*", []string{"foo"}, false},
		{"_?_?mem", []string{"mem", "_mem", "__mem"}, true},
		{"(?:a|b)c+", []string{"ac", "bc"}, false},
		{"[0-9a-f]x", []string{"0x", "1x", "2x", "3x", "4x", "5x", "6x", "7x", "8x", "9x", "ax", "bx", "cx", "dx", "ex", "fx"}, true},
		{".*foo", []string{""}, false},
		{"(?i)foo", []string{""}, false},
		{"[^a]b", []string{""}, false},
	} {
		tree, reason := check(c.entry)
		if reason != "" {
			t.Fatal(reason)
		}
		got := startsOf(tree)
		slices.Sort(got.texts)
		slices.Sort(c.texts)
		if got.exact != c.exact || !slices.Equal(slices.Compact(got.texts), c.texts) {
			t.Errorf("startsOf(%q) = %q, %t; want %q, %t", c.entry, got.texts, got.exact, c.texts, c.exact)
		}
	}
}

// FuzzParse: whatever a list says, it loads and matches as the plain
// expressions would, or is refused with a place and a reason.
func FuzzParse(f *testing.F) {
	f.Add("foo\n# note\nbar$\n", "foobar")
	f.Add("a(?=b)\n", "ab")
	f.Add(".*alloc|x?y\n[a-c]+::\n", "c::malloc")
	f.Add("_?_?(?:m|c)alloc$\n(?:)\n", "__malloc")
	f.Fuzz(func(t *testing.T, text, frame string) {
		if len(text) > 4096 || len(frame) > 512 {
			return // the plain expressions would take too long
		}
		list, err := Parse("fuzz", "fuzz", []byte(text))
		if err != nil {
			for _, part := range strings.Split(err.Error(), "\n") {
				if !strings.Contains(part, "siglists: fuzz line ") {
					t.Errorf("the error %q names no line", part)
				}
			}
			return
		}
		compare(t, list, newNaive(list), frame)
	})
}

func BenchmarkMatch(b *testing.B) {
	ours := Default()
	frames := []string{
		"mozilla::dom::Document::Foo", "memcpy", "std::vector<T>::push_back", "core::panicking::panic_fmt", "nvwgf2umx.dll",
		"<alloc::vec::Vec<T> as core::ops::Drop>::drop", "_PyEval_EvalFrameDefault", "@0x7ff8c1b2d3e4",
	}
	for i := 0; b.Loop(); i++ {
		frame := frames[i%len(frames)]
		ours.Irrelevant.Match(frame)
		ours.Prefix.Match(frame)
	}
}
