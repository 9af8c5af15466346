package symbols

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// large is a symbol file that is worth a table in the store.
func large() string {
	var b strings.Builder
	b.WriteString(awkward)
	for i := range 8000 {
		at := 0x10_0000 + i*0x40
		fmt.Fprintf(&b, "FUNC %x 40 0 a_function_with_a_name_%d\n%x 20 %d 0\n%x 20 %d 0\n", at, i, at, i+1, at+0x20, i+2)
		fmt.Fprintf(&b, "STACK CFI INIT %x 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^\nSTACK CFI %x .cfa: $rsp 16 +\n", at, at+1)
	}
	return b.String()
}

// A shelf is a directory with the symbols of one module, and a store.
type shelf struct {
	dir   Dir
	file  string // the symbols
	store *Store
}

func newShelf(t *testing.T, text []byte, suffix string) *shelf {
	t.Helper()
	root := t.TempDir()
	name := "app/" + id + "/app.sym" + suffix
	put(t, root, name, text)
	s := &shelf{file: filepath.Join(root, filepath.FromSlash(name)), store: newStore(t)}
	s.dir = Dir{Roots: []string{root}, Options: Options{Store: s.store}}
	return s
}

func (s *shelf) find(t *testing.T) *Table {
	t.Helper()
	table, _, err := s.dir.Find(t.Context(), module("app"))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// tables are the files of the store.
func (s *shelf) tables(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.store.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// good fails when a table does not answer as the file says.
func good(t *testing.T, table *Table) {
	t.Helper()
	for i := 0; i < 8000; i += 97 {
		at := uint64(0x10_0000 + i*0x40)
		s, ok := table.Lookup(at + 0x21)
		if want := fmt.Sprintf("a_function_with_a_name_%d", i); !ok || s.Function != want || s.Line != uint32(i+2) || s.File != "/src/main.c" {
			t.Fatalf("Lookup(%#x) = %+v; want %s", at+0x21, s, want)
		}
		if f := newFakeFrame(); !table.Unwind(at+4, f) || f.caller["cfa"] != 0x1010 {
			t.Fatalf("Unwind(%#x) sets %#x", at+4, f.caller)
		}
	}
}

func TestATableIsMadeOnceAndFoundLater(t *testing.T) {
	text := []byte(large())
	for suffix, packed := range map[string][]byte{"": text, ".gz": gzipped(t, string(text))} {
		s := newShelf(t, packed, suffix)
		for range 3 {
			good(t, s.find(t))
		}
		// Another process has a store of its own over the same directory.
		again, err := NewStore(StoreConfig{Dir: filepath.Dir(s.store.dir)})
		if err != nil {
			t.Fatal(err)
		}
		s.dir.Options.Store = again
		good(t, s.find(t))
		if first, second := s.store.Stats(), again.Stats(); first.Made != 1 || first.Hits != 2 || second.Made != 0 || second.Hits != 1 {
			t.Errorf("%q: %+v, then %+v", suffix, first, second)
		}
		if files := s.tables(t); len(files) != 1 {
			t.Errorf("%q: the store has %v", suffix, files)
		}
	}
}

func TestSmallFilesNeedNoTable(t *testing.T) {
	s := newShelf(t, []byte(program), "")
	s.find(t)
	if files := s.tables(t); len(files) != 0 {
		t.Errorf("the store has %v", files)
	}
}

func TestAChangedFileMakesANewTable(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	s.find(t)
	changed := strings.ReplaceAll(large(), "a_function_with_a_name_9", "another_one_altogether")
	if err := os.WriteFile(s.file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if sym, _ := s.find(t).Lookup(0x10_0000 + 9*0x40); sym.Function != "another_one_altogether" {
		t.Errorf("function = %q", sym.Function)
	}
	// Of the same size, only the time differs.
	if err := os.WriteFile(s.file, []byte(strings.ReplaceAll(changed, "altogether", "ALTOGETHER")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(s.file, time.Time{}, time.Unix(1_000_000, 1)); err != nil {
		t.Fatal(err)
	}
	if sym, _ := s.find(t).Lookup(0x10_0000 + 9*0x40); sym.Function != "another_one_ALTOGETHER" {
		t.Errorf("function = %q", sym.Function)
	}
}

func TestStrictAndForgivingTablesAreApart(t *testing.T) {
	s := newShelf(t, []byte(large()+"nonsense\n"), "")
	if bad := s.find(t).Bad; bad == 0 {
		t.Error("no bad line")
	}
	s.dir.Options.Strict = true
	_, _, err := s.dir.Find(t.Context(), module("app"))
	if _, ok := errors.AsType[*ParseError](err); !ok {
		t.Errorf("strict: %v", err)
	}
	if files := s.tables(t); len(files) != 1 {
		t.Errorf("the store has %v; a rejected file leaves nothing", files)
	}
}

func TestADamagedTableIsMadeAnew(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	s.find(t)
	path := s.tables(t)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		b := slices.Clone(whole)
		b[at] ^= 0x10
		return b
	}
	for name, b := range map[string][]byte{
		"empty":           nil,
		"only a header":   whole[:headerSize],
		"cut short":       whole[:len(whole)-1],
		"too long":        append(slices.Clone(whole), 0),
		"another format":  bytes.Repeat([]byte("PNG!"), 1000),
		"another version": flip(8),
		"another machine": append([]byte{whole[7], whole[6], whole[5], whole[4], whole[3], whole[2], whole[1], whole[0]}, whole[8:]...),
		"header":          flip(40),
		"index":           flip(len(whole) - 2000),
		"meta":            flip(len(whole) - 2),
	} {
		before := s.store.Stats()
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		good(t, s.find(t))
		if after := s.store.Stats(); after.Made != before.Made+1 || after.Damaged != before.Damaged+1 {
			t.Errorf("%s: %+v, before %+v", name, after, before)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, whole) {
			t.Errorf("%s: the new table differs, %v", name, err)
		}
	}
}

func TestDamageInTheDataIsNoticedWhenItIsRead(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	s.find(t)
	path := s.tables(t)[0]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("a_function_with_a_name_97"))
	b[at] = 'A'
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	table := s.find(t)
	if sym, _ := table.Lookup(0x10_0000); sym.Function != "a_function_with_a_name_0" {
		t.Errorf("before the damage: %+v", sym)
	}
	good(t, table)
	if len(s.tables(t)) != 0 || s.store.Stats().Damaged != 1 {
		t.Errorf("the damaged table is still there: %+v", s.store.Stats())
	}
}

// Every bit of a table file is flipped, one at a time. The answers stay right.
func TestNoFlippedBitGivesAWrongAnswer(t *testing.T) {
	store := newStore(t)
	text := []byte(awkward)
	plain, err := stored(store, text, Options{})
	if err != nil {
		t.Fatal(err)
	}
	addrs := boundaries(text)
	want := make([]said, len(addrs))
	for i, addr := range addrs {
		want[i] = ask(plain, addr)
	}
	path := store.place("the only one")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := 0; bit < len(whole)*8; bit += 5 {
		b := slices.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		table := &Table{packed: true}
		if !table.readIndex(b, "the only one") {
			continue
		}
		table.repair.make = func() *Table { return plain }
		for i, addr := range addrs {
			if got := ask(table, addr); !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("bit %d of byte %d: at %#x\n%+v\nwant\n%+v", bit%8, bit/8, addr, got, want[i])
			}
		}
	}
}

// Reading a mapped page that the file no longer has raises SIGBUS.
func TestATableCutShortWhileInUseIsReplaced(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	s.find(t)
	for _, size := range []int64{0, 4096} {
		table := s.find(t)
		if err := os.Truncate(s.tables(t)[0], size); err != nil {
			t.Fatal(err)
		}
		good(t, table)
		good(t, s.find(t))
	}
}

func TestASymbolFileCutShortWhileInUseDoesNoHarm(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	s.dir.Options.Store = nil
	table := s.find(t)
	if err := os.Truncate(s.file, 4096); err != nil {
		t.Fatal(err)
	}
	// What is left of the file is read anew.
	for i := range 8000 {
		table.Lookup(uint64(0x10_0000 + i*0x40))
		table.Unwind(uint64(0x10_0000+i*0x40), newFakeFrame())
	}
	if sym, _ := table.Lookup(0x1000); sym.Function != "first" {
		t.Errorf("function = %q", sym.Function)
	}
}

func TestASymbolFileWrittenOverIsReadAnew(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	s.dir.Options.Store = nil
	table := s.find(t)
	if err := os.WriteFile(s.file, []byte("FILE 0 /src/main.c\n"+strings.ReplaceAll(large(), awkward, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	good(t, table)
	if err := os.Remove(s.file); err != nil {
		t.Fatal(err)
	}
	good(t, table)
}

func TestTheStoreForgetsTheLeastRecentlyUsed(t *testing.T) {
	now := time.Unix(1_000_000_000, 0)
	dir := t.TempDir()
	var size int64
	open := func(limit int64) *Store {
		s, err := NewStore(StoreConfig{Dir: dir, Bytes: limit, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	add := func(s *Store, key string) {
		t.Helper()
		now = now.Add(time.Hour)
		if _, err := s.make(func(a *assembly) error { return a.read(strings.NewReader(awkward)) }, key, Options{}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(s.place(key))
		if err != nil {
			t.Fatal(err)
		}
		size = info.Size()
		if err := os.Chtimes(s.place(key), now, now); err != nil {
			t.Fatal(err)
		}
	}
	roomy := open(-1)
	add(roomy, "a")
	add(roomy, "b")
	add(roomy, "c")
	now = now.Add(time.Hour)
	if roomy.load("a") == nil {
		t.Fatal("a is gone")
	}
	put(t, dir, storeFolder+"/"+draftPrefix+"old", []byte("given up"))
	put(t, dir, storeFolder+"/"+draftPrefix+"new", []byte("at work"))
	if err := os.Chtimes(filepath.Join(roomy.dir, draftPrefix+"new"), now, now); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(roomy.dir, draftPrefix+"old"), now, now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}

	// b was not used for the longest time, then c.
	tight := open(3*size + size/2)
	add(tight, "d")
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if got := tight.load(key) != nil; got != want {
			t.Errorf("%s is there: %t; want %t", key, got, want)
		}
	}
	if n := tight.Stats().Evicted; n != 1 {
		t.Errorf("%d tables evicted; want 1", n)
	}
	drafts, _ := filepath.Glob(filepath.Join(tight.dir, draftPrefix+"*"))
	if len(drafts) != 1 || !strings.HasSuffix(drafts[0], "new") {
		t.Errorf("drafts = %v", drafts)
	}
}

func TestAStoreThatFailsOnlyCostsTime(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	if err := os.RemoveAll(s.store.dir); err != nil {
		t.Fatal(err)
	}
	good(t, s.find(t))
	if n := s.store.Stats(); n.Failed != 1 || n.LastError == nil || n.Made != 0 {
		t.Errorf("%+v", n)
	}
	if _, err := NewStore(StoreConfig{Dir: filepath.Join(s.file, "below")}); err == nil {
		t.Error("a store below a file")
	}
}

func TestManyMayShareAStore(t *testing.T) {
	s := newShelf(t, []byte(large()), "")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { good(t, s.find(t)) })
	}
	group.Wait()
	if files := s.tables(t); len(files) != 1 {
		t.Errorf("the store has %v", files)
	}
}

func TestADownloadGoesToTheStoreToo(t *testing.T) {
	text := []byte(large())
	base, asked := server(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(text) })
	dir := t.TempDir()
	store, err := NewStore(StoreConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		table, look, err := supplier(t, HTTPConfig{URLs: []string{base}, Dir: dir, Options: Options{Store: store}}).Find(t.Context(), module("app"))
		if err != nil || look.URL == "" || table.URL != look.URL {
			t.Fatalf("%+v, %v", look, err)
		}
		good(t, table)
	}
	if n := store.Stats(); asked.Load() != 1 || n.Made != 1 || n.Hits != 1 {
		t.Errorf("asked %d times, %+v", asked.Load(), n)
	}
}
