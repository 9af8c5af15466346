package actors_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"socorro"
	"socorro/actors"
	"socorro/actors/cron"
	"socorro/actors/dispatcher"
)

func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStopLetsShortWorkFinishAndGivesLongWorkBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add(0, 2)
		e := start(t, actors.Config{Processor: true, Dispatcher: dispatcher.Config{Credits: 2}, Drain: 20 * time.Second},
			w.deps(processor{do: func(ctx context.Context, id socorro.CrashID) error {
				d := 10 * time.Second
				if id == crashID(1) {
					d = time.Hour
				}
				select {
				case <-time.After(d):
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}}))
		pass(time.Second)
		w.add(2, 5) // come too late to be claimed
		began := time.Now()
		halt(t, e)
		if took := time.Since(began); took < 20*time.Second || took > 22*time.Second {
			t.Errorf("Stop took %s; want the drain time of 20s", took)
		}
		if state, _ := w.state(0); state != socorro.Done {
			t.Errorf("short work: %s; want processed", state)
		}
		if got := w.count(socorro.Queued); got != 4 {
			t.Errorf("queued crashes = %d; want the one given back and 3 never claimed", got)
		}
		if r := w.row(1); r.Attempts != 0 {
			t.Errorf("attempts of the crash given back = %d; want 0: it does not count", r.Attempts)
		}
		if got := e.Actors(); len(got) != 0 {
			t.Errorf("actors after Stop = %v; want none", got)
		}
		stop(t, e) // again: nothing to do
	})
}

func TestStopEndsInTimeAndNamesWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.deliver("stuck", 0, 1)
		release := make(chan struct{})
		e := start(t, actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{
			Name:        "stuck",
			Destination: saver(func(context.Context, *socorro.ProcessedCrash) error { <-release; return nil }),
		}))
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := e.Stop(ctx)
		if !errors.Is(err, socorro.ErrUnavailable) || !strings.Contains(err.Error(), "engine/destinations") {
			t.Errorf("Stop = %v; want ErrUnavailable that names the destinations", err)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("Stop took %s; want a little more than 10s", took)
		}
		close(release)
		time.Sleep(2 * time.Second)
	})
}

func TestStopCancelsJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		job := cron.Job{Name: "long", Every: time.Hour, Run: func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		e := start(t, actors.Config{Cron: true}, actors.Deps{Jobs: []cron.Job{job}, Log: quiet()})
		pass(time.Minute)
		if got := e.Jobs()[0]; !got.Running || got.Name != "long" {
			t.Errorf("job = %+v; want it running", got)
		}
		began := time.Now()
		halt(t, e)
		if took := time.Since(began); took > time.Second {
			t.Errorf("Stop took %s; want at once", took)
		}
	})
}

func TestStartRefusesWhatIsMissing(t *testing.T) {
	w := newWorld()
	ok := saver(func(context.Context, *socorro.ProcessedCrash) error { return nil })
	for name, tc := range map[string]struct {
		cfg  actors.Config
		deps actors.Deps
		want string
	}{
		"a logger":         {actors.Config{Cron: true}, actors.Deps{}, "logger"},
		"a role":           {actors.Config{}, actors.Deps{Log: quiet()}, "role"},
		"a queue":          {actors.Config{Processor: true}, actors.Deps{Log: quiet()}, "queue"},
		"a name":           {actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{Destination: ok}), "name of its own"},
		"two of one name":  {actors.Config{Processor: true}, w.deps(processor{}, actors.Destination{Name: "a", Destination: ok}, actors.Destination{Name: "a", Destination: ok}), "name of its own"},
		"a job's interval": {actors.Config{Cron: true}, actors.Deps{Log: quiet(), Jobs: []cron.Job{{Name: "j"}}}, "Every"},
	} {
		if _, err := actors.Start(tc.cfg, tc.deps); !errors.Is(err, socorro.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("without %s: Start = %v; want ErrInvalid that says %q", name, err, tc.want)
		}
	}
}
