package receipts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/storage/receipts"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func open(t testing.TB, cfg receipts.Config) *receipts.Log {
	t.Helper()
	l, err := receipts.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func accepted(at time.Time, id socorro.CrashID, keys ...string) socorro.Receipt {
	return socorro.Receipt{Time: at, Result: socorro.Accepted, Reason: "rule", ID: id, Keys: keys}
}

func write(t testing.TB, l *receipts.Log, all ...socorro.Receipt) {
	t.Helper()
	for _, r := range all {
		if err := l.Write(r); err != nil {
			t.Fatal(err)
		}
	}
}

const one, two = socorro.CrashID("00000001-0000-4000-8000-000000261123"), socorro.CrashID("00000002-0000-4000-8000-000000261123")

func TestCountsAndKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	cfg := receipts.Config{Dir: dir, Window: time.Hour, Now: c.Now}
	l := open(t, cfg)
	write(t, l, accepted(c.now, one, "report:a", "dump:b"),
		socorro.Receipt{Time: c.now, Result: socorro.Rejected, Reason: "no"},
		socorro.Receipt{Time: c.now, Result: socorro.Malformed, Reason: "bad_gzip"})
	l.Close()
	for range 2 { // the second time from what the first one left
		l = open(t, cfg)
		since, totals := l.Totals()
		want := map[socorro.Result]map[string]int{socorro.Accepted: {"rule": 1}, socorro.Rejected: {"no": 1}, socorro.Malformed: {"bad_gzip": 1}}
		if diff := cmp.Diff(want, totals); diff != "" || !since.Equal(newClock().now) {
			t.Errorf("since %v; totals (-want +got):\n%s", since, diff)
		}
		c.now = c.now.AddDate(0, 0, 5) // the day is over: its sums are read
		l.Close()
	}
	c.now = newClock().now.Add(30 * time.Minute)
	l = open(t, cfg)
	for _, keys := range [][]string{{"dump:b"}, {"x", "report:a"}} {
		if id, ok := l.Find(keys); !ok || id != one {
			t.Errorf("Find(%q) = %q, %t; want %s", keys, id, ok, one)
		}
	}
	if id, ok := l.Find([]string{"dump:other"}); ok {
		t.Errorf("an unknown report is %s", id)
	}
}

func TestAReportIsForgottenAfterTheWindow(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := open(t, receipts.Config{Dir: t.TempDir(), Window: time.Hour, Keys: 2, Now: c.Now})
	write(t, l, accepted(c.now, one, "k"))
	c.now = c.now.Add(time.Hour)
	if id, ok := l.Find([]string{"k"}); !ok || id != one {
		t.Errorf("within the window: %q, %t", id, ok)
	}
	c.now = c.now.Add(time.Second)
	if id, ok := l.Find([]string{"k"}); ok {
		t.Errorf("after the window the report is still %s", id)
	}
	write(t, l, accepted(c.now, two, "k"))
	if id, _ := l.Find([]string{"k"}); id != two {
		t.Errorf("sent again later it is %s; want %s", id, two)
	}
	write(t, l, accepted(c.now, one, "m"), accepted(c.now, one, "n"))
	if _, ok := l.Find([]string{"k"}); ok {
		t.Error("more keys are remembered than may be")
	}
	off := open(t, receipts.Config{Dir: t.TempDir()})
	write(t, off, accepted(time.Now(), one, "k"))
	if _, ok := off.Find([]string{"k"}); ok {
		t.Error("a log without a window found a report")
	}
}

func TestReceiptsThatAPowerCutTookAreWrittenAgainOnce(t *testing.T) {
	t.Parallel()
	c, dir := newClock(), t.TempDir()
	cfg := receipts.Config{Dir: dir, Window: time.Hour, Now: c.Now}
	l := open(t, cfg)
	write(t, l, accepted(c.now, one, "a"), accepted(c.now, two, "b"))
	l.Close()
	path := filepath.Join(dir, "20261123.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.IndexByte(text, '\n') + 20
	if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, cfg)
	kept := []socorro.Receipt{accepted(c.now, one, "a"), accepted(c.now, two, "b")}
	for want := 1; want >= 0; want-- {
		if n, err := l.Recover(kept); n != want || err != nil {
			t.Errorf("Recover() = %d, %v; want %d", n, err, want)
		}
	}
	if id, _ := l.Find([]string{"b"}); id != two {
		t.Errorf("the recovered report is %q", id)
	}
	l.Close()
	l = open(t, cfg)
	if _, totals := l.Totals(); totals[socorro.Accepted]["rule"] != 2 {
		t.Errorf("totals %v; want 2 accepted: the torn line cost only itself", totals)
	}
}

func TestADirectoryThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := receipts.Open(receipts.Config{}); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("without a folder: %v; want ErrInvalid", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := receipts.Open(receipts.Config{Dir: file}); !errors.Is(err, socorro.ErrUnavailable) {
		t.Errorf("with a file for a folder: %v; want ErrUnavailable", err)
	}
}

// Whatever stands in the files, the log opens and counts what is written to it.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(`{"time":"2026-11-23T00:00:00Z","result":"accepted","crash_id":"x","keys":["k"]}`), []byte(`{"size":81,"sums":{"accepted":{"":1}}}`))
	f.Add([]byte("{\n\n\x00"), []byte(`{"size":0,"sums":{"accepted":null}}`))
	f.Fuzz(func(t *testing.T, lines, sums []byte) {
		c, dir := newClock(), t.TempDir()
		for name, data := range map[string][]byte{"20261123.jsonl": lines, "20261101.jsonl": lines, "20261101.sums": sums} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l := open(t, receipts.Config{Dir: dir, Window: time.Hour, Now: c.Now})
		_, before := l.Totals()
		write(t, l, accepted(c.now, one, "fuzz-key"))
		_, after := l.Totals()
		if after[socorro.Accepted]["rule"] != before[socorro.Accepted]["rule"]+1 {
			t.Errorf("totals went from %v to %v", before, after)
		}
		if _, err := json.Marshal(after); err != nil {
			t.Error(err)
		}
	})
}
