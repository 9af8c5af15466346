package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCommittedCodesAreInOrder(t *testing.T) {
	path := filepath.Join("..", "codes.tsv")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := canonical(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(want) {
		t.Errorf("%s is out of order; run go generate ./stackwalk/reason", path)
	}
}

func TestCanonicalSortsAndPads(t *testing.T) {
	got, err := canonical("b\t0x1\tONE\na\t2\tTWO\nb\t00000001\tONE\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := "a\t00000002\tTWO\nb\t00000001\tONE\n"; string(got) != want {
		t.Errorf("canonical = %q; want %q", got, want)
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"two names for a value": "a\t1\tONE\na\t1\tEINS\n",
		"a value of 33 bits":    "a\t100000000\tBIG\n",
		"a line of two columns": "a\t1\n",
		"an empty file":         "",
	} {
		if got, err := canonical(text); err == nil {
			t.Errorf("%s: canonical(%q) = %q; want an error", name, text, got)
		} else if strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%s: the error says nothing", name)
		}
	}
}

func TestRewriteChangesOnlyWhatIsOutOfOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codes.tsv")
	if err := os.WriteFile(path, []byte("b\t1\tB\na\t1\tA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := rewrite(path); err != nil {
			t.Fatal(err)
		}
		got, _ := os.ReadFile(path)
		if want := "a\t00000001\tA\nb\t00000001\tB\n"; string(got) != want {
			t.Errorf("after rewrite %q; want %q", got, want)
		}
	}
	if err := rewrite(path + ".missing"); err == nil {
		t.Error("rewrite of a missing file succeeded")
	}
}
