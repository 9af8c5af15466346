package storagetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

// Crashes is the suite of crash stores.
func Crashes(t *testing.T, open Opener[CrashStore]) {
	fresh := func(t testing.TB) CrashStore { return open(t, t.TempDir(), time.Now) }
	for name, test := range map[string]func(*testing.T, func(testing.TB) CrashStore){
		"a crash comes back as it was":                     sameCrash,
		"a crash without dumps is a crash":                 noDumps,
		"saving again changes nothing":                     saveRawAgain,
		"dumps from elsewhere are left alone":              dumpsFromElsewhere,
		"names cannot leave the store":                     hostileNames,
		"a refused crash leaves its dumps where they were": refusedDumps,
		"what is not there is ErrNotFound":                 notThere,
		"a processed crash comes back as it was":           sameProcessed,
		"a stale epoch is refused":                         staleProcessed,
		"a processed crash needs its raw crash":            orphanProcessed,
		"a deleted crash is gone":                          deleted,
		"a cancelled save saves nothing":                   cancelled,
		"readers never see half a crash":                   wholeCrashes,
		"the newest epoch wins a race":                     epochRace,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh)
		})
	}
	t.Run("what was answered is there without Close", func(t *testing.T) {
		t.Parallel()
		reopened(t, open)
	})
}

func sameCrash(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	want := Raw(ID(1))
	contents := map[string]string{socorro.MainDump: strings.Repeat("MDMP\x00\xff", 70_000), "memory_report": "{}", "empty": ""}
	var dumps []socorro.Dump
	for name, content := range contents {
		dumps = append(dumps, Upload(t, s.Incoming(), name, content))
	}
	check(t, s.SaveRaw(t.Context(), want, dumps))
	if n := files(t, s.Incoming()); n != 0 {
		t.Errorf("%d files are left in Incoming", n)
	}
	got, err := s.LoadRaw(t.Context(), ID(1))
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("LoadRaw (-want +got):", diff)
	}
	list, err := s.Dumps(t.Context(), ID(1))
	check(t, err)
	if len(list) != len(contents) {
		t.Fatalf("Dumps = %v; want %d", list, len(contents))
	}
	for _, d := range list {
		onDisk, err := os.ReadFile(d.Path)
		check(t, err)
		if want := contents[d.Name]; string(onDisk) != want || d.Size != int64(len(want)) {
			t.Errorf("dump %s has %d bytes, Size %d; want %d", d.Name, len(onDisk), d.Size, len(want))
		}
		if got := readDump(t, s, ID(1), d.Name); got != contents[d.Name] {
			t.Errorf("OpenDump(%s) has %d bytes; want %d", d.Name, len(got), d.Size)
		}
	}
}

func readDump(t *testing.T, s RawStore, id socorro.CrashID, name string) string {
	t.Helper()
	r, size, err := s.OpenDump(t.Context(), id, name)
	check(t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	check(t, err)
	if size != int64(len(content)) {
		t.Errorf("OpenDump(%s) says %d bytes and has %d", name, size, len(content))
	}
	return string(content)
}

func noDumps(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), nil))
	list, err := s.Dumps(t.Context(), ID(1))
	if err != nil || len(list) != 0 {
		t.Errorf("Dumps = %v, %v; want none", list, err)
	}
	if _, _, err := s.OpenDump(t.Context(), ID(1), socorro.MainDump); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("OpenDump = %v; want ErrNotFound", err)
	}
}

func saveRawAgain(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	first := Raw(ID(1))
	check(t, s.SaveRaw(t.Context(), first, []socorro.Dump{Upload(t, s.Incoming(), socorro.MainDump, "first")}))
	check(t, s.SaveProcessed(t.Context(), Processed(ID(1), 1)))
	second := Raw(ID(1))
	second.Annotations["Version"] = "999"
	check(t, s.SaveRaw(t.Context(), second, []socorro.Dump{Upload(t, s.Incoming(), socorro.MainDump, "second")}))
	got, err := s.LoadRaw(t.Context(), ID(1))
	check(t, err)
	if diff := cmp.Diff(first, got); diff != "" {
		t.Error("LoadRaw (-want +got):", diff)
	}
	if got := readDump(t, s, ID(1), ""); got != "first" {
		t.Errorf("the dump is %q; want the first", got)
	}
	if n := files(t, s.Incoming()); n != 0 {
		t.Errorf("%d files are left in Incoming", n)
	}
	if _, err := s.LoadProcessed(t.Context(), ID(1)); err != nil {
		t.Errorf("the processed crash is lost: %v", err)
	}
}

