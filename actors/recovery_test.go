package actors_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socorro"
	"socorro/actors"
	"socorro/actors/dispatcher"
	"socorro/actors/kit"
)

// The actors themselves have bugs too, or their metrics have: here every one of
// them panics now and then in the middle of a message.
func TestNothingIsLostWhenTheActorsThemselvesPanic(t *testing.T) {
	const crashes = 300
	for name, metrics := range map[string]func(now func() bool) *kit.Metrics{
		"the dispatcher": func(now func() bool) *kit.Metrics {
			return &kit.Metrics{Credits: func(int, int) {
				if now() {
					panic("dispatcher")
				}
			}}
		},
		"a crash actor, before it answers": func(now func() bool) *kit.Metrics {
			return &kit.Metrics{Crash: func(string, time.Duration) {
				if now() {
					panic("crash actor")
				}
			}}
		},
		"a destination": func(now func() bool) *kit.Metrics {
			return &kit.Metrics{Save: func(string, string, time.Duration) {
				if now() {
					panic("destination")
				}
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.add(0, crashes)
				var calls, panics atomic.Int32
				deps := w.deps(processor{do: func(context.Context, socorro.CrashID) error {
					time.Sleep(100 * time.Millisecond)
					return nil
				}}, actors.Destination{Name: "index", Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { return nil })})
				deps.Metrics = metrics(func() bool {
					if calls.Add(1)%97 == 0 {
						panics.Add(1)
						return true
					}
					return false
				})
				e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 4}}, deps)
				pass(30 * time.Minute)
				if panics.Load() == 0 {
					t.Fatal("nothing panicked")
				}
				if got := w.count(socorro.Done); got != crashes {
					t.Errorf("processed crashes = %d; want %d", got, crashes)
				}
				for id, n := range w.committed() {
					if n != 1 {
						t.Errorf("commits of %s = %d; want 1", id, n)
					}
				}
				got := w.acked("index")
				slices.Sort(got)
				if len(got) != crashes || len(slices.Compact(got)) != crashes {
					t.Errorf("acked deliveries = %d; want each of %d once", len(got), crashes)
				}
				if w.most() > 4 {
					t.Errorf("claims in flight = %d; want at most 4, also when the dispatcher has forgotten them", w.most())
				}
				calls.Store(-1 << 30) // well again, so that Stop is not what panics
				stop(t, e)
			})
		})
	}
}

func TestADispatcherThatRestartsKnowsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 10)
		var bad atomic.Bool
		deps := w.deps(processor{do: func(context.Context, socorro.CrashID) error {
			time.Sleep(10 * time.Minute / 2)
			return nil
		}})
		deps.Metrics = &kit.Metrics{Credits: func(int, int) {
			if bad.Swap(false) {
				panic("bug")
			}
		}}
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 2}}, deps)
		pass(time.Second)
		bad.Store(true)
		pass(4 * time.Minute)
		if w.most() != 2 || w.count(socorro.Claimed) != 2 {
			t.Errorf("claims in flight = %d, at most %d; want 2: the two that run are still counted and renewed", w.count(socorro.Claimed), w.most())
		}
		if got := w.row(0).Epoch; got != 1 {
			t.Errorf("epoch = %d; want 1: its lease was renewed by the new dispatcher", got)
		}
		pass(time.Hour)
		if got := w.count(socorro.Done); got != 10 {
			t.Errorf("processed crashes = %d; want 10", got)
		}
		stop(t, e)
	})
}

func TestClaimsThatComeTooLateAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var calls atomic.Int32
		w.fault = func(call string, _ socorro.CrashID) error {
			if call == "claim" && calls.Add(1) == 1 {
				time.Sleep(61 * time.Second) // and does not look at its context
			}
			return nil
		}
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}))
		pass(60900 * time.Millisecond)
		w.add(0, 1)
		pass(200 * time.Millisecond)
		if got := w.row(0); got.Epoch != 1 || got.State != socorro.Queued && got.State != socorro.Claimed {
			t.Errorf("status after the late claim = %+v; want it claimed once and not processed", got)
		}
		pass(10 * time.Second)
		if got := w.row(0); got.State != socorro.Done || got.Epoch != 2 || got.Attempts != 1 {
			t.Errorf("status = %+v; want it done at the second claim, which counts as the first try", got)
		}
		stop(t, e)
	})
}
