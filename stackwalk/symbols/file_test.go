package symbols

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const fileID = "0123456789ABCDEF0123456789ABCDEF0"

func TestAFileHasTheSymbolsOfItsModule(t *testing.T) {
	t.Parallel()
	text := "MODULE Linux x86_64 " + fileID + " app\nFUNC 0 10 0 main\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, text)
	z.Close()
	dir := t.TempDir()
	for name, content := range map[string]string{"plain.sym": text, "packed.sym.gz": packed.String(), "mark.sym": "\xef\xbb\xbf" + text} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := NewFile(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		table, look, err := f.Find(t.Context(), Module{DebugFile: "other.so", DebugID: strings.ToLower(fileID)})
		if err != nil || look.Found != path || !slices.Equal(look.Tried, []string{path}) {
			t.Fatalf("%s: %+v, %v", name, look, err)
		}
		if s, ok := table.Lookup(5); !ok || s.Function != "main" {
			t.Errorf("%s: Lookup = %+v, %v", name, s, ok)
		}
		for _, id := range []string{"", "1" + fileID[1:]} {
			if _, look, err := f.Find(t.Context(), Module{DebugFile: "app", DebugID: id}); !errors.Is(err, ErrNotFound) || look.Found != "" {
				t.Errorf("%s has symbols of %q: %v", name, id, err)
			}
		}
	}
	f, err := NewFile(filepath.Join(dir, "plain.sym"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "plain.sym")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Find(t.Context(), Module{DebugID: fileID}); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a file that is gone: %v", err)
	}
}

func TestFilesThatNameNoModule(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"empty.sym": "", "none.sym": "FUNC 0 1 0 main\n", "short.sym": "MODULE Linux x86\n", "bad.sym.gz": "no gzip", "bad.sym.zst": "no zstd"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := NewFile(path, Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("NewFile(%s) = %v; want an error with its name", name, err)
		}
	}
	if _, err := NewFile(filepath.Join(dir, "gone"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestNearMissesAreTheNewestBuilds(t *testing.T) {
	t.Parallel()
	roots := []string{t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "none")}
	for i := range 20 {
		path := filepath.Join(roots[i%2], "app", fmt.Sprintf("%032X0", i))
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(1000+i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	for _, no := range []string{"README", "0123", "nothexnothexnothex", strings.Repeat("1", 41)} {
		if err := os.MkdirAll(filepath.Join(roots[0], "app", no), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	_, look, err := Chain{Dir{Roots: roots}, Dir{Roots: roots[:1]}}.Find(t.Context(), Module{DebugFile: "app", DebugID: fileID})
	if !errors.Is(err, ErrNotFound) || len(look.Near) != mostNear || look.Near[0] != fmt.Sprintf("%032X0", 19) || look.Near[1] != fmt.Sprintf("%032X0", 18) {
		t.Errorf("near misses = %q, %v; want the 8 newest", look.Near, err)
	}
}
