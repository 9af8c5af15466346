package stackwalk

import (
	"bytes"
	"strings"
	"testing"
)

// stack is a stack of frames at these addresses.
func stack(offsets string) []Frame {
	frames := make([]Frame, len(offsets))
	for i := range offsets {
		frames[i].Offset = uint64(offsets[i])
	}
	return frames
}

func TestFolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stack string
		want  fold
		ok    bool
	}{
		{"", fold{}, false},
		{"a", fold{}, false},
		{"aaaaaaa", fold{}, false},
		{"aaaaaaaa", fold{0, 1, 8}, true},
		{strings.Repeat("ab", 8) + "a", fold{0, 2, 8}, true},
		{strings.Repeat("ab", 7) + "a", fold{}, false},
		{"x" + strings.Repeat("abc", 9), fold{}, false}, // it begins at the next frame
		{strings.Repeat("abcdefghijklmnop", 8), fold{0, 16, 8}, true},
		{strings.Repeat("abcdefghijklmnopq", 8), fold{}, false},
		{strings.Repeat("aab", 10), fold{0, 3, 10}, true},
	} {
		got, ok := foldAt(stack(c.stack), 0)
		if got != c.want || ok != c.ok {
			t.Errorf("foldAt(%s) = %+v, %v; want %+v, %v", c.stack, got, ok, c.want, c.ok)
		}
	}
}

func TestPlainTextIsTheSameHoweverItIsCut(t *testing.T) {
	t.Parallel()
	const text = "a\x1b\xc2\x9b\xc2\xa0\xc2\xc2\x85\x7fü\n\t\xc2"
	const want = `a\x1b\x9b` + "\xc2\xa0" + "\xc2" + `\x85\x7f` + "ü\n\t\xc2"
	for cut := range len(text) + 1 {
		var b bytes.Buffer
		w := &plainWriter{w: &b}
		for _, part := range []string{text[:cut], text[cut:]} {
			if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		if err := w.finish(); err != nil || b.String() != want {
			t.Errorf("cut at %d: %q, %v; want %q", cut, b.String(), err, want)
		}
	}
}
