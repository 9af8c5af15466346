package system

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"socorro"
)

// destination is where a processed crash is brought to.
type destination interface {
	Save(context.Context, *socorro.RawCrash, *socorro.ProcessedCrash) error
}

// A faultPlan makes a destination fail on purpose, so that operators can
// rehearse an outage and tests can prove that nothing is lost in one. Counting
// instead of chance keeps a rehearsal repeatable.
type faultPlan struct {
	destination string
	errorEvery  int64 // every Nth save answers that it is unavailable; 0 never
	panicEvery  int64 // every Nth save panics; 0 never
}

// parseFaults reads "telemetry:error=3,panic=7" or "telemetry:down".
func parseFaults(text string) (faultPlan, error) {
	name, faults, ok := strings.Cut(text, ":")
	plan := faultPlan{destination: name}
	if !ok || name == "" || faults == "" {
		return plan, fmt.Errorf("fault %q is not NAME:FAULT[,FAULT] such as telemetry:error=3,panic=7", text)
	}
	for fault := range strings.SplitSeq(faults, ",") {
		if fault == "down" {
			plan.errorEvery = 1
			continue
		}
		kind, count, _ := strings.Cut(fault, "=")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil || n < 1 {
			return plan, fmt.Errorf("fault %q of %s: want down, error=N or panic=N with N of at least 1", fault, name)
		}
		switch kind {
		case "error":
			plan.errorEvery = n
		case "panic":
			plan.panicEvery = n
		default:
			return plan, fmt.Errorf("fault %q of %s: want down, error=N or panic=N", fault, name)
		}
	}
	return plan, nil
}

// faulty is a destination that follows a plan of faults.
type faulty struct {
	destination
	plan  faultPlan
	saves atomic.Int64
}

func (f *faulty) Save(ctx context.Context, raw *socorro.RawCrash, crash *socorro.ProcessedCrash) error {
	n := f.saves.Add(1)
	if f.plan.panicEvery > 0 && n%f.plan.panicEvery == 0 {
		panic(fmt.Sprintf("injected panic at save %d to %s", n, f.plan.destination))
	}
	if f.plan.errorEvery > 0 && n%f.plan.errorEvery == 0 {
		return fmt.Errorf("injected fault at save %d to %s: %w", n, f.plan.destination, socorro.ErrUnavailable)
	}
	return f.destination.Save(ctx, raw, crash)
}
