package kit_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/goleak"

	"socorro"
	"socorro/actors/kit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scene is an actor system with one tracked root actor that does what handle says.
type scene struct {
	sys *actor.ActorSystem
	reg *kit.Registry
	sup *kit.Supervisor
	log *strings.Builder
	pid *actor.PID
}

func newScene(t *testing.T, handle func(s *scene) func(c actor.Context)) *scene {
	t.Helper()
	s := &scene{log: &strings.Builder{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.sys = kit.NewSystem(log)
	s.reg = kit.NewRegistry(log, nil)
	s.sup = &kit.Supervisor{Registry: s.reg, Log: log, Backoff: kit.Backoff{Initial: time.Second, Max: 8 * time.Second, Jitter: -1}}
	props := s.reg.Props("root", func(*kit.Node) actor.Actor { return actor.ReceiveFunc(handle(s)) }, actor.WithSupervisor(s.sup))
	pid, err := s.sys.Root.SpawnNamed(props, "root")
	if err != nil {
		t.Fatalf("SpawnNamed = %v", err)
	}
	s.pid = pid
	return s
}

func (s *scene) end(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := kit.PoisonAndWait(ctx, s.sys, s.reg, s.pid); err != nil {
		t.Errorf("PoisonAndWait = %v", err)
	}
	time.Sleep(2 * time.Second) // the library's throttle of dead letters ends by itself within a second
	if n := s.reg.Len(); n != 0 {
		t.Errorf("actors left = %d; want none", n)
	}
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// child makes a root whose only child is a tracked actor named "child".
func child(handle func(c actor.Context)) func(s *scene) func(c actor.Context) {
	return func(s *scene) func(c actor.Context) {
		return func(c actor.Context) {
			if _, ok := c.Message().(*actor.Started); ok {
				props := s.reg.Props("child", func(*kit.Node) actor.Actor { return actor.ReceiveFunc(handle) })
				if _, err := c.SpawnNamed(props, "child"); err != nil {
					panic(err)
				}
			}
		}
	}
}

func TestAPanicRestartsWithGrowingWaitsAndTheMessageIsHandedBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var started []time.Duration
		began := time.Now()
		var handled []any
		s := newScene(t, child(func(c actor.Context) {
			switch m := c.Message().(type) {
			case *actor.Started:
				started = append(started, time.Since(began))
			case string:
				panic("cannot " + m)
			case int:
				handled = append(handled, m)
			}
		}))
		var lost []any
		s.sup.Lost = func(_ *actor.PID, message any, _ error) { lost = append(lost, message) }
		synctest.Wait()
		pid := s.sys.NewLocalPID("root/child")
		for i, m := range []any{"a", 1, "b", 2, "c", 3} {
			_ = i
			s.sys.Root.Send(pid, m)
		}
		synctest.Wait()
		status := s.reg.Node("root/child").Status()
		if status.BackoffUntil.IsZero() || status.Mailbox != 5 || status.LastError != "panic: cannot a" {
			t.Errorf("status while it waits = %+v; want a backoff, 5 messages kept and the panic", status)
		}
		pass(time.Minute)
		if want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}; !equal(started, want) {
			t.Errorf("starts at %v; want %v", started, want)
		}
		if !equal(lost, []any{"a", "b", "c"}) || !equal(handled, []any{1, 2, 3}) {
			t.Errorf("handed back %v, handled %v; want every message in one of them", lost, handled)
		}
		if status := s.reg.Node("root/child").Status(); status.Restarts != 3 || !status.BackoffUntil.IsZero() {
			t.Errorf("status = %+v; want 3 restarts and no backoff", status)
		}
		if !strings.Contains(s.log.String(), "kit_test.go") {
			t.Error("the log does not tell where it panicked")
		}
		s.end(t)
	})
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestAPanicInTheLastMessagesDoesNotResurrectTheActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, child(func(c actor.Context) {
			switch c.Message().(type) {
			case *actor.Stopping, *actor.Stopped:
				panic("while stopping")
			}
		}))
		synctest.Wait()
		s.end(t)
		if !strings.Contains(s.log.String(), "while stopping") {
			t.Error("the panic is not in the log")
		}
	})
}

