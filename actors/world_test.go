package actors_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"socorro"
	"socorro/actors"
)

// world is a queue, an outbox and a crash store in memory, with the promises
// that the engine relies on, and faults on demand.
type world struct {
	mu        sync.Mutex
	rows      map[socorro.CrashID]*row
	order     []socorro.CrashID
	outbox    map[string][]*delivery
	raw       map[socorro.CrashID]*socorro.RawCrash
	processed map[socorro.CrashID]*socorro.ProcessedCrash
	seq       int64

	claimed, peak int // claims in flight, and the most there ever were
	commits       map[socorro.CrashID]int
	acks          map[string][]socorro.CrashID
	peeks         int

	fault func(call string, id socorro.CrashID) error // may block or panic; called without the lock
}

type row struct {
	status socorro.QueueStatus
	claim  socorro.Claim
	due    time.Time
	reason string
	lost   int
}

type delivery struct {
	socorro.Delivery
	parked string
}

func newWorld() *world {
	return &world{
		rows: map[socorro.CrashID]*row{}, outbox: map[string][]*delivery{}, raw: map[socorro.CrashID]*socorro.RawCrash{},
		processed: map[socorro.CrashID]*socorro.ProcessedCrash{}, commits: map[socorro.CrashID]int{}, acks: map[string][]socorro.CrashID{},
		fault: func(string, socorro.CrashID) error { return nil },
	}
}

func crashID(n int) socorro.CrashID {
	return socorro.CrashID(fmt.Sprintf("%08x-0000-4000-8000-000000261123", n))
}

// add queues crashes number from to to-1.
func (w *world) add(from, to int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := from; n < to; n++ {
		id := crashID(n)
		w.raw[id] = &socorro.RawCrash{ID: id}
		w.rows[id] = &row{status: socorro.QueueStatus{ID: id, State: socorro.Queued}}
		w.order = append(w.order, id)
	}
}

// deliver puts committed crashes straight into one outbox.
func (w *world) deliver(name string, from, to int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := from; n < to; n++ {
		id := crashID(n)
		w.raw[id] = &socorro.RawCrash{ID: id}
		w.processed[id] = &socorro.ProcessedCrash{ID: id, Epoch: 1}
		w.seq++
		w.outbox[name] = append(w.outbox[name], &delivery{Delivery: socorro.Delivery{Seq: w.seq, ID: id, Epoch: 1}})
	}
}

func (w *world) Claim(ctx context.Context, owner string, limit int, lease time.Duration) ([]socorro.Claim, error) {
	if err := w.fault("claim", ""); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	var out []socorro.Claim
	for _, id := range w.order {
		r := w.rows[id]
		expired := r.status.State == socorro.Claimed && !now.Before(r.claim.Lease)
		waiting := r.status.State == socorro.Queued && !now.Before(r.due)
		if len(out) == limit || !expired && !waiting {
			continue
		}
		if expired {
			r.lost++
			w.claimed--
		}
		r.status.State = socorro.Claimed
		r.status.Epoch++
		r.status.Attempts++
		r.claim = socorro.Claim{ID: id, Epoch: r.status.Epoch, Attempt: r.status.Attempts, Lost: r.lost, Owner: owner, Lease: now.Add(lease)}
		out = append(out, r.claim)
		w.claimed++
	}
	w.peak = max(w.peak, w.claimed)
	return out, nil
}

func (w *world) held(c socorro.Claim) (*row, error) {
	r := w.rows[c.ID]
	if r == nil {
		return nil, fmt.Errorf("world: %s: %w", c.ID, socorro.ErrNotFound)
	}
	if r.status.State != socorro.Claimed || r.status.Epoch != c.Epoch {
		return nil, fmt.Errorf("world: %s epoch %d: %w", c.ID, c.Epoch, socorro.ErrConflict)
	}
	return r, nil
}

func (w *world) Extend(ctx context.Context, claims []socorro.Claim, lease time.Duration) ([]socorro.CrashID, error) {
	if err := w.fault("extend", ""); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var lost []socorro.CrashID
	for _, c := range claims {
		if r, err := w.held(c); err != nil {
			lost = append(lost, c.ID)
		} else {
			r.claim.Lease = time.Now().Add(lease)
		}
	}
	return lost, nil
}

// settle is the common part of the four answers to a claim.
func (w *world) settle(call string, c socorro.Claim, f func(*row)) error {
	if err := w.fault(call, c.ID); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r, err := w.held(c)
	if err != nil {
		return err
	}
	w.claimed--
	r.lost = 0
	f(r)
	return nil
}

func (w *world) Commit(ctx context.Context, c socorro.Claim, destinations []string) error {
	return w.settle("commit", c, func(r *row) {
		r.status.State = socorro.Done
		w.commits[c.ID]++
		for _, name := range destinations {
			w.seq++
			w.outbox[name] = append(w.outbox[name], &delivery{Delivery: socorro.Delivery{Seq: w.seq, ID: c.ID, Epoch: c.Epoch}})
		}
	})
}

func (w *world) Retry(ctx context.Context, c socorro.Claim, after time.Duration, reason string) error {
	return w.settle("retry", c, func(r *row) {
		r.status.State, r.due, r.reason = socorro.Queued, time.Now().Add(after), reason
	})
}

func (w *world) Park(ctx context.Context, c socorro.Claim, reason string) error {
	return w.settle("park", c, func(r *row) { r.status.State, r.reason = socorro.Parked, reason })
}