func dumpsFromElsewhere(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	d := Upload(t, t.TempDir(), socorro.MainDump, "MDMP")
	d.SHA256 = "9b7a3c5f"
	if err := s.SaveRaw(t.Context(), Raw(ID(1)), []socorro.Dump{d}); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("SaveRaw with a wrong sum = %v; want ErrInvalid", err)
	}
	d.SHA256 = ""
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), []socorro.Dump{d}))
	if _, err := os.Stat(d.Path); err != nil {
		t.Error("the original is gone:", err)
	}
	if got := readDump(t, s, ID(1), ""); got != "MDMP" {
		t.Errorf("the dump is %q", got)
	}
}

func hostileNames(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), nil))
	for _, name := range []string{"..", "../../x", "a/b", "a\x00b", "a.b", "ä", " ", strings.Repeat("x", 31)} {
		err := s.SaveRaw(t.Context(), Raw(ID(2)), []socorro.Dump{Upload(t, t.TempDir(), name, "x")})
		if !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("SaveRaw with dump %q = %v; want ErrInvalid", name, err)
		}
		if _, _, err := s.OpenDump(t.Context(), ID(1), name); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("OpenDump(%q) = %v; want ErrInvalid", name, err)
		}
	}
	for _, id := range []socorro.CrashID{"", "..", "../../../etc/passwd", "bp-" + ID(1), ID(1) + "/", socorro.CrashID(strings.ToUpper(string(ID(3))))} {
		if _, err := s.LoadRaw(t.Context(), id); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("LoadRaw(%q) = %v; want ErrInvalid", id, err)
		}
		if err := s.SaveRaw(t.Context(), Raw(id), nil); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("SaveRaw(%q) = %v; want ErrInvalid", id, err)
		}
		if err := s.Delete(t.Context(), id); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("Delete(%q) = %v; want ErrInvalid", id, err)
		}
	}
}

func refusedDumps(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	good := Upload(t, s.Incoming(), socorro.MainDump, "MDMP")
	short := Upload(t, s.Incoming(), "other", "12345")
	short.Size = 6
	twin := Upload(t, s.Incoming(), "", "the main dump's other name")
	link := filepath.Join(s.Incoming(), "link")
	check(t, os.Symlink("/etc/passwd", link))
	for what, bad := range map[string]socorro.Dump{
		"of another size": short,
		"named twice":     twin,
		"that is a link":  {Name: "link", Path: link},
		"that is missing": {Name: "gone", Path: filepath.Join(s.Incoming(), "gone")},
	} {
		if err := s.SaveRaw(t.Context(), Raw(ID(1)), []socorro.Dump{good, bad}); err == nil {
			t.Errorf("SaveRaw accepts a dump %s", what)
		}
		if _, err := os.Stat(good.Path); err != nil {
			t.Errorf("after a dump %s the other is gone: %v", what, err)
		}
		if _, err := s.LoadRaw(t.Context(), ID(1)); !errors.Is(err, socorro.ErrNotFound) {
			t.Errorf("after a dump %s LoadRaw = %v; want ErrNotFound", what, err)
		}
	}
}

func notThere(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	_, load := s.LoadRaw(t.Context(), ID(1))
	_, dumps := s.Dumps(t.Context(), ID(1))
	_, _, dump := s.OpenDump(t.Context(), ID(1), "")
	_, processed := s.LoadProcessed(t.Context(), ID(1))
	gone := s.Delete(t.Context(), ID(1))
	check(t, s.SaveRaw(t.Context(), Raw(ID(2)), nil))
	_, unprocessed := s.LoadProcessed(t.Context(), ID(2))
	for what, err := range map[string]error{
		"LoadRaw": load, "Dumps": dumps, "OpenDump": dump, "LoadProcessed": processed, "Delete": gone,
		"LoadProcessed of an unprocessed crash": unprocessed,
	} {
		if !errors.Is(err, socorro.ErrNotFound) {
			t.Errorf("%s = %v; want ErrNotFound", what, err)
		}
	}
}

func sameProcessed(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), nil))
	want := Processed(ID(1), 7)
	check(t, s.SaveProcessed(t.Context(), want))
	got, err := s.LoadProcessed(t.Context(), ID(1))
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("LoadProcessed (-want +got):", diff)
	}
}

func staleProcessed(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), nil))
	for _, step := range []struct {
		epoch int64
		want  error
		kept  int64
	}{{2, nil, 2}, {2, nil, 2}, {1, socorro.ErrConflict, 2}, {5, nil, 5}, {4, socorro.ErrConflict, 5}} {
		if err := s.SaveProcessed(t.Context(), Processed(ID(1), step.epoch)); !errors.Is(err, step.want) {
			t.Errorf("SaveProcessed(epoch %d) = %v; want %v", step.epoch, err, step.want)
		}
		got, err := s.LoadProcessed(t.Context(), ID(1))
		check(t, err)
		if got.Epoch != step.kept {
			t.Errorf("after epoch %d the stored one is %d; want %d", step.epoch, got.Epoch, step.kept)
		}
	}
}

