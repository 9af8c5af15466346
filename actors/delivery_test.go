package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"socorro"
	"socorro/actors"
	"socorro/actors/kit"
)

func TestAThousandDeliveriesArriveInOrderOnceAckedInSpiteOfErrorsAndPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("index", 0, 1000)
		var acks atomic.Int32
		w.fault = func(call string, _ socorro.CrashID) error {
			if call == "ack" && acks.Add(1)%50 == 0 {
				return errors.New("database is locked")
			}
			return nil
		}
		var arrived []socorro.CrashID
		tries := 0
		flaky := saver(func(_ context.Context, p *socorro.ProcessedCrash) error {
			tries++
			switch {
			case tries%23 == 0:
				panic("nil map")
			case tries%17 == 0:
				return fmt.Errorf("index: %w", socorro.ErrUnavailable)
			case tries%29 == 0:
				return errors.New("what is this")
			}
			arrived = append(arrived, p.ID)
			return nil
		})
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{Name: "index", Destination: flaky}))
		pass(30 * time.Minute)
		want := make([]socorro.CrashID, 1000)
		for i := range want {
			want[i] = crashID(i)
		}
		if !slices.Equal(w.acked("index"), want) {
			t.Errorf("acked %d deliveries; want all 1000, each once, in order", len(w.acked("index")))
		}
		if !slices.Equal(arrived, want) {
			t.Errorf("arrived %d; want all 1000 in order and none twice: an ack that fails repeats no save", len(arrived))
		}
		if got := w.parked("index"); len(got) != 0 {
			t.Errorf("parked = %v; want none", got)
		}
		stop(t, e)
	})
}

func TestADeadDestinationDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 100)
		tries := 0
		log := &lines{}
		deps := w.deps(processor{},
			actors.Destination{Name: "dead", Destination: saver(func(context.Context, *socorro.ProcessedCrash) error {
				tries++
				return socorro.ErrUnavailable
			})},
			actors.Destination{Name: "well", Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { return nil })})
		deps.Log = textLog(log)
		e := start(t, actors.Config{Processor: true}, deps)
		pass(time.Second)
		if got := len(w.acked("well")); got != 100 {
			t.Errorf("deliveries to the other destination after 1s = %d; want 100", got)
		}
		pass(time.Hour)
		if got := len(w.acked("dead")); got != 0 || w.waiting("dead") != 100 || len(w.parked("dead")) != 0 {
			t.Errorf("the dead one acked %d and has %d waiting; want 0 and 100", got, w.waiting("dead"))
		}
		if tries > 25 {
			t.Errorf("tries in an hour = %d; want at most 25: 1s, 2s … 5m", tries)
		}
		if n := strings.Count(log.String(), "waiting for the destination"); n < 300 {
			t.Errorf("lines about the wait in an hour = %d; want one every 10s", n)
		}
		var status socorro.ActorStatus
		for _, s := range e.Actors() {
			if s.Path == "engine/destinations/dead" {
				status = s
			}
		}
		if status.Step != "wait" || status.BackoffUntil.IsZero() || status.LastError == "" || status.InFlight < 1 || status.InFlight > 32 {
			t.Errorf("status = %+v; want it waiting with a window of at most 32", status)
		}
		stop(t, e)
	})
}

func TestADestinationThatComesBackGetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("index", 0, 100)
		var down atomic.Bool
		down.Store(true)
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name: "index",
			Destination: saver(func(context.Context, *socorro.ProcessedCrash) error {
				if down.Load() {
					return socorro.ErrUnavailable
				}
				return nil
			}),
		}))
		pass(time.Hour)
		down.Store(false)
		if err := e.TryNow("index"); err != nil {
			t.Errorf("TryNow = %v", err)
		}
		pass(time.Second)
		if got := len(w.acked("index")); got != 100 {
			t.Errorf("deliveries a second after TryNow = %d; want 100", got)
		}
		if err := e.TryNow("nowhere"); !errors.Is(err, socorro.ErrNotFound) {
			t.Errorf("TryNow of an unknown destination = %v; want ErrNotFound", err)
		}
		stop(t, e)
	})
}