func (w *world) Release(ctx context.Context, c socorro.Claim) error {
	return w.settle("release", c, func(r *row) {
		r.status.State = socorro.Queued
		r.status.Attempts--
	})
}

func (w *world) Peek(ctx context.Context, name string, after int64, limit int) ([]socorro.Delivery, error) {
	if err := w.fault("peek", ""); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peeks++
	var out []socorro.Delivery
	for _, d := range w.outbox[name] {
		if d.Seq > after && d.parked == "" {
			if out = append(out, d.Delivery); len(out) == limit {
				break
			}
		}
	}
	return out, nil
}

func (w *world) find(name string, seq int64) (int, error) {
	at, ok := slices.BinarySearchFunc(w.outbox[name], seq, func(d *delivery, s int64) int { return cmp.Compare(d.Seq, s) })
	if !ok {
		return 0, fmt.Errorf("world: %s %d: %w", name, seq, socorro.ErrNotFound)
	}
	return at, nil
}

func (w *world) Ack(ctx context.Context, name string, seq int64) error {
	if err := w.fault("ack", ""); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(name, seq)
	if err != nil {
		return err
	}
	w.acks[name] = append(w.acks[name], w.outbox[name][i].ID)
	w.outbox[name] = slices.Delete(w.outbox[name], i, i+1)
	return nil
}

func (w *world) Fail(ctx context.Context, name string, seq int64, reason string) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(name, seq)
	if err != nil {
		return 0, err
	}
	w.outbox[name][i].Attempt++
	return w.outbox[name][i].Attempt, nil
}

func (w *world) ParkDelivery(ctx context.Context, name string, seq int64, reason string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.find(name, seq)
	if err == nil {
		w.outbox[name][i].parked = reason
	}
	return err
}

func (w *world) LoadRaw(ctx context.Context, id socorro.CrashID) (*socorro.RawCrash, error) {
	if err := w.fault("load", id); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.raw[id]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("world: raw %s: %w", id, socorro.ErrNotFound)
}

func (w *world) Dumps(context.Context, socorro.CrashID) ([]socorro.Dump, error) { return nil, nil }

func (w *world) LoadProcessed(ctx context.Context, id socorro.CrashID) (*socorro.ProcessedCrash, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.processed[id]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("world: processed %s: %w", id, socorro.ErrNotFound)
}

func (w *world) SaveProcessed(ctx context.Context, p *socorro.ProcessedCrash) error {
	if err := w.fault("save", p.ID); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.processed[p.ID]; old != nil && old.Epoch > p.Epoch {
		return fmt.Errorf("world: save %s: %w", p.ID, socorro.ErrConflict)
	}
	w.processed[p.ID] = p
	return nil
}

// state is where a crash stands, and why.
func (w *world) state(n int) (socorro.CrashState, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.rows[crashID(n)]
	return r.status.State, r.reason
}

// row is a crash's row of the queue.
func (w *world) row(n int) socorro.QueueStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[crashID(n)].status
}

// committed is how often each crash was committed.
func (w *world) committed() map[socorro.CrashID]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.commits)
}

// most is how many claims there were at a time.
func (w *world) most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.peak
}

// waiting is how many deliveries a destination's outbox has, the parked included.
func (w *world) waiting(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.outbox[name])
}

func (w *world) count(s socorro.CrashState) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.rows {
		if r.status.State == s {
			n++
		}
	}
	return n
}

func (w *world) acked(name string) []socorro.CrashID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.acks[name])
}

func (w *world) parked(name string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, d := range w.outbox[name] {
		if d.parked != "" {
			out = append(out, d.parked)
		}
	}
	return out
}

// processor makes an empty processed crash, unless do says otherwise.
type processor struct {
	do func(ctx context.Context, id socorro.CrashID) error // may be nil
}

func (p processor) Process(ctx context.Context, raw *socorro.RawCrash, _ []socorro.Dump, _ *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
	if p.do != nil {
		if err := p.do(ctx, raw.ID); err != nil {
			return nil, err
		}
	}
	return &socorro.ProcessedCrash{ID: raw.ID}, nil
}

// saver is a destination that does what the function says.
type saver func(ctx context.Context, p *socorro.ProcessedCrash) error

func (s saver) Save(ctx context.Context, _ *socorro.RawCrash, p *socorro.ProcessedCrash) error {
	return s(ctx, p)
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// deps joins a world to an engine that processes.
func (w *world) deps(p processor, destinations ...actors.Destination) actors.Deps {
	return actors.Deps{
		Queue: w, Outbox: w, Crashes: w, Processor: p, Destinations: destinations, Log: quiet(),
		Chance: func() float64 { return 0.5 },
	}
}

func start(t testing.TB, cfg actors.Config, deps actors.Deps) *actors.Engine {
	t.Helper()
	e, err := actors.Start(cfg, deps)
	if err != nil {
		t.Fatalf("Start = %v", err)
	}
	return e
}

// halt stops the engine.
func halt(t testing.TB, e *actors.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := e.Stop(ctx); err != nil {
		t.Errorf("Stop = %v", err)
	}
}

// stop stops the engine at the end of a test with a clock of its own, and lets
// the second pass that the library's throttle of dead letters takes to end.
func stop(t testing.TB, e *actors.Engine) {
	t.Helper()
	halt(t, e)
	time.Sleep(2 * time.Second)
}
