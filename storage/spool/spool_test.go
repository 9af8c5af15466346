package spool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/storage/spool"
)

func open(t testing.TB, cfg spool.Config) *spool.Spool {
	t.Helper()
	cfg.MinFree = -1
	s, err := spool.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func rawCrash(n int) *socorro.RawCrash {
	return &socorro.RawCrash{
		ID:          socorro.CrashID(fmt.Sprintf("%08x-0000-4000-8000-000000261123", n)),
		Submitted:   time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Annotations: socorro.Annotations{"ProductName": "Tour <&>", "N": fmt.Sprint(n)},
		Metadata:    socorro.Metadata{CollectorNotes: []string{}, DumpChecksums: map[string]string{}},
	}
}

func stage(t testing.TB, s *spool.Spool, name, data string) socorro.Dump {
	t.Helper()
	path := filepath.Join(s.Incoming(), name)
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return socorro.Dump{Name: socorro.MainDump, Path: path, Size: int64(len(data)), SHA256: "ab"}
}

func keep(t testing.TB, s *spool.Spool, n int) {
	t.Helper()
	if err := s.Keep(t.Context(), rawCrash(n), []socorro.Dump{stage(t, s, fmt.Sprint("upload-", n), fmt.Sprint("MDMP", n))}); err != nil {
		t.Fatal(err)
	}
}

// store takes crashes and remembers them.
type store struct {
	mu    sync.Mutex
	got   []string // annotation N and the dump's bytes
	fail  error
	calls int
}

func (s *store) take(_ context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail != nil {
		return s.fail
	}
	text := raw.Annotations.Text("N") + ":" + raw.Annotations.Text("ProductName")
	for _, d := range dumps {
		data, err := os.ReadFile(d.Path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		text += ":" + d.Name + "=" + string(data)
	}
	s.got = append(s.got, text)
	return nil
}

func (s *store) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.got)
	slices.Sort(all)
	return slices.Compact(all)
}

// move moves until nothing but parked crashes is left.
func move(t *testing.T, s *spool.Spool, take spool.Take) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		s.Move(ctx, 3, take)
	}()
	for waiting, parked := s.Depth(); waiting > parked && ctx.Err() == nil; waiting, parked = s.Depth() {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-moved
}

func want(t *testing.T, got []string, numbers ...int) {
	t.Helper()
	var all []string
	for _, n := range numbers {
		all = append(all, fmt.Sprintf("%d:Tour <&>:upload_file_minidump=MDMP%d", n, n))
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("the store has (-want +got):\n%s", diff)
	}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" && e.Name() != ".incoming" {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestKeptCrashesReachTheStoreAndLeaveNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, to := open(t, spool.Config{Dir: dir, SegmentBytes: 600}), &store{}
	var wg sync.WaitGroup
	for n := range 9 {
		wg.Go(func() { keep(t, s, n) })
	}
	wg.Wait()
	if waiting, parked := s.Depth(); waiting != 9 || parked != 0 {
		t.Errorf("Depth() = %d, %d; want 9, 0", waiting, parked)
	}
	move(t, s, to.take)
	want(t, to.taken(), 0, 1, 2, 3, 4, 5, 6, 7, 8)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCrashesSurviveARestartOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir})
	for n := range 3 {
		keep(t, s, n)
	}
	s.Close()
	settled, found := 0, []string{}
	cfg := spool.Config{
		Dir: dir, Settle: func() error { settled++; return nil },
		Found: func(raw *socorro.RawCrash) { found = append(found, raw.Annotations.Text("N")) },
	}
	s = open(t, cfg)
	keep(t, s, 3)
	to := &store{}
	move(t, s, to.take)
	want(t, to.taken(), 0, 1, 2, 3)
	s.Close()
	if diff := cmp.Diff([]string{"0", "1", "2"}, found); diff != "" || settled == 0 {
		t.Errorf("found (-want +got):\n%s; settled %d times", diff, settled)
	}
	s = open(t, spool.Config{Dir: dir})
	if waiting, _ := s.Depth(); waiting != 0 {
		t.Errorf("after everything was moved %d wait again", waiting)
	}
}

func TestAStoreThatIsDownLosesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, spool.Config{Dir: t.TempDir(), BackoffFirst: time.Microsecond, BackoffMax: time.Millisecond})
	to := &store{fail: fmt.Errorf("down: %w", socorro.ErrUnavailable)}
	for n := range 3 {
		keep(t, s, n)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Move(ctx, 2, to.take) }()
	for calls := 0; calls < 20; {
		to.mu.Lock()
		calls = to.calls
		to.mu.Unlock()
	}
	to.mu.Lock()
	to.fail = nil
	to.mu.Unlock()
	for len(to.taken()) < 3 {
		time.Sleep(time.Millisecond)
	}
	stop()
	<-ended
	want(t, to.taken(), 0, 1, 2)
}

