package symbols

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const id = "0123456789ABCDEF0123456789ABCDEF0"

func TestPathOfAModule(t *testing.T) {
	for _, c := range []struct {
		m    Module
		want string // "" for none
	}{
		{Module{DebugFile: "/usr/lib/libc.so.6", DebugID: id}, "libc.so.6/" + id + "/libc.so.6.sym"},
		{Module{DebugFile: `C:\build\app.pdb`, DebugID: id}, "app.pdb/" + id + "/app.sym"},
		{Module{DebugFile: `APP.PDB`, DebugID: id}, "APP.PDB/" + id + "/APP.sym"},
		{Module{CodeFile: "/bin/ls", DebugID: id}, "ls/" + id + "/ls.sym"},
		{Module{DebugFile: ".pdb", DebugID: id}, ".pdb/" + id + "/.pdb.sym"},
		{Module{DebugFile: "app", DebugID: ""}, ""},
		{Module{DebugFile: "app", DebugID: "../../../../../../../../etc/passwd"}, ""},
		{Module{DebugFile: "..", DebugID: id}, ""},
		{Module{DebugFile: `a\..`, DebugID: id}, ""},
		{Module{DebugFile: "a/", DebugID: id}, ""},
		{Module{DebugFile: "a\x00b", DebugID: id}, ""},
		{Module{DebugID: id}, ""},
	} {
		if got, ok := c.m.Path(); got != c.want || ok != (c.want != "") {
			t.Errorf("Path of %+v = %q, %v; want %q", c.m, got, ok, c.want)
		}
	}
}

// put writes a file of a symbol directory.
func put(t *testing.T, root, name string, data []byte) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestADirectoryHasPlainAndPackedFiles(t *testing.T) {
	root := t.TempDir()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, "plain/"+id+"/plain.sym", []byte(program))
	put(t, root, "gz/"+id+"/gz.sym.gz", gzipped(t, program))
	put(t, root, "zst/"+id+"/zst.sym.zst", z.EncodeAll([]byte(program), nil))
	put(t, root, "torn/"+id+"/torn.sym.gz", gzipped(t, program)[:100])
	put(t, root, "fake/"+id+"/fake.sym.gz", []byte(program))
	put(t, root, "void/"+id+"/void.sym", nil)
	dir := Dir{Roots: []string{filepath.Join(root, "absent"), root}}
	for _, name := range []string{"plain", "gz", "zst"} {
		table, look, err := dir.Find(t.Context(), Module{DebugFile: name, DebugID: id})
		if err != nil || !table.Named(0x1000) || look.Found == "" || look.URL != "https://symbols.example.org/program.sym" {
			t.Errorf("%s: %+v, %v", name, look, err)
		}
	}
	for _, name := range []string{"torn", "fake", "void"} {
		_, look, err := dir.Find(t.Context(), Module{DebugFile: name, DebugID: id})
		if _, ok := errors.AsType[*ParseError](err); !ok || look.Found == "" {
			t.Errorf("%s: %+v, %v; want a ParseError", name, look, err)
		}
	}
	_, look, err := dir.Find(t.Context(), Module{DebugFile: "none", DebugID: id})
	if !errors.Is(err, ErrNotFound) || len(look.Tried) != 6 {
		t.Errorf("absent: %+v, %v", look, err)
	}
	long := string(bytes.Repeat([]byte("x"), 300))
	if _, _, err := dir.Find(t.Context(), Module{DebugFile: long, DebugID: id}); !errors.Is(err, ErrNotFound) {
		t.Errorf("name of 300 bytes: %v", err)
	}
}

func TestAPackedFileCannotFillTheMemory(t *testing.T) {
	root := t.TempDir()
	put(t, root, "bomb/"+id+"/bomb.sym.gz", gzipped(t, string(bytes.Repeat([]byte("PUBLIC 1 0 x\n"), 1<<16))))
	_, _, err := Dir{Roots: []string{root}, Options: Options{MaxSize: 1 << 16}}.Find(t.Context(), Module{DebugFile: "bomb", DebugID: id})
	if _, ok := errors.AsType[*ParseError](err); !ok {
		t.Errorf("error = %v", err)
	}
}

func TestASearchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := (Dir{Roots: []string{t.TempDir()}}).Find(ctx, Module{DebugFile: "a", DebugID: id}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

// A supplierFunc is a supplier made of a function.
type supplierFunc func(context.Context, Module) (*Table, Lookup, error)

func (f supplierFunc) Find(ctx context.Context, m Module) (*Table, Lookup, error) { return f(ctx, m) }

func TestAChainStopsAtTheFirstAnswer(t *testing.T) {
	table := parse(t, program)
	none := supplierFunc(func(context.Context, Module) (*Table, Lookup, error) {
		return nil, Lookup{Tried: []string{"first"}}, ErrNotFound
	})
	some := supplierFunc(func(context.Context, Module) (*Table, Lookup, error) {
		return table, Lookup{Found: "second", Tried: []string{"second"}}, nil
	})
	broken := supplierFunc(func(context.Context, Module) (*Table, Lookup, error) {
		return nil, Lookup{}, &ParseError{1, "broken"}
	})
	got, look, err := Chain{none, some, broken}.Find(t.Context(), Module{})
	if got != table || err != nil || len(look.Tried) != 2 || look.Found != "second" {
		t.Errorf("Find = %+v, %v", look, err)
	}
	if _, _, err := (Chain{none, broken, some}).Find(t.Context(), Module{}); errors.Is(err, ErrNotFound) || err == nil {
		t.Errorf("a useless file before a good one: %v", err)
	}
	if _, look, err := (Chain{none, none}).Find(t.Context(), Module{}); !errors.Is(err, ErrNotFound) || len(look.Tried) != 2 {
		t.Errorf("nowhere: %+v, %v", look, err)
	}
}
