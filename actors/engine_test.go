package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
	"socorro/actors"
	"socorro/actors/crash"
	"socorro/actors/cron"
	"socorro/actors/dispatcher"
)

// pass lets time go by until everything that is due has happened.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestEveryCrashIsProcessedOnceAndReachesEveryDestinationInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 200)
		ok := saver(func(context.Context, *socorro.ProcessedCrash) error { return nil })
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 4}},
			w.deps(processor{}, actors.Destination{Name: "index", Destination: ok}, actors.Destination{Name: "export", Destination: ok}))
		pass(time.Second)
		if got := w.count(socorro.Done); got != 200 {
			t.Errorf("processed crashes = %d; want 200", got)
		}
		for id, n := range w.committed() {
			if n != 1 {
				t.Errorf("commits of %s = %d; want 1", id, n)
			}
		}
		for _, name := range []string{"index", "export"} {
			if got := len(w.acked(name)); got != 200 {
				t.Errorf("deliveries to %s = %d; want 200", name, got)
			}
		}
		if w.most() > 4 {
			t.Errorf("claims in flight = %d; want at most the 4 credits", w.most())
		}
		if p, err := w.LoadProcessed(t.Context(), crashID(7)); err != nil || p.Epoch != 1 {
			t.Errorf("saved crash = %+v, %v; want the epoch of its claim, 1", p, err)
		}
		stop(t, e)
	})
}

func TestAWakeUpIsAtOnceAndALostOneIsFoundByTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}))
		pass(time.Second)
		w.add(0, 1)
		e.Wake()
		synctest.Wait()
		if state, _ := w.state(0); state != socorro.Done {
			t.Errorf("woken: state = %s; want processed", state)
		}
		w.add(1, 2) // nobody wakes
		synctest.Wait()
		if state, _ := w.state(1); state != socorro.Queued {
			t.Errorf("not woken: state = %s; want queued", state)
		}
		pass(5 * time.Second)
		if state, _ := w.state(1); state != socorro.Done {
			t.Errorf("after the sweep: state = %s; want processed", state)
		}
		stop(t, e)
	})
}

func TestACrashThatPanicsIsTriedThreeTimesThenParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 20)
		var tries atomic.Int32
		log := &lines{}
		deps := w.deps(processor{do: func(_ context.Context, id socorro.CrashID) error {
			if id == crashID(3) {
				tries.Add(1)
				panic("this dump is cursed")
			}
			return nil
		}})
		deps.Log = textLog(log)
		e := start(t, actors.Config{Processor: true}, deps)
		pass(10 * time.Minute)
		state, reason := w.state(3)
		if state != socorro.Parked || !strings.Contains(reason, "this dump is cursed") || !strings.Contains(reason, "try 3 of 3") {
			t.Errorf("state = %s, %q; want parked with the panic's text", state, reason)
		}
		if tries.Load() != 3 {
			t.Errorf("tries = %d; want 3", tries.Load())
		}
		if !strings.Contains(log.String(), "engine_test.go") {
			t.Error("the log has no stack that names the line of the panic")
		}
		if got := w.count(socorro.Done); got != 19 {
			t.Errorf("processed crashes = %d; want the 19 others", got)
		}
		stop(t, e)
	})
}

func TestACrashThatKillsItsProcessorIsParkedUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 1)
		for range 5 { // five processors claim it and are never heard of again
			claims, err := w.Claim(t.Context(), "killed", 1, time.Second)
			if err != nil || len(claims) != 1 {
				t.Fatalf("Claim = %v, %v", claims, err)
			}
			pass(time.Second)
		}
		var processed atomic.Bool
		e := start(t, actors.Config{Processor: true}, w.deps(processor{do: func(context.Context, socorro.CrashID) error {
			processed.Store(true)
			return nil
		}}))
		pass(time.Second)
		if state, reason := w.state(0); state != socorro.Parked || !strings.Contains(reason, "no answer") {
			t.Errorf("state = %s, %q; want parked", state, reason)
		}
		if processed.Load() {
			t.Error("the crash was processed a sixth time")
		}
		stop(t, e)
	})
}