func TestACrashThatTheStoreRefusesIsParkedAndTriedAtTheNextStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir})
	keep(t, s, 1)
	move(t, s, (&store{fail: fmt.Errorf("odd: %w", socorro.ErrInvalid)}).take)
	if waiting, parked := s.Depth(); waiting != 1 || parked != 1 {
		t.Errorf("Depth() = %d, %d; want 1, 1", waiting, parked)
	}
	s.Close()
	s, to := open(t, spool.Config{Dir: dir}), &store{}
	move(t, s, to.take)
	want(t, to.taken(), 1)
}

func TestAJournalThatWasCutOffKeepsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	whole := t.TempDir()
	s := open(t, spool.Config{Dir: whole})
	keep(t, s, 1)
	s.Close()
	journal, err := os.ReadFile(filepath.Join(whole, "journal-00000001"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"half a line":     string(journal) + string(journal[:len(journal)/2]),
		"zeros":           string(journal) + strings.Repeat("\x00", 5000),
		"garbage between": "not a line\n00000000 {}\n" + string(journal) + "ffffffff \n",
		"a planted path":  lineWith(`{"raw":{"uuid":"00000009-0000-4000-8000-000000261123"},"dumps":[{"name":"x","file":"../../etc/passwd"}]}`) + string(journal),
		"a planted id":    lineWith(`{"raw":{"uuid":"../x"}}`) + string(journal),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, data := range map[string]string{
				"journal-00000001":                       text,
				"00000001-0000-4000-8000-000000261123.0": "MDMP1",
				"00000002-0000-4000-8000-000000261123.0": "of an upload that was never answered",
				"mine.txt":                               "x",
			} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s, to := open(t, spool.Config{Dir: dir}), &store{}
			keep(t, s, 3)
			move(t, s, to.take)
			want(t, to.taken(), 1, 3)
			if _, err := os.Stat(filepath.Join(dir, "00000002-0000-4000-8000-000000261123.0")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the dump of no crash is still there: %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "mine.txt")); err != nil {
				t.Errorf("a file that is not ours: %v", err)
			}
		})
	}
}

func TestADiskThatFailsIsUnavailableAndLeavesNoCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, spool.Config{Dir: dir})
	missing := socorro.Dump{Name: socorro.MainDump, Path: filepath.Join(dir, "nowhere")}
	whole := stage(t, s, "upload", "MDMP")
	whole.Name = "first"
	if err := s.Keep(t.Context(), rawCrash(1), []socorro.Dump{whole, missing}); !errors.Is(err, socorro.ErrUnavailable) {
		t.Errorf("Keep with a missing file = %v; want ErrUnavailable", err)
	}
	wrong := stage(t, s, "upload2", "MDMP")
	wrong.Size = 99
	if err := s.Keep(t.Context(), rawCrash(2), []socorro.Dump{wrong}); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Keep with a wrong size = %v; want ErrInvalid", err)
	}
	bad := rawCrash(3)
	bad.ID = "../x"
	if err := s.Keep(t.Context(), bad, nil); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Keep with a path for an id = %v; want ErrInvalid", err)
	}
	if waiting, _ := s.Depth(); waiting != 0 || len(files(t, dir)) != 1 {
		t.Errorf("%d wait, files %q; want nothing but the journal", waiting, files(t, dir))
	}
	s.Close()
	if err := s.Keep(t.Context(), rawCrash(4), nil); !errors.Is(err, socorro.ErrUnavailable) {
		t.Errorf("Keep after Close = %v; want ErrUnavailable", err)
	}
}

func TestRoomIsKept(t *testing.T) {
	t.Parallel()
	s, err := spool.Open(spool.Config{Dir: t.TempDir(), MinFree: 1 << 60, MaxPending: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, bytes := range []int64{-1, 0, 1000} {
		if err := s.Room(bytes); !errors.Is(err, socorro.ErrUnavailable) {
			t.Errorf("Room(%d) on a disk that is too full = %v; want ErrUnavailable", bytes, err)
		}
	}
	full := open(t, spool.Config{Dir: t.TempDir(), MaxPending: 1})
	keep(t, full, 1)
	if err := full.Keep(t.Context(), rawCrash(2), nil); !errors.Is(err, socorro.ErrUnavailable) {
		t.Errorf("Keep beyond MaxPending = %v; want ErrUnavailable", err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, spool.Config{Dir: dir})
	if _, err := spool.Open(spool.Config{Dir: dir}); !errors.Is(err, socorro.ErrConflict) {
		t.Errorf("the second Open = %v; want ErrConflict", err)
	}
	if _, err := spool.Open(spool.Config{}); !errors.Is(err, socorro.ErrInvalid) {
		t.Errorf("Open without a folder = %v; want ErrInvalid", err)
	}
}
