package system

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"socorro"
	"socorro/storage/fs"
	"socorro/storage/sqlite"
)

func TestParkedItemsAreListedAndReleased(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	queue, err := sqlite.OpenQueue(t.Context(), filepath.Join(data, queueFile), sqlite.QueueConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	ids := []socorro.CrashID{socorro.NewCrashID(time.Now(), socorro.Accept), socorro.NewCrashID(time.Now(), socorro.Accept)}
	for _, id := range ids {
		if _, err := queue.Enqueue(t.Context(), id, socorro.Normal); err != nil {
			t.Fatal(err)
		}
	}
	claims, err := queue.Claim(t.Context(), "test", 2, time.Minute)
	if err != nil || len(claims) != 2 {
		t.Fatalf("claims = %v, %v; want 2", claims, err)
	}
	if err := queue.Park(t.Context(), claims[0], "it hangs"); err != nil {
		t.Fatal(err)
	}
	if err := queue.Commit(t.Context(), claims[1], []string{"index"}); err != nil {
		t.Fatal(err)
	}
	deliveries, err := queue.Peek(t.Context(), "index", 0, 1)
	if err != nil || len(deliveries) != 1 {
		t.Fatalf("deliveries = %v, %v; want 1", deliveries, err)
	}
	if err := queue.ParkDelivery(t.Context(), "index", deliveries[0].Seq, "too long"); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"crash    " + string(claims[0].ID), "it hangs", "delivery " + string(claims[1].ID), "to index", "too long", "1 crashes and 1 deliveries parked"}},
		{[]string{"--release"}, []string{"1 crashes and 1 deliveries released"}},
		{nil, []string{"0 crashes and 0 deliveries parked"}},
	} {
		var out bytes.Buffer
		args := append([]string{"parked", "--data", data}, c.args...)
		if code := Main(args, strings.NewReader(""), &out, os.Stderr); code != 0 {
			t.Fatalf("socorro %q ended with %d", args, code)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("socorro %q printed\n%s; want %q in it", args, out.String(), want)
			}
		}
	}
	if again, err := queue.Claim(t.Context(), "test", 2, time.Minute); err != nil || len(again) != 1 || again[0].ID != claims[0].ID {
		t.Errorf("after the release the queue gives %v, %v; want the parked crash", again, err)
	}
}

func TestADayIsQueuedAgain(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	store, err := fs.Open(fs.Config{Root: filepath.Join(data, crashDir), MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for range 3 {
		id := socorro.NewCrashID(day, socorro.Accept)
		if err := store.SaveRaw(t.Context(), &socorro.RawCrash{ID: id, Submitted: day}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--day", "2026-11-23"}, 0, "3 of 3 crashes are queued again"},
		{[]string{"--day", "2026-11-22"}, 0, "0 of 0 crashes are queued again"},
		{[]string{"--day", "yesterday"}, 2, ""},
		{nil, 2, ""},
		{[]string{"not-an-id"}, 2, ""},
		{[]string{"--day", "2026-11-23", "11111111-1111-4111-8111-111111261123"}, 2, ""},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"requeue", "--data", data}, c.args...)
		if code := Main(args, strings.NewReader(""), &out, &errs); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("socorro %q ended with %d and printed %q %q; want %d and %q", args, code, out.String(), errs.String(), c.code, c.want)
		}
	}
}