func TestProcessingThatHangsIsCutOffAndTheCreditComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 6)
		release := make(chan struct{})
		deps := w.deps(processor{do: func(_ context.Context, id socorro.CrashID) error {
			if id == crashID(0) {
				<-release // and ignores its context
			}
			return nil
		}})
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 1}, Crash: crash.Config{Deadline: time.Minute}}, deps)
		pass(2 * time.Minute)
		if got := w.count(socorro.Done); got != 5 {
			t.Errorf("processed crashes = %d; want the 5 others", got)
		}
		// Its work is done at last, but by then the claim is not its own.
		close(release)
		pass(10 * time.Minute)
		if state, _ := w.state(0); state != socorro.Done || w.committed()[crashID(0)] != 1 {
			t.Errorf("state = %s after %d commits; want one commit, of a later claim", state, w.committed()[crashID(0)])
		}
		stop(t, e)
	})
}

func TestAnOutageOfTheCrashStoreParksNothingHoweverLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 50)
		var down atomic.Bool
		var loads atomic.Int32
		down.Store(true)
		w.fault = func(call string, _ socorro.CrashID) error {
			if call == "load" && down.Load() {
				loads.Add(1)
				return fmt.Errorf("dial: %w", socorro.ErrUnavailable)
			}
			return nil
		}
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}))
		pass(12 * time.Hour)
		if got := w.count(socorro.Parked); got != 0 {
			t.Errorf("parked crashes = %d; want none for an outage", got)
		}
		if n := loads.Load(); n > 12*60+50 {
			t.Errorf("loads while the store was down = %d; want about one a minute", n)
		}
		down.Store(false)
		pass(10 * time.Minute)
		if got := w.count(socorro.Done); got != 50 {
			t.Errorf("processed crashes = %d; want all 50 when the store is back", got)
		}
		stop(t, e)
	})
}

func TestOneCrashOnABadDiskDoesNotSlowTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 1)
		w.fault = func(call string, id socorro.CrashID) error {
			if call == "load" && id == crashID(0) {
				return errors.New("input/output error")
			}
			return nil
		}
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}))
		for i := range 60 {
			w.add(1+i, 2+i)
			pass(10 * time.Second)
			if got := w.count(socorro.Done); got != i+1 {
				t.Fatalf("after %d crashes %d are processed", i+1, got)
			}
		}
		stop(t, e)
	})
}

func TestARawCrashThatIsMissingOrBrokenIsParked(t *testing.T) {
	for _, kind := range []error{socorro.ErrNotFound, socorro.ErrInvalid} {
		t.Run(kind.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.add(0, 1)
				w.fault = func(call string, _ socorro.CrashID) error {
					if call == "load" {
						return fmt.Errorf("store: %w", kind)
					}
					return nil
				}
				e := start(t, actors.Config{Processor: true}, w.deps(processor{}))
				pass(time.Second)
				if state, reason := w.state(0); state != socorro.Parked || !strings.Contains(reason, kind.Error()) {
					t.Errorf("state = %s, %q; want parked with the reason", state, reason)
				}
				stop(t, e)
			})
		})
	}
}

func TestALostLeaseCancelsTheWorkAndCommitsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 1)
		cancelled := make(chan struct{})
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Lease: 30 * time.Second}},
			w.deps(processor{do: func(ctx context.Context, _ socorro.CrashID) error {
				<-ctx.Done()
				close(cancelled)
				return ctx.Err()
			}}, actors.Destination{Name: "index", Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { return nil })}))
		pass(time.Second)
		w.mu.Lock() // another node took the crash over and finished it
		w.rows[crashID(0)].status.Epoch = 9
		w.rows[crashID(0)].status.State = socorro.Done
		w.mu.Unlock()
		pass(15 * time.Second)
		select {
		case <-cancelled:
		default:
			t.Error("the work was not cancelled at the next renewal")
		}
		if len(w.committed()) != 0 || w.waiting("index") != 0 {
			t.Errorf("commits = %v, outbox = %d rows; want none", w.committed(), w.waiting("index"))
		}
		stop(t, e)
	})
}