func TestAnActorThatWaitsForItsRestartCanBeStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, child(func(c actor.Context) {
			if _, ok := c.Message().(string); ok {
				panic("bug")
			}
		}))
		s.sup.Backoff = kit.Backoff{Initial: time.Hour, Max: time.Hour}
		synctest.Wait()
		pid := s.sys.NewLocalPID("root/child")
		s.sys.Root.Send(pid, "go")
		synctest.Wait()
		began := time.Now()
		if err := kit.PoisonAndWait(t.Context(), s.sys, s.reg, pid); err != nil || time.Since(began) > 0 {
			t.Errorf("PoisonAndWait = %v after %s; want nil at once", err, time.Since(began))
		}
		s.end(t)
		time.Sleep(2 * time.Hour) // the restart's timer finds nobody
	})
}

func TestANameIsTakenOnlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(*scene) func(actor.Context) { return func(actor.Context) {} })
		made := 0
		props := s.reg.Props("other", func(*kit.Node) actor.Actor { made++; return actor.ReceiveFunc(func(actor.Context) {}) })
		if _, err := s.sys.Root.SpawnNamed(props, "root"); !errors.Is(err, actor.ErrNameExists) || made != 0 {
			t.Errorf("SpawnNamed = %v after %d producer runs; want ErrNameExists and none", err, made)
		}
		if got := s.reg.Node("root").Status().Kind; got != "root" {
			t.Errorf("kind = %q; want that of the first", got)
		}
		s.end(t)
	})
}

// boss gives its worker one piece of work per message and collects the ends.
type boss struct {
	worker *kit.Worker[string, int]
	done   []kit.Done[string, int]
	late   int
}

func (b *boss) handle(c actor.Context) {
	switch m := c.Message().(type) {
	case string:
		b.worker.Give(c, m)
	case error:
		b.worker.Cancel(c, m)
	case *actor.Stopping:
		b.worker.Stop()
	case kit.Done[string, int]:
		if d, ok := b.worker.Result(c, m); ok {
			b.done = append(b.done, d)
		} else {
			b.late++
		}
	default:
		if d, ok := b.worker.Result(c, m); ok {
			b.done = append(b.done, d)
		}
	}
}

func newBoss(t *testing.T, do func(context.Context, string) (int, error)) (*scene, *boss) {
	b := &boss{}
	s := newScene(t, func(s *scene) func(actor.Context) {
		b.worker = kit.NewWorker(s.reg, kit.WorkerConfig{Kind: "worker", Timeout: time.Minute, Grace: 10 * time.Second, MaxHung: 2}, do)
		return b.handle
	})
	return s, b
}

func TestEveryPieceOfWorkHasOneEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, b := newBoss(t, func(ctx context.Context, in string) (int, error) {
			switch in {
			case "panic":
				panic(errors.New("cause"))
			case "obey":
				<-ctx.Done()
				return 0, ctx.Err()
			case "hang":
				<-release
				return 7, nil
			}
			return len(in), nil
		})
		give := func(in string, within time.Duration) kit.Done[string, int] {
			before := len(b.done)
			s.sys.Root.Send(s.pid, in)
			pass(within)
			if len(b.done) != before+1 {
				t.Fatalf("%s: %d ends; want 1", in, len(b.done)-before)
			}
			return b.done[before]
		}
		if d := give("fine", 0); d.Out != 4 || d.Err != nil || d.In != "fine" {
			t.Errorf("fine = %+v", d)
		}
		d := give("panic", 0)
		if p, ok := errors.AsType[*kit.PanicError](d.Err); !ok || !strings.Contains(string(p.Stack), "kit_test.go") || p.Unwrap().Error() != "cause" {
			t.Errorf("panic = %+v; want a *PanicError with its cause and stack", d)
		}
		if d := give("obey", time.Minute); !errors.Is(d.Err, context.DeadlineExceeded) {
			t.Errorf("obey = %+v; want DeadlineExceeded", d)
		}
		if d := give("hang", 70*time.Second); !errors.Is(d.Err, kit.ErrHung) {
			t.Errorf("hang = %+v; want ErrHung", d)
		}
		if d := give("fine", 0); d.Out != 4 {
			t.Errorf("fine, beside one that hangs = %+v", d)
		}
		give("hang", 70*time.Second)
		if d := give("fine", 0); !errors.Is(d.Err, kit.ErrHung) {
			t.Errorf("fine, beside two that hang = %+v; want ErrHung: two is the limit", d)
		}
		close(release)
		synctest.Wait()
		if b.late != 2 {
			t.Errorf("late results = %d; want 2", b.late)
		}
		if d := give("fine", 0); d.Out != 4 {
			t.Errorf("fine, when nothing hangs any more = %+v", d)
		}
		if status := s.reg.Statuses(); len(status) != 2 {
			t.Errorf("actors = %v; want the boss and one worker", status)
		}
		s.end(t)
	})
}