func TestPoisonIsParkedAndTheRestGoesOn(t *testing.T) {
	for name, tc := range map[string]struct {
		policy kit.Policy
		fail   func(context.Context) error
		tries  int
	}{
		"refused: at once":            {kit.Policy{}, func(context.Context) error { return socorro.ErrRejected }, 1},
		"invalid: at once":            {kit.Policy{}, func(context.Context) error { return socorro.ErrInvalid }, 1},
		"panics: five times":          {kit.Policy{}, func(context.Context) error { panic("bug") }, 5},
		"no retries":                  {kit.None(), func(context.Context) error { return socorro.ErrUnavailable }, 1},
		"limited: after each delay":   {kit.Limited(time.Second, time.Minute), func(context.Context) error { return socorro.ErrUnavailable }, 3},
		"limited: also hung, obeys":   {kit.Limited(time.Second), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 2},
		"limited: also hung, ignores": {kit.Limited(time.Second), func(context.Context) error { time.Sleep(10 * time.Minute); return nil }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.deliver("index", 0, 3)
				var tries atomic.Int32
				e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
					Name: "index", Policy: tc.policy,
					Destination: saver(func(ctx context.Context, p *socorro.ProcessedCrash) error {
						if p.ID == crashID(1) {
							tries.Add(1)
							return tc.fail(ctx)
						}
						return nil
					}),
				}))
				pass(30 * time.Minute)
				if got := w.acked("index"); !slices.Equal(got, []socorro.CrashID{crashID(0), crashID(2)}) {
					t.Errorf("acked = %v; want the two others", got)
				}
				if got := w.parked("index"); len(got) != 1 || got[0] == "" {
					t.Errorf("parked = %q; want one, with a reason", got)
				}
				if got := int(tries.Load()); got != tc.tries {
					t.Errorf("tries = %d; want %d", got, tc.tries)
				}
				stop(t, e)
			})
		})
	}
}

func TestTheLateResultOfAHungSaveIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("index", 0, 2)
		var tries atomic.Int32
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name: "index",
			Destination: saver(func(context.Context, *socorro.ProcessedCrash) error {
				if tries.Add(1) == 1 {
					time.Sleep(time.Hour)
				}
				return nil
			}),
		}))
		pass(2 * time.Minute)
		if got := len(w.acked("index")); got != 2 {
			t.Errorf("acked while the first save hangs = %d; want both", got)
		}
		pass(2 * time.Hour)
		if got := len(w.acked("index")); got != 2 {
			t.Errorf("acked after its late result = %d; want still 2", got)
		}
		stop(t, e)
	})
}

func TestSavesThatAllHangLeaveABoundedNumberOfThemBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("index", 0, 1)
		release := make(chan struct{})
		var hanging atomic.Int32
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name: "index",
			Destination: saver(func(context.Context, *socorro.ProcessedCrash) error {
				hanging.Add(1)
				defer hanging.Add(-1)
				<-release
				return nil
			}),
		}))
		pass(24 * time.Hour)
		if got := hanging.Load(); got > 3 {
			t.Errorf("saves that hang after a day = %d; want at most 3", got)
		}
		close(release)
		pass(10 * time.Minute)
		if got := len(w.acked("index")); got != 1 {
			t.Errorf("acked when saves work again = %d; want 1", got)
		}
		stop(t, e)
	})
}

func TestADeliveryWhoseCrashIsGoneIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("index", 0, 2)
		delete(w.raw, crashID(0))
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name:        "index",
			Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { return nil }),
		}))
		pass(time.Second)
		if got := w.parked("index"); len(got) != 1 || !strings.Contains(got[0], "not found") {
			t.Errorf("parked = %q; want the one that is not found", got)
		}
		if got := len(w.acked("index")); got != 1 {
			t.Errorf("acked = %d; want the other", got)
		}
		stop(t, e)
	})
}

func TestAReleasedDeliveryIsFoundAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("index", 0, 3)
		var good atomic.Bool
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name: "index",
			Destination: saver(func(_ context.Context, p *socorro.ProcessedCrash) error {
				if p.ID == crashID(0) && !good.Load() {
					return socorro.ErrInvalid
				}
				return nil
			}),
		}))
		pass(time.Minute)
		good.Store(true)
		w.mu.Lock()
		w.outbox["index"][0].parked = "" // an operator released it; its number is lower than the acked ones
		w.mu.Unlock()
		pass(5 * time.Second)
		if got := len(w.acked("index")); got != 3 {
			t.Errorf("acked = %d; want 3", got)
		}
		stop(t, e)
	})
}

func TestAnOutboxThatGrowsOnADeadDestinationCostsNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name:        "dead",
			Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { return socorro.ErrUnavailable }),
		}))
		w.add(0, 5000)
		e.Wake()
		pass(time.Minute)
		if got := w.count(socorro.Done); got != 5000 {
			t.Fatalf("processed crashes = %d; want 5000", got)
		}
		waiting := 0
		for _, s := range e.Actors() {
			waiting += s.Mailbox + s.InFlight
		}
		if waiting > 32+1 {
			t.Errorf("deliveries and messages held by the actors = %d; want at most the window of 32", waiting)
		}
		if n := len(e.Actors()); n > 10 {
			t.Errorf("actors = %d; want those of the tree only, none per crash", n)
		}
		if n := runtime.NumGoroutine(); n > 60 {
			t.Errorf("goroutines = %d; want a few: idle actors have none", n)
		}
		stop(t, e)
	})
}