func TestLeasesAreRenewedAsLongAsTheWorkGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 3)
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Lease: 30 * time.Second}},
			w.deps(processor{do: func(context.Context, socorro.CrashID) error {
				time.Sleep(5 * time.Minute)
				return nil
			}}))
		pass(6 * time.Minute)
		if diff := cmp.Diff(map[socorro.CrashID]int{crashID(0): 1, crashID(1): 1, crashID(2): 1}, w.committed()); diff != "" {
			t.Errorf("commits (-want +got):\n%s", diff)
		}
		if got := w.row(0).Epoch; got != 1 {
			t.Errorf("epoch = %d; want 1: nobody claimed it again", got)
		}
		stop(t, e)
	})
}

func TestAQueueThatIsDownIsAskedWithBackoffAndNoCrashIsDoneTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 10)
		var down atomic.Bool
		var calls atomic.Int32
		w.fault = func(call string, _ socorro.CrashID) error {
			if call != "load" && call != "save" && down.Load() {
				calls.Add(1)
				return errors.New("connection refused")
			}
			return nil
		}
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 2}},
			w.deps(processor{do: func(context.Context, socorro.CrashID) error {
				time.Sleep(time.Second)
				return nil
			}}))
		pass(2500 * time.Millisecond)
		down.Store(true)
		pass(time.Hour)
		if n := calls.Load(); n > 200 {
			t.Errorf("calls to a dead queue in an hour = %d; want at most 200", n)
		}
		down.Store(false)
		pass(5 * time.Minute)
		if got := w.count(socorro.Done); got != 10 {
			t.Errorf("processed crashes = %d; want 10", got)
		}
		for id, n := range w.committed() {
			if n != 1 {
				t.Errorf("commits of %s = %d; want 1", id, n)
			}
		}
		stop(t, e)
	})
}

func TestTheLiveTreeShowsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 1)
		deps := w.deps(processor{do: func(context.Context, socorro.CrashID) error {
			time.Sleep(time.Minute)
			return nil
		}}, actors.Destination{Name: "index", Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { return nil })})
		var jobs atomic.Int32
		deps.Jobs = []cron.Job{{Name: "tidy", Every: time.Hour, Run: func(context.Context) error { jobs.Add(1); return nil }}}
		e := start(t, actors.Config{Processor: true, Cron: true}, deps)
		pass(time.Second)
		type line struct{ Path, Kind, Step string }
		var got []line
		for _, s := range e.Actors() {
			got = append(got, line{s.Path, s.Kind, s.Step})
		}
		crashPath := "engine/crashes/" + string(crashID(0))
		want := []line{
			{"engine", "engine", ""},
			{"engine/crashes", "crashes", ""},
			{crashPath, "crash", "process"},
			{crashPath + "/worker", "crash worker", ""},
			{"engine/cron", "cron", ""},
			{"engine/cron/tidy", "cron job", "next run 2000-01-01T01:00:00Z"},
			{"engine/cron/tidy/worker", "cron worker", ""},
			{"engine/destinations", "destinations", ""},
			{"engine/destinations/index", "destination", "idle"},
			{"engine/destinations/index/worker", "destination worker", ""},
			{"engine/dispatcher", "dispatcher", "idle"},
			{"engine/dispatcher/claimer", "dispatcher worker", ""},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tree (-want +got):\n%s", diff)
		}
		if status := e.Jobs(); len(status) != 1 || status[0].Runs != 1 || status[0].LastSuccess.IsZero() {
			t.Errorf("jobs = %+v; want one that ran", status)
		}
		stop(t, e)
	})
}