func orphanProcessed(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	if err := s.SaveProcessed(t.Context(), Processed(ID(1), 1)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("SaveProcessed = %v; want ErrNotFound", err)
	}
}

func deleted(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	for range 2 { // a deleted crash may come again
		check(t, s.SaveRaw(t.Context(), Raw(ID(1)), []socorro.Dump{Upload(t, s.Incoming(), "", "x")}))
		check(t, s.SaveProcessed(t.Context(), Processed(ID(1), 1)))
		check(t, s.Delete(t.Context(), ID(1)))
		_, raw := s.LoadRaw(t.Context(), ID(1))
		_, processed := s.LoadProcessed(t.Context(), ID(1))
		late := s.SaveProcessed(t.Context(), Processed(ID(1), 9))
		for what, err := range map[string]error{"LoadRaw": raw, "LoadProcessed": processed, "SaveProcessed": late} {
			if !errors.Is(err, socorro.ErrNotFound) {
				t.Errorf("%s = %v; want ErrNotFound", what, err)
			}
		}
	}
}

func cancelled(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SaveRaw(ctx, Raw(ID(1)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("SaveRaw = %v; want context.Canceled", err)
	}
	if _, err := s.LoadRaw(t.Context(), ID(1)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("LoadRaw = %v; want ErrNotFound", err)
	}
}

// wholeCrashes lets writers and readers meet on the same few crashes.
func wholeCrashes(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	const crashes, writers = 10, 4
	var saving, reading sync.WaitGroup
	stop := make(chan struct{})
	for range writers {
		saving.Go(func() {
			for n := range crashes {
				dumps := []socorro.Dump{Upload(t, s.Incoming(), "", strings.Repeat("x", 100_000)), Upload(t, s.Incoming(), "b", "b")}
				if err := s.SaveRaw(t.Context(), Raw(ID(n)), dumps); err != nil {
					t.Error(err)
				}
				for epoch := range int64(3) {
					if err := s.SaveProcessed(t.Context(), Processed(ID(n), epoch)); err != nil && !errors.Is(err, socorro.ErrConflict) {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := whole(t.Context(), s, ID(n%crashes)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	saving.Wait()
	close(stop)
	reading.Wait()
	if n := files(t, s.Incoming()); n != 0 {
		t.Errorf("%d files are left in Incoming", n)
	}
}

// whole reads a crash, and says what is missing of it. A crash may be absent.
func whole(ctx context.Context, s CrashStore, id socorro.CrashID) error {
	if _, err := s.LoadRaw(ctx, id); errors.Is(err, socorro.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	dumps, err := s.Dumps(ctx, id)
	if err != nil || len(dumps) != 2 || dumps[0].Size+dumps[1].Size != 100_001 {
		return fmt.Errorf("dumps of %s are %v, %w", id, dumps, err)
	}
	if _, err := s.LoadProcessed(ctx, id); err != nil && !errors.Is(err, socorro.ErrNotFound) {
		return err
	}
	return nil
}

func epochRace(t *testing.T, open func(testing.TB) CrashStore) {
	s := open(t)
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), nil))
	var all sync.WaitGroup
	for epoch := int64(1); epoch <= 16; epoch++ {
		all.Go(func() {
			if err := s.SaveProcessed(t.Context(), Processed(ID(1), epoch)); err != nil && !errors.Is(err, socorro.ErrConflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := s.LoadProcessed(t.Context(), ID(1))
	check(t, err)
	if got.Epoch != 16 {
		t.Errorf("epoch %d is stored; want 16", got.Epoch)
	}
}

func reopened(t *testing.T, open Opener[CrashStore]) {
	dir := t.TempDir()
	for n := range 5 {
		s := open(t, dir, time.Now)
		check(t, s.SaveRaw(t.Context(), Raw(ID(n)), []socorro.Dump{Upload(t, s.Incoming(), "", "x")}))
		check(t, s.SaveProcessed(t.Context(), Processed(ID(n), 1)))
	}
	s := open(t, dir, time.Now)
	for n := range 5 {
		if _, err := s.LoadRaw(t.Context(), ID(n)); err != nil {
			t.Error(err)
		}
		if _, err := s.LoadProcessed(t.Context(), ID(n)); err != nil {
			t.Error(err)
		}
	}
}
