package storagetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"socorro"
)

// NewCrashes is the suite of crash stores that tell which crashes are new.
func NewCrashes(t *testing.T, open Opener[NewCrashStore]) {
	clock := NewClock()
	dir := t.TempDir()
	s := open(t, dir, clock.Now)
	var saved []socorro.CrashID
	for n := range 6 {
		check(t, s.SaveRaw(t.Context(), Raw(ID(n)), nil))
		saved = append(saved, ID(n))
		clock.Advance(7 * time.Second)
	}
	expect := func(what string, want []socorro.CrashID) {
		t.Helper()
		if got := news(t, s); !slices.Equal(got, want) {
			t.Errorf("%s, NewCrashes = %v; want %v", what, got, want)
		}
	}
	expect("after saving", saved)
	check(t, s.SaveRaw(t.Context(), Raw(ID(0)), nil))
	expect("after saving one again", saved)
	check(t, s.Acknowledge(t.Context(), ID(1)))
	check(t, s.Acknowledge(t.Context(), ID(1)))
	saved = slices.Delete(saved, 1, 2)
	expect("after acknowledging one twice", saved)
	check(t, s.SaveRaw(t.Context(), Raw(ID(1)), nil))
	expect("after saving an acknowledged one again", saved)
	check(t, s.Delete(t.Context(), ID(0)))
	saved = slices.Delete(saved, 0, 1)
	expect("after deleting one", saved)
	if err := s.Acknowledge(t.Context(), ID(0)); !errors.Is(err, socorro.ErrNotFound) {
		t.Errorf("Acknowledge of a deleted crash = %v; want ErrNotFound", err)
	}
	s = open(t, dir, clock.Now)
	expect("after opening again", saved)
	for id, err := range s.NewCrashes(t.Context()) { // acknowledging on the way, as a consumer does
		check(t, err)
		check(t, s.Acknowledge(t.Context(), id))
	}
	expect("after acknowledging all", nil)
}

func news(t testing.TB, s NewCrashStore) (ids []socorro.CrashID) {
	t.Helper()
	for id, err := range s.NewCrashes(t.Context()) {
		check(t, err)
		ids = append(ids, id)
	}
	return ids
}
