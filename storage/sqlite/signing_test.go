package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/storage/sqlite"
	"socorro/storage/storagetest"
)

func openIndexAt(t *testing.T, path string) *sqlite.Index {
	t.Helper()
	x, err := sqlite.OpenIndex(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// signings reads what there is, by crash.
func signings(t *testing.T, x *sqlite.Index, since time.Time) map[socorro.CrashID]string {
	t.Helper()
	got := map[socorro.CrashID]string{}
	for s, err := range x.Signings(t.Context(), since) {
		if err != nil {
			t.Fatal(err)
		}
		got[s.ID] = s.Signature + " of " + string(s.Data)
	}
	return got
}

func signed(n int, epoch int64, submitted time.Time) (*socorro.RawCrash, *socorro.ProcessedCrash) {
	id := storagetest.ID(n)
	return &socorro.RawCrash{ID: id, Submitted: submitted}, &socorro.ProcessedCrash{ID: id, Epoch: epoch, Signature: "sig"}
}

func TestWhatSignaturesAreMadeOfGoesWithTheCrash(t *testing.T) {
	t.Parallel()
	x := openIndexAt(t, filepath.Join(t.TempDir(), "index.db"))
	day := time.Date(2026, 9, 18, 0, 0, 0, 0, time.UTC)
	save := func(n int, epoch int64, at time.Time, data string) {
		t.Helper()
		raw, p := signed(n, epoch, at)
		if err := x.SaveSigning(t.Context(), raw, p, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, since time.Time, want map[socorro.CrashID]string) {
		t.Helper()
		if diff := cmp.Diff(want, signings(t, x, since)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	one, two, three := storagetest.ID(1), storagetest.ID(2), storagetest.ID(3)
	save(1, 1, day, "one")
	save(2, 1, day.Add(24*time.Hour), "two")
	save(3, 1, day.Add(24*time.Hour), "")
	check("all", time.Time{}, map[socorro.CrashID]string{one: "sig of one", two: "sig of two", three: "sig of "})
	check("of the second day", day.Add(time.Hour), map[socorro.CrashID]string{two: "sig of two", three: "sig of "})

	save(1, 3, day, "one again")
	save(1, 2, day, "one from a claim that was lost")
	check("after another processing", time.Time{}, map[socorro.CrashID]string{one: "sig of one again", two: "sig of two", three: "sig of "})

	raw, p := signed(1, 4, day)
	if err := x.Save(t.Context(), raw, p); err != nil {
		t.Fatal(err)
	}
	check("after a save without data, the old data is gone", time.Time{}, map[socorro.CrashID]string{one: "sig of ", two: "sig of two", three: "sig of "})

	if err := x.Delete(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	check("after a crash was deleted", time.Time{}, map[socorro.CrashID]string{one: "sig of ", three: "sig of "})
}
