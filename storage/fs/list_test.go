package fs_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"socorro"
	"socorro/storage/fs"
)

func TestTheCrashesOfADayAreListed(t *testing.T) {
	t.Parallel()
	store, err := fs.Open(fs.Config{Root: t.TempDir(), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	today := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var want []socorro.CrashID
	for i, date := range []time.Time{today, today, today, today.AddDate(0, 0, 1)} {
		id := socorro.NewCrashID(date, socorro.Accept)
		if err := store.SaveRaw(t.Context(), &socorro.RawCrash{ID: id, Submitted: date}, nil); err != nil {
			t.Fatal(err)
		}
		if i < 3 {
			want = append(want, id)
		}
	}
	var got []socorro.CrashID
	for id, err := range store.Crashes(t.Context(), today) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, id)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("crashes of the day = %v; want %v", got, want)
	}
	for id, err := range store.Crashes(t.Context(), today.AddDate(0, 0, -1)) {
		t.Errorf("a day without crashes yields %v, %v", id, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for id, err := range store.Crashes(ended, today) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after its context ended the list yields %v, %v", id, err)
		}
	}
}
