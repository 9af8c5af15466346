package web

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"socorro"
)

func TestNumbersAreGrouped(t *testing.T) {
	t.Parallel()
	for in, want := range map[any]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", uint64(1) << 63: "9,223,372,036,854,775,808"} {
		if got := grouped(in); got != want {
			t.Errorf("grouped(%v) = %q; want %q", in, got, want)
		}
	}
}

func TestSpansUseTheirLargestUnits(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 94 * time.Second: "1 min", 2*time.Hour + 15*time.Minute: "2 h 15 min",
		24 * time.Hour: "1 d", 76 * time.Hour: "3 d 4 h", 400 * 24 * time.Hour: "1 y 35 d",
	} {
		if got := span(in); got != want {
			t.Errorf("span(%v) = %q; want %q", in, got, want)
		}
	}
	if got := age(noon, noon.Add(time.Minute)); got != "in 1 min" {
		t.Errorf("the age of a minute ahead = %q", got)
	}
}

func TestSizesKeepTheExactCount(t *testing.T) {
	t.Parallel()
	for in, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB (1,536 bytes)", 1<<63 - 1: "8.0 EiB (9,223,372,036,854,775,807 bytes)", -2048: "-2.0 KiB (-2,048 bytes)"} {
		if got := size(in); got != want {
			t.Errorf("size(%d) = %q; want %q", in, got, want)
		}
	}
}

func TestHiddenCharactersBecomeVisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ü 漢 😀": "plain ü 漢 😀", "\x00\x1b[31m": "␀␛[31m", "gpj\u202Eexe": "gpj‹U+202E›exe", "a\u200bb": "a‹U+200B›b",
		"bad \xff": "bad \uFFFD", "line\ntab\t": "line\ntab\t", "\x7f": "␡", "\u2028": "‹U+2028›", "\u0085": "‹U+0085›",
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q; want %q", in, got, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("\x00\u202e\xff", 3)
	f.Fuzz(func(t *testing.T, s string, n int) {
		v := visible(s)
		if !utf8.ValidString(v) || strings.IndexFunc(v, hidden) >= 0 {
			t.Errorf("visible(%q) = %q, which still hides something", s, v)
		}
		if n >= 0 && !utf8.ValidString(shorten(v, n)) {
			t.Errorf("shorten(%q, %d) cuts a character", v, n)
		}
	})
}

func TestOnlyPublicAnnotationsAreShown(t *testing.T) {
	t.Parallel()
	all := socorro.Annotations{"ProductName": "Atlas", "URL": "https://example.org/", "My-Token": "s3cret", "Comments": "hello", "Notes": "a\nb"}
	v := viewAnnotations(all, false)
	for _, r := range v.Rows {
		public := r.Key == "ProductName" || r.Key == "Notes"
		if r.Masked == public || !public && r.Value != "" {
			t.Errorf("%s: masked %v, value %q", r.Key, r.Masked, r.Value)
		}
	}
	if v.Masked != 3 {
		t.Errorf("%d masked; want 3", v.Masked)
	}
	if v := viewAnnotations(all, true); v.Masked != 0 {
		t.Errorf("%d masked with protected data shown; want 0", v.Masked)
	}
}
