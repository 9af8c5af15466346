package fs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"socorro"
	"socorro/storage/fs"
	"socorro/storage/storagetest"
)

func TestMain(m *testing.M) {
	os.Exit(storagetest.Main(m, map[string]storagetest.Writer{"crashes": writeCrashes}))
}

func open(t testing.TB, dir string, now func() time.Time) *fs.Store {
	t.Helper()
	s, err := fs.Open(fs.Config{Root: dir, MinFree: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreKeepsThePromisesOfACrashStore(t *testing.T) {
	storagetest.Crashes(t, func(t testing.TB, dir string, now func() time.Time) storagetest.CrashStore { return open(t, dir, now) })
}

func TestStoreTellsWhichCrashesAreNew(t *testing.T) {
	storagetest.NewCrashes(t, func(t testing.TB, dir string, now func() time.Time) storagetest.NewCrashStore {
		return open(t, dir, now)
	})
}

// writeCrashes saves one crash after the other, from four goroutines.
func writeCrashes(dir string, acked func(...any)) error {
	s, err := fs.Open(fs.Config{Root: dir, MinFree: -1})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for worker := range 4 {
		go func() {
			for n := worker; ; n += 4 {
				path := filepath.Join(s.Incoming(), fmt.Sprint(n))
				err := os.WriteFile(path, []byte(strings.Repeat("x", 50_000)), 0o600)
				if err == nil {
					err = s.SaveRaw(context.Background(), storagetest.Raw(storagetest.ID(n)), []socorro.Dump{{Path: path}})
				}
				if err == nil {
					acked("raw", storagetest.ID(n))
					err = s.SaveProcessed(context.Background(), storagetest.Processed(storagetest.ID(n), 1))
				}
				if err != nil {
					failed <- err
				}
				acked("processed", storagetest.ID(n))
			}
		}()
	}
	return <-failed
}

func TestKilledStoreHasEveryAnsweredCrashWhole(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		dir := t.TempDir()
		acked := storagetest.Kill(t, "crashes", dir, 20+13*round)
		s := open(t, dir, time.Now)
		found := map[socorro.CrashID]bool{}
		for id, err := range s.NewCrashes(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			found[id] = true
			dumps, err := s.Dumps(t.Context(), id)
			if err != nil || len(dumps) != 1 || dumps[0].Size != 50_000 {
				t.Errorf("dumps of %s = %v, %v", id, dumps, err)
			}
			if _, err := s.LoadRaw(t.Context(), id); err != nil {
				t.Error(err)
			}
			if _, err := s.LoadProcessed(t.Context(), id); err != nil && !errors.Is(err, socorro.ErrNotFound) {
				t.Error(err)
			}
		}
		for _, words := range acked {
			id := socorro.CrashID(words[1])
			if !found[id] {
				t.Errorf("%s was answered and is not there", id)
			}
			if words[0] == "processed" {
				if _, err := s.LoadProcessed(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestTreeLooksLikeSocorros(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, func() time.Time { return time.Date(2026, 11, 24, 13, 7, 15, 0, time.UTC) })
	const id = "0bba929f-8721-460c-8ead-a43c20261123"
	dumps := []socorro.Dump{
		storagetest.Upload(t, s.Incoming(), socorro.MainDump, "MDMP"),
		storagetest.Upload(t, s.Incoming(), "memory_report", "{}"),
	}
	if err := s.SaveRaw(t.Context(), storagetest.Raw(id), dumps); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveProcessed(t.Context(), storagetest.Processed(id, 1)); err != nil {
		t.Fatal(err)
	}
	leaf := "20261123/name/0b/ba/" + id + "/"
	want := []string{
		"20261123/date/13/07_03/" + id + " -> ../../../name/0b/ba/" + id,
		leaf + id + ".dump", leaf + id + ".dump_names.json", leaf + id + ".json", leaf + id + ".jsonz",
		leaf + id + ".memory_report.dump",
		leaf + "date_root -> ../../../../date/13/07_03",
	}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("the tree is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	names, err := os.ReadFile(filepath.Join(dir, leaf, id+".dump_names.json"))
	if err != nil || string(names) != `["memory_report","upload_file_minidump"]` {
		t.Errorf("dump names = %s, %v", names, err)
	}
	// Both links lead where they say.
	if _, err := os.Stat(filepath.Join(dir, leaf, "date_root", id, id+".json")); err != nil {
		t.Error(err)
	}
}

// tree lists files and links below a root; folders that hold none are left out.
func tree(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if target, lerr := os.Readlink(path); lerr == nil {
			rel += " -> " + target
		}
		list = append(list, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOldTreesOfAnyDepthAreRead(t *testing.T) {
	t.Parallel()
	const id = socorro.CrashID("0bba929f-8721-460c-8ead-a43c20071025")
	for depth, radix := range map[int]string{1: "0b", 2: "0b/ba", 3: "0b/ba/92", 4: "0b/ba/92/9f"} {
		t.Run(fmt.Sprint("depth ", depth), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir, time.Now)
			leaf := filepath.Join(dir, "20071025/name", radix, string(id))
			slot := filepath.Join(dir, "20071025/date/00/00_00")
			for _, err := range []error{
				os.MkdirAll(leaf, 0o755), os.MkdirAll(slot, 0o755),
				os.WriteFile(filepath.Join(leaf, string(id)+".json"), []byte(`{"ProductName": "Test", "submitted_timestamp": "2007-10-25T05:04:15+00:00"}`), 0o644),
				os.WriteFile(filepath.Join(leaf, string(id)+".dump"), []byte("MDMP"), 0o644),
				os.Symlink("../../../name/"+radix+"/"+string(id), filepath.Join(slot, string(id))),
				os.Symlink(strings.Repeat("../", depth+2)+"date/00/00_00", filepath.Join(leaf, "date_root")),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			raw, err := s.LoadRaw(t.Context(), id)
			if err != nil || raw.ID != id || raw.Annotations.Text("ProductName") != "Test" {
				t.Errorf("LoadRaw = %+v, %v", raw, err)
			}
			if err := s.SaveProcessed(t.Context(), storagetest.Processed(id, 1)); err != nil {
				t.Error(err)
			}
			for got, err := range s.NewCrashes(t.Context()) {
				if got != id || err != nil {
					t.Errorf("NewCrashes yields %s, %v", got, err)
				}
				if err := s.Acknowledge(t.Context(), got); err != nil {
					t.Error(err)
				}
			}
			if _, err := os.Lstat(filepath.Join(slot, string(id))); !errors.Is(err, os.ErrNotExist) {
				t.Error("the date link is still there after Acknowledge")
			}
			if err := s.Delete(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenSweepsOldLeftoversOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, time.Now)
	old, young := filepath.Join(s.Incoming(), "old"), filepath.Join(s.Incoming(), "young")
	half := filepath.Join(dir, ".building", "half")
	for _, err := range []error{os.WriteFile(old, nil, 0o600), os.WriteFile(young, nil, 0o600), os.MkdirAll(half+"/sub", 0o700)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-7 * time.Hour)
	if err := errors.Join(os.Chtimes(old, past, past), os.Chtimes(half, past, past)); err != nil {
		t.Fatal(err)
	}
	open(t, dir, time.Now)
	for path, want := range map[string]bool{old: false, young: true, half: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t; want %t", path, err == nil, want)
		}
	}
}

func TestNewCrashesTidiesOldSlotsAndDanglingLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clock := storagetest.NewClock()
	s := open(t, dir, clock.Now)
	slot := filepath.Join(dir, "20261123/date/10/20_07")
	link := filepath.Join(slot, string(storagetest.ID(1)))
	if err := errors.Join(os.MkdirAll(slot, 0o755), os.Symlink("nowhere", link)); err != nil {
		t.Fatal(err)
	}
	walk := func() {
		for id, err := range s.NewCrashes(t.Context()) {
			t.Errorf("NewCrashes yields %q, %v", id, err)
		}
	}
	walk()
	if _, err := os.Lstat(link); err != nil {
		t.Error("a fresh link is gone; its crash may be about to appear")
	}
	s = open(t, dir, func() time.Time { return time.Now().Add(2 * time.Hour) })
	walk()
	s = open(t, dir, func() time.Time { return time.Now().Add(4 * time.Hour) })
	walk()
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "20261123/date/10")); err == nil {
		t.Error("the empty hour is still there")
	}
	// What was tidied away is made again when it is needed.
	if err := s.SaveRaw(t.Context(), storagetest.Raw(storagetest.ID(1)), nil); err != nil {
		t.Error(err)
	}
}

func TestVanishedTreeIsUnavailableNotEmpty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, time.Now)
	if err := os.RemoveAll(s.Incoming()); err != nil {
		t.Fatal(err)
	}
	_, load := s.LoadRaw(t.Context(), storagetest.ID(1))
	save := s.SaveRaw(t.Context(), storagetest.Raw(storagetest.ID(1)), nil)
	var walk error
	for _, err := range s.NewCrashes(t.Context()) {
		walk = err
	}
	for what, err := range map[string]error{"LoadRaw": load, "SaveRaw": save, "NewCrashes": walk, "Healthy": s.Healthy()} {
		if !errors.Is(err, socorro.ErrUnavailable) {
			t.Errorf("%s = %v; want ErrUnavailable", what, err)
		}
	}
}

func TestFullDiskIsRefusedBeforeItIsFull(t *testing.T) {
	t.Parallel()
	s, err := fs.Open(fs.Config{Root: t.TempDir(), MinFree: 1 << 60})
	if err != nil {
		t.Fatal(err)
	}
	d := storagetest.Upload(t, s.Incoming(), "", "MDMP")
	err = s.SaveRaw(t.Context(), storagetest.Raw(storagetest.ID(1)), []socorro.Dump{d})
	if !errors.Is(err, socorro.ErrUnavailable) || !strings.Contains(err.Error(), "must stay free") {
		t.Errorf("SaveRaw = %v; want ErrUnavailable that says what to do", err)
	}
	if _, err := os.Stat(d.Path); err != nil {
		t.Error("the refused dump is gone; nobody can bring it elsewhere:", err)
	}
	if err := s.Healthy(); !errors.Is(err, socorro.ErrUnavailable) {
		t.Errorf("Healthy = %v; want ErrUnavailable", err)
	}
}

func TestDamagedFilesAreInvalid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, time.Now)
	id := storagetest.ID(1)
	if err := s.SaveRaw(t.Context(), storagetest.Raw(id), nil); err != nil {
		t.Fatal(err)
	}
	dumps := filepath.Join(dir, "20261123/name", string(id[:2]), string(id[2:4]), string(id))
	for _, text := range []string{"", "{", "\x1f\x8b\x08\x00\x00\x00", "[]"} {
		for _, name := range []string{".json", ".jsonz"} {
			if err := os.WriteFile(filepath.Join(dumps, string(id)+name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.LoadRaw(t.Context(), id); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("LoadRaw of %q = %v; want ErrInvalid", text, err)
		}
		if _, err := s.LoadProcessed(t.Context(), id); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("LoadProcessed of %q = %v; want ErrInvalid", text, err)
		}
	}
	if err := s.SaveProcessed(t.Context(), storagetest.Processed(id, 1)); err != nil {
		t.Error("a damaged file cannot be replaced:", err)
	}
	// A back link that leads out of the tree is not followed.
	root := filepath.Join(dumps, "date_root")
	if err := errors.Join(os.Remove(root), os.Symlink("../../../../../../etc", root)); err != nil {
		t.Fatal(err)
	}
	if err := s.Acknowledge(t.Context(), id); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Acknowledge over a planted link = %v; want ErrInvalid", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, cfg := range []fs.Config{{}, {Root: t.TempDir(), MinuteSlice: 61}, {Root: t.TempDir(), MinuteSlice: -1}} {
		if _, err := fs.Open(cfg); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("Open(%+v) = %v; want ErrInvalid", cfg, err)
		}
	}
}