func TestCancelEndsTheWorkAlsoWhenItDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, b := newBoss(t, func(ctx context.Context, in string) (int, error) {
			if in == "hang" {
				<-release
				return 0, nil
			}
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		stop := errors.New("changed my mind")
		s.sys.Root.Send(s.pid, "obey")
		pass(time.Second)
		s.sys.Root.Send(s.pid, stop)
		synctest.Wait()
		if len(b.done) != 1 || !errors.Is(b.done[0].Err, stop) {
			t.Fatalf("ends = %+v; want one with the cause", b.done)
		}
		s.sys.Root.Send(s.pid, "hang")
		pass(time.Second)
		s.sys.Root.Send(s.pid, stop)
		pass(10 * time.Second)
		if len(b.done) != 2 || !errors.Is(b.done[1].Err, kit.ErrHung) {
			t.Fatalf("ends = %+v; want a second one, ErrHung", b.done)
		}
		close(release)
		s.end(t)
	})
}

func TestAHungWorkerIsNamedWhenItsParentShallStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, _ := newBoss(t, func(context.Context, string) (int, error) { <-release; return 0, nil })
		s.sys.Root.Send(s.pid, "hang")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := kit.PoisonAndWait(ctx, s.sys, s.reg, s.pid)
		if !errors.Is(err, socorro.ErrUnavailable) || !strings.Contains(err.Error(), "stop root") {
			t.Errorf("PoisonAndWait = %v; want ErrUnavailable that names it", err)
		}
		close(release)
		s.end(t)
	})
}

func TestAThousandRingsAreOneMessage(t *testing.T) {
	var sent atomic.Int32
	b := kit.NewBell(func() { sent.Add(1) })
	for range 1000 {
		b.Ring()
	}
	if sent.Load() != 1 {
		t.Errorf("messages = %d; want 1", sent.Load())
	}
	b.Heard()
	b.Ring()
	if sent.Load() != 2 {
		t.Errorf("messages after it was heard = %d; want 2", sent.Load())
	}
}

func TestOnlyTheNewestSettingOfAnAlarmRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a kit.Alarm
		var rang []time.Duration
		began := time.Now()
		s := newScene(t, func(*scene) func(actor.Context) {
			return func(c actor.Context) {
				switch m := c.Message().(type) {
				case time.Duration:
					a.Set(c, m)
				case bool:
					a.Cancel()
				default:
					if a.Rang(m) {
						rang = append(rang, time.Since(began))
					}
				}
			}
		})
		for _, m := range []any{time.Hour, time.Minute, 2 * time.Minute} {
			s.sys.Root.Send(s.pid, m)
		}
		pass(3 * time.Hour)
		s.sys.Root.Send(s.pid, time.Minute)
		s.sys.Root.Send(s.pid, true)
		pass(time.Hour)
		if !equal(rang, []time.Duration{2 * time.Minute}) {
			t.Errorf("rang at %v; want once, after the last setting", rang)
		}
		s.end(t)
	})
}

func TestTheLibrarysChatterIsDemoted(t *testing.T) {
	log := &strings.Builder{}
	kit.NewSystem(slog.New(slog.NewTextHandler(log, nil))).Shutdown()
	if log.Len() != 0 {
		t.Errorf("log = %q; want nothing at info", log)
	}
}

// Without the mailbox of our own this is a nil pointer in the sender.
func TestAMessageToAnActorThatIsBeingSpawnedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(*scene) func(actor.Context) { return func(actor.Context) {} })
		var got []string
		props := s.reg.Props("young", func(*kit.Node) actor.Actor {
			return actor.ReceiveFunc(func(c actor.Context) {
				switch m := c.Message().(type) {
				case *actor.Started:
					got = append(got, "started")
				case string:
					got = append(got, m)
				}
			})
		}, actor.WithOnInit(func(actor.Context) { // known by its name, not yet connected
			pid := s.sys.NewLocalPID("young")
			s.sys.Root.Send(pid, "first")
			s.sys.Root.Send(pid, "second")
		}))
		pid, err := s.sys.Root.SpawnNamed(props, "young")
		if err != nil {
			t.Fatalf("SpawnNamed = %v", err)
		}
		synctest.Wait()
		if !equal(got, []string{"started", "first", "second"}) {
			t.Errorf("received %v; want Started, then both in order", got)
		}
		if err := kit.PoisonAndWait(t.Context(), s.sys, s.reg, pid); err != nil {
			t.Errorf("PoisonAndWait = %v", err)
		}
		s.end(t)
	})
}
