package system

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"socorro"
	"socorro/siglists"
	"socorro/signature"
)

// SiglistsTry is `socorro siglists try`, the signature lab.
type SiglistsTry struct {
	Dir     string `arg:"" help:"Directory with the changed lists." type:"existingdir"`
	Data    string `help:"Data directory of the server whose crashes are signed; it may be running." default:"crash-data" env:"SOCORRO_DATA" type:"path"`
	Days    int    `help:"Take the crashes of so many days back from now; 0 means all." default:"0"`
	URL     string `help:"Take the crashes that a Super Search finds, here or on another server." placeholder:"SUPERSEARCH_URL"`
	Max     int    `help:"With --url, take at most so many crashes." default:"1000"`
	Token   string `help:"API token for --url; better set in the environment." env:"SOCORRO_API_TOKEN" secret:"true"`
	Current string `help:"Directory of the lists to compare with, which are in force now; the built-in ones if not given." placeholder:"DIR" env:"SOCORRO_SIGLISTS" type:"existingdir"`
	Stored  bool   `help:"Compare with the signatures that the crashes have, not with those that today's rules and the current lists give them."`
	Format  string `help:"Form of the report: ${enum}." enum:"text,csv,json" default:"text"`
}

// Run signs the crashes by both sets of lists and reports what changes.
func (c *SiglistsTry) Run(ctx context.Context, s Streams) error {
	if c.Days < 0 || c.Max < 1 {
		return usageError{errors.New("--days is 0 or more, --max 1 or more")}
	}
	lab, err := c.lab()
	if err != nil {
		return err
	}
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	defer source.close()
	began := time.Now()
	moves, err := lab.run(ctx, source)
	if err != nil {
		return err
	}
	report := newLabReport(moves)
	report.Seconds = time.Since(began).Seconds()
	for _, why := range moves.skipped {
		fmt.Fprintf(s.Err, "WARNING: %v\n", why)
	}
	if n := report.Skipped - len(moves.skipped); n > 0 {
		fmt.Fprintf(s.Err, "WARNING: %d more crashes were left out\n", n)
	}
	return report.write(s.Out, c.Format)
}

func (c *SiglistsTry) lab() (*signatureLab, error) {
	changed, err := siglists.Load(c.Dir)
	if err != nil {
		return nil, err
	}
	if c.Stored {
		g := signature.New(changed)
		return &signatureLab{func(crash *labCrash, data *signature.CrashData) move {
			return move{crash.stored, g.Generate(data).Signature}
		}}, nil
	}
	current := siglists.Default()
	if c.Current != "" {
		if current, err = siglists.Load(c.Current); err != nil {
			return nil, err
		}
	}
	both := signature.NewComparer(current, changed)
	return &signatureLab{func(_ *labCrash, data *signature.CrashData) move {
		before, after := both.Compare(data)
		return move{before.Signature, after.Signature}
	}}, nil
}

// labCrash is a stored crash on its way through the lab: packed, or whole, or
// to be fetched by the worker that signs it.
type labCrash struct {
	id     socorro.CrashID
	stored string // the signature that it has
	packed []byte
	whole  func() (*signature.CrashData, error) // when packed is nil
}

// crashData is what to sign, and the signature that the crash has.
func (c *labCrash) crashData() (*signature.CrashData, error) {
	if c.packed != nil {
		if d, err := signature.Unpack(c.packed); err == nil {
			return d, nil
		}
		// Packed by another version of this program: the crash itself is still there.
	}
	return c.whole()
}

// labSource gives the crashes.
type labSource interface {
	crashes(ctx context.Context) iter.Seq2[labCrash, error]
	close()
}

// signatureLab signs crashes anew and counts what changes.
type signatureLab struct {
	compare func(*labCrash, *signature.CrashData) move
}

// move is a crash's signature before and after.
type move struct{ old, new string }

// moves counts crashes by their move.
type moves struct {
	counts  map[move]int
	skipped []error // why crashes were left out; the first few
	left    int     // how many were
}

// maxSkipped bounds how many reasons are remembered.
const maxSkipped = 20

func newMoves() *moves { return &moves{counts: map[move]int{}} }

func (m *moves) add(other *moves) {
	for k, n := range other.counts {
		m.counts[k] += n
	}
	m.skipped = append(m.skipped, other.skipped...)
	m.skipped = m.skipped[:min(len(m.skipped), maxSkipped)]
	m.left += other.left
}

func (m *moves) skip(id socorro.CrashID, err error) {
	m.left++
	if len(m.skipped) < maxSkipped {
		m.skipped = append(m.skipped, fmt.Errorf("%s is left out: %w", id, err))
	}
}

// labBatch is how many crashes a worker takes at a time: handing each over by
// itself would cost as much as signing it.
const labBatch = 256

func (l *signatureLab) run(ctx context.Context, source labSource) (*moves, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	batches := make(chan []labCrash, workers)
	all := newMoves()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			mine := newMoves()
			for batch := range batches {
				for i := range batch {
					l.sign(&batch[i], mine)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.add(mine)
		})
	}
	err := inBatches(ctx, source, batches)
	close(batches)
	wg.Wait()
	return all, err
}

func inBatches(ctx context.Context, source labSource, batches chan<- []labCrash) error {
	batch := make([]labCrash, 0, labBatch)
	for crash, err := range source.crashes(ctx) {
		if err != nil {
			return err
		}
		if batch = append(batch, crash); len(batch) == labBatch {
			batches <- batch
			batch = make([]labCrash, 0, labBatch)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	batches <- batch
	return nil
}

func (l *signatureLab) sign(crash *labCrash, into *moves) {
	data, err := crash.crashData()
	if err != nil {
		into.skip(crash.id, err)
		return
	}
	into.counts[l.compare(crash, data)]++
}
