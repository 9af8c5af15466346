package cron_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"socorro"
	"socorro/actors/cron"
	"socorro/actors/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs a job's actor for a while and returns its record and the times at
// which it ran, counted from the start.
func run(t *testing.T, job cron.Job, d time.Duration) cron.Status {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	sys, reg, record := kit.NewSystem(log), kit.NewRegistry(log, nil), &cron.Record{}
	sup := &kit.Supervisor{Registry: reg, Log: log}
	pid, err := sys.Root.SpawnNamed(cron.Props(job, cron.Deps{Registry: reg, Supervisor: sup, Log: log, Record: record}), job.Name)
	if err != nil {
		t.Fatalf("SpawnNamed = %v", err)
	}
	time.Sleep(d)
	synctest.Wait()
	status := record.Status()
	if step := reg.Node(job.Name).Status().Step; !status.Running && !strings.HasPrefix(step, "next run ") {
		t.Errorf("step = %q; want the next run", step)
	}
	sys.Root.Send(pid, cron.Finish{})
	if err := kit.PoisonAndWait(t.Context(), sys, reg, pid); err != nil {
		t.Errorf("PoisonAndWait = %v", err)
	}
	return status
}

func TestAJobRunsAtOnceAndThenRegularly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		status := run(t, cron.Job{Name: "j", Every: time.Hour, Run: func(context.Context) error {
			at = append(at, time.Since(began))
			time.Sleep(time.Minute)
			return nil
		}}, 3*time.Hour+30*time.Minute)
		if want := []time.Duration{0, time.Hour, 2 * time.Hour, 3 * time.Hour}; !cmp.Equal(at, want) {
			t.Errorf("ran at %v; want %v", at, want)
		}
		if status.Runs != 4 || !status.LastSuccess.Equal(began.Add(3*time.Hour+time.Minute)) || !status.Next.Equal(began.Add(4*time.Hour)) {
			t.Errorf("status = %+v", status)
		}
	})
}

func TestAJobThatTakesTooLongIsNotStartedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		status := run(t, cron.Job{Name: "j", First: time.Minute, Every: time.Hour, Timeout: 24 * time.Hour, Run: func(context.Context) error {
			at = append(at, time.Since(began))
			time.Sleep(150 * time.Minute)
			return nil
		}}, 4*time.Hour)
		if want := []time.Duration{time.Minute, 3*time.Hour + time.Minute}; !cmp.Equal(at, want) {
			t.Errorf("ran at %v; want %v", at, want)
		}
		if status.Skipped != 2 || !status.Running {
			t.Errorf("status = %+v; want 2 skipped, and running again", status)
		}
	})
}

func TestAJobThatFailsPanicsOrHangsIsTriedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		status := run(t, cron.Job{Name: "j", Every: time.Hour, RetryAfter: 5 * time.Minute, Timeout: 2 * time.Minute, Run: func(ctx context.Context) error {
			at = append(at, time.Since(began))
			switch len(at) {
			case 1:
				return errors.New("no disk")
			case 2:
				panic("bug")
			case 3:
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}}, 50*time.Minute)
		if want := []time.Duration{0, 5 * time.Minute, 10 * time.Minute, 17 * time.Minute}; !cmp.Equal(at, want) {
			t.Errorf("ran at %v; want %v", at, want)
		}
		if status.Failures != 0 || !strings.Contains(status.LastError, "deadline") || !status.LastErrorAt.Equal(began.Add(12*time.Minute)) {
			t.Errorf("status = %+v; want the last error kept after the success", status)
		}
		if !status.Next.Equal(began.Add(77 * time.Minute)) {
			t.Errorf("next run at %s; want an hour after the one that succeeded", status.Next.Sub(began))
		}
	})
}

func TestAJobIsChecked(t *testing.T) {
	ok := cron.Job{Name: "j", Every: time.Second, Run: func(context.Context) error { return nil }}
	if err := ok.Check(); err != nil {
		t.Errorf("Check = %v", err)
	}
	for _, spoil := range []func(*cron.Job){
		func(j *cron.Job) { j.Name = "" },
		func(j *cron.Job) { j.Name = "a/b" },
		func(j *cron.Job) { j.Every = time.Millisecond },
		func(j *cron.Job) { j.First = -1 },
		func(j *cron.Job) { j.Run = nil },
	} {
		j := ok
		spoil(&j)
		if err := j.Check(); !errors.Is(err, socorro.ErrInvalid) {
			t.Errorf("Check of %+v = %v; want ErrInvalid", j, err)
		}
	}
}
