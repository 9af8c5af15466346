package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"socorro"
	"socorro/http/collect"
	"socorro/storage/receipts"
	"socorro/storage/spool"
)

// landing is where uploads come down: a spool, from which a mover brings them to
// the crash store and the queue, and the log of receipts. What the collector has
// answered is in the spool, in the store, or in both.
type landing struct {
	spool    *spool.Spool
	receipts *receipts.Log
	incoming string // where the store takes files from without copying; "" when it has no such place
	stores   *accepter
	log      *slog.Logger

	stop  context.CancelFunc
	ended sync.WaitGroup
}

// openLanding opens the two and brings the receipts up to what the spool has.
func (c *Serve) openLanding(stores *accepter, incoming string, log *slog.Logger) (_ *landing, err error) {
	l := &landing{incoming: incoming, stores: stores, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	l.receipts, err = receipts.Open(receipts.Config{Dir: filepath.Join(c.Data, receiptDir), Window: c.DuplicateWindow})
	if err != nil {
		return nil, err
	}
	// A power cut may have taken the last receipts, never the crashes. The spool
	// forgets crashes only after their receipts are durable.
	var kept []socorro.Receipt
	recovered := func() error {
		_, err := l.receipts.Recover(kept)
		kept = nil
		return errors.Join(err, l.receipts.Sync())
	}
	var once sync.Once
	settle := func() error {
		var err error
		once.Do(func() { err = recovered() })
		return errors.Join(err, l.receipts.Sync())
	}
	l.spool, err = spool.Open(spool.Config{
		Dir: filepath.Join(c.Data, spoolDir), MinFree: int64(c.MinFree) * mib, Log: log, Settle: settle,
		Found: func(raw *socorro.RawCrash) { kept = append(kept, socorro.ReceiptOf(raw)) },
	})
	if err != nil {
		return nil, err
	}
	if err := settle(); err != nil {
		return nil, err
	}
	if waiting, _ := l.spool.Depth(); waiting > 0 {
		log.Info("spooled crashes go to the crash store now", "count", waiting)
	}
	return l, nil
}

// start starts the mover.
func (l *landing) start(workers int) {
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	l.ended.Go(func() { l.spool.Move(ctx, workers, l.take) })
}

// Accept keeps an upload; see collect.Accepter.
func (l *landing) Accept(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	return l.spool.Keep(ctx, raw, dumps)
}

// take brings one crash to the crash store and into the queue.
func (l *landing) take(ctx context.Context, raw *socorro.RawCrash, dumps []socorro.Dump) error {
	links := l.link(raw.ID, dumps)
	defer func() {
		for _, path := range links {
			_ = os.Remove(path) // the store has usually taken it; what stays is swept
		}
	}()
	return l.stores.Accept(ctx, raw, dumps)
}

// link puts the dumps where the store takes them from without copying, and
// changes their paths to that. Where it cannot, the store copies.
func (l *landing) link(id socorro.CrashID, dumps []socorro.Dump) (links []string) {
	if l.incoming == "" {
		return nil
	}
	for i := range dumps {
		path := filepath.Join(l.incoming, "spooled-"+string(id)+"."+strconv.Itoa(i))
		err := os.Link(dumps[i].Path, path)
		if errors.Is(err, os.ErrExist) { // of a try that a kill ended
			err = errors.Join(os.Remove(path), os.Link(dumps[i].Path, path))
		}
		switch {
		case err == nil:
			links = append(links, path)
			dumps[i].Path = path
		case errors.Is(err, os.ErrNotExist):
			// The spool's file goes when the crash is done: the store has this crash,
			// and only the mark of that was lost.
		default:
			l.log.Debug("spooled dump is copied", "crash_id", string(id), "err", err)
		}
	}
	return links
}

// Close ends the mover, then closes the files. What waits is moved at the next start.
func (l *landing) Close() error {
	if l.stop != nil {
		l.stop()
		l.ended.Wait()
	}
	var errs []error
	if l.spool != nil {
		errs = append(errs, l.spool.Close())
	}
	if l.receipts != nil {
		errs = append(errs, l.receipts.Close())
	}
	return errors.Join(errs...)
}

// balance sets receipts against spool and queue.
func (p *parts) balance(ctx context.Context) (socorro.Balance, error) {
	since, results := p.landing.receipts.Totals()
	b := socorro.Balance{Since: since, Results: results}
	for result, reasons := range results {
		for _, n := range reasons {
			b.Received += n
			if result == socorro.Accepted || result == socorro.Postponed {
				b.Missing += n
			}
		}
	}
	b.Spooled, _ = p.landing.spool.Depth()
	queue, err := p.queue.Depth(ctx)
	if err != nil {
		return b, fmt.Errorf("system: balance of receipts: %w", err)
	}
	b.Queue = queue.ByState
	b.Missing -= b.Spooled
	for _, n := range b.Queue {
		b.Missing -= n
	}
	return b, nil
}

// balanceOrNil is nil in a process that collects nothing.
func (p *parts) balanceOrNil() func(context.Context) (socorro.Balance, error) {
	if p.landing == nil {
		return nil
	}
	return p.balance
}

// collector makes the handler of uploads from the settings.
func (c *Serve) collector(p *parts, log *slog.Logger) (*collect.Handler, error) {
	cfg := collect.Config{
		Staging: p.landing.spool.Incoming(), Throttle: collect.ThrottleConfig{Rules: c.Throttler},
		Strict: c.Strict, Strip: nonEmpty(c.Strip), PublicURL: c.PublicURL, BearerToken: c.BearerToken,
		MaxBody: int64(c.MaxBody) * mib, MaxInflated: int64(c.MaxInflated) * mib, MaxParts: c.MaxParts,
		MaxText: int64(c.MaxAnnotation) << 10, MaxAnnotations: int64(c.MaxAnnotations) << 10,
		MaxUploads: c.MaxUploads, ReadIdle: c.UploadIdle, ReadTotal: c.UploadTime,
	}
	if len(c.Products) > 0 {
		cfg.Throttle.Products = c.Products
	}
	if c.CollectorRules != "" {
		f, err := os.Open(c.CollectorRules)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if cfg.Policy, err = collect.ParsePolicy(f); err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", c.CollectorRules, err)}
		}
	}
	return collect.New(cfg, collect.Deps{
		Accepter: p.landing, Ledger: p.landing.receipts, Room: p.landing.spool.Room,
		Spooled: p.landing.spool.Depth, Log: log, Metrics: p.metrics.registry,
	})
}

// nonEmpty drops empty names; it is never nil.
func nonEmpty(names []string) []string {
	return slices.DeleteFunc(slices.Clone(append([]string{}, names...)), func(s string) bool { return s == "" })
}
