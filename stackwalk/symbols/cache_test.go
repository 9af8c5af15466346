package symbols

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func module(name string) Module { return Module{DebugFile: name, DebugID: id} }

// counting answers each module with a table of its own and counts.
func counting(calls *atomic.Int64) supplierFunc {
	return func(_ context.Context, m Module) (*Table, Lookup, error) {
		calls.Add(1)
		switch {
		case m.DebugFile == "none":
			return nil, Lookup{}, ErrNotFound
		case m.DebugFile == "down":
			return nil, Lookup{}, errors.New("server is down")
		case m.DebugFile == "panic":
			panic("boo")
		}
		table, err := Parse(strings.NewReader(program), Options{})
		return table, Lookup{}, err
	}
}

func TestTheCacheReadsAFileOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		slow := counting(&calls)
		c := NewCache(supplierFunc(func(ctx context.Context, m Module) (*Table, Lookup, error) {
			time.Sleep(time.Second)
			return slow(ctx, m)
		}), CacheConfig{})
		tables := make(chan *Table, 8)
		for range 8 {
			go func() {
				table, _, err := c.Find(t.Context(), module("a"))
				if err != nil {
					t.Error(err)
				}
				tables <- table
			}()
		}
		first := <-tables
		for range 7 {
			if table := <-tables; table != first {
				t.Error("two tables of one file")
			}
		}
		if again, _, _ := c.Find(t.Context(), module("a")); again != first || calls.Load() != 1 {
			t.Errorf("%d reads; want 1", calls.Load())
		}
	})
}

func TestTheCacheForgetsTheLeastRecentlyUsed(t *testing.T) {
	var calls atomic.Int64
	c := NewCache(counting(&calls), CacheConfig{Bytes: 2*parse(t, program).Size() + 1})
	for _, name := range []string{"a", "b", "a", "c", "a", "b"} {
		if _, _, err := c.Find(t.Context(), module(name)); err != nil {
			t.Fatal(err)
		}
	}
	// c pushed b out, so b was read twice.
	stats := c.Stats()
	if calls.Load() != 4 || stats.Tables != 2 || stats.Evicted != 2 || stats.Hits != 2 || stats.Misses != 4 {
		t.Errorf("%d reads, %+v", calls.Load(), stats)
	}
}

func TestATableLargerThanTheCacheIsNotKept(t *testing.T) {
	var calls atomic.Int64
	c := NewCache(counting(&calls), CacheConfig{Bytes: 10})
	for range 2 {
		if table, _, err := c.Find(t.Context(), module("a")); err != nil || table == nil {
			t.Fatal(err)
		}
	}
	if calls.Load() != 2 || c.Stats().Bytes != 0 {
		t.Errorf("%d reads, %+v", calls.Load(), c.Stats())
	}
}

func TestAbsenceIsRememberedForAWhileAndFailureNotAtAll(t *testing.T) {
	var calls atomic.Int64
	now := time.Unix(0, 0)
	c := NewCache(counting(&calls), CacheConfig{AbsentFor: time.Minute, Now: func() time.Time { return now }})
	find := func(name string, want int64) {
		t.Helper()
		before := calls.Load()
		if _, _, err := c.Find(t.Context(), module(name)); err == nil {
			t.Fatalf("%s was found", name)
		}
		if got := calls.Load() - before; got != want {
			t.Errorf("%s: asked %d times; want %d", name, got, want)
		}
	}
	find("none", 1)
	find("none", 0)
	now = now.Add(time.Minute)
	find("none", 1)
	find("none", 0)
	c.Forget(id)
	find("none", 1)
	find("down", 1)
	find("down", 1)
	find("panic", 1)
	find("panic", 1)
}

func TestWhoGivesUpDoesNotDisturbWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stopped atomic.Bool
		c := NewCache(supplierFunc(func(ctx context.Context, m Module) (*Table, Lookup, error) {
			select {
			case <-time.After(time.Minute):
				return &Table{}, Lookup{}, nil
			case <-ctx.Done():
				stopped.Store(true)
				return nil, Lookup{}, ctx.Err()
			}
		}), CacheConfig{})
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		patient := make(chan error)
		go func() {
			_, _, err := c.Find(t.Context(), module("a"))
			patient <- err
		}()
		if _, _, err := c.Find(hasty, module("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("hasty: %v", err)
		}
		if err := <-patient; err != nil {
			t.Errorf("patient: %v", err)
		}

		// When nobody waits any more the search ends.
		hasty, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.Find(hasty, module("b")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("alone: %v", err)
		}
		synctest.Wait()
		if !stopped.Load() {
			t.Error("a search goes on for nobody")
		}
	})
}
