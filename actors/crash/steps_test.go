package crash

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"socorro"
)

// shelf is a crash store with one crash and an error for each call.
type shelf struct {
	raw                             *socorro.RawCrash
	rawErr, dumpErr, oldErr, putErr error
	old, put                        *socorro.ProcessedCrash
}

func (s *shelf) LoadRaw(context.Context, socorro.CrashID) (*socorro.RawCrash, error) {
	return s.raw, s.rawErr
}

func (s *shelf) Dumps(context.Context, socorro.CrashID) ([]socorro.Dump, error) {
	return nil, s.dumpErr
}

func (s *shelf) LoadProcessed(context.Context, socorro.CrashID) (*socorro.ProcessedCrash, error) {
	return s.old, s.oldErr
}

func (s *shelf) SaveProcessed(_ context.Context, p *socorro.ProcessedCrash) error {
	if s.putErr == nil {
		s.put = p
	}
	return s.putErr
}

type processorFunc func(ctx context.Context, earlier *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error)

func (f processorFunc) Process(ctx context.Context, _ *socorro.RawCrash, _ []socorro.Dump, earlier *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
	return f(ctx, earlier)
}

func fine(context.Context, *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
	return &socorro.ProcessedCrash{ID: id}, nil
}

func TestTheWorkStopsAtTheStepThatFails(t *testing.T) {
	raw := &socorro.RawCrash{ID: id}
	boom := errors.New("boom")
	none := fmt.Errorf("none: %w", socorro.ErrNotFound)
	for name, tc := range map[string]struct {
		shelf   shelf
		process processorFunc
		stages  []Stage
		want    string // in the error; "" for success
	}{
		"all well":                        {shelf{raw: raw, oldErr: none}, fine, []Stage{Loading, Processing, Saving}, ""},
		"no dump":                         {shelf{raw: raw, oldErr: none, dumpErr: none}, fine, []Stage{Loading, Processing, Saving}, ""},
		"an earlier result is unreadable": {shelf{raw: raw, oldErr: socorro.ErrInvalid}, fine, []Stage{Loading, Processing, Saving}, ""},
		"no raw crash":                    {shelf{rawErr: none}, fine, []Stage{Loading}, "load raw " + string(id)},
		"a store that returns nothing":    {shelf{}, fine, []Stage{Loading}, "nothing"},
		"dumps cannot be found":           {shelf{raw: raw, dumpErr: boom}, fine, []Stage{Loading}, "dumps"},
		"earlier result cannot be loaded": {shelf{raw: raw, oldErr: boom}, fine, []Stage{Loading}, "load processed"},
		"save fails":                      {shelf{raw: raw, oldErr: none, putErr: boom}, fine, []Stage{Loading, Processing, Saving}, "save processed"},
		"processing fails": {shelf{raw: raw, oldErr: none}, func(context.Context, *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
			return nil, boom
		}, []Stage{Loading, Processing}, "process " + string(id)},
		"processing gives nothing": {shelf{raw: raw, oldErr: none}, func(context.Context, *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
			return nil, nil
		}, []Stage{Loading, Processing}, "nothing"},
		"processing gives another crash": {shelf{raw: raw, oldErr: none}, func(context.Context, *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
			return &socorro.ProcessedCrash{ID: "other"}, nil
		}, []Stage{Loading, Processing}, `"other"`},
	} {
		t.Run(name, func(t *testing.T) {
			var stages []Stage
			s := &steps{crashes: &tc.shelf, processor: tc.process, timeout: time.Minute, show: func(s Stage) { stages = append(stages, s) }}
			err := s.run(t.Context(), socorro.Claim{ID: id, Epoch: 7})
			if diff := cmp.Diff(tc.stages, stages); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
			if tc.want == "" {
				if err != nil || tc.shelf.put == nil || tc.shelf.put.Epoch != 7 {
					t.Errorf("run = %v, saved %+v; want it saved with epoch 7", err, tc.shelf.put)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || tc.shelf.put != nil {
				t.Errorf("run = %v, saved %+v; want an error with %q and nothing saved", err, tc.shelf.put, tc.want)
			}
		})
	}
}

func TestAResultThatComesAfterTheCancelIsNotSaved(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("lease lost")
	s := &shelf{raw: &socorro.RawCrash{ID: id}, old: &socorro.ProcessedCrash{ID: id, Epoch: 1}}
	run := &steps{crashes: s, timeout: time.Minute, show: func(Stage) {}, processor: processorFunc(
		func(_ context.Context, earlier *socorro.ProcessedCrash) (*socorro.ProcessedCrash, error) {
			if earlier != s.old {
				t.Errorf("earlier result = %v; want the stored one", earlier)
			}
			cancel(cause)
			return fine(t.Context(), nil)
		})}
	if err := run.run(ctx, socorro.Claim{ID: id}); !errors.Is(err, cause) || s.put != nil {
		t.Errorf("run = %v, saved %v; want the cause and nothing saved", err, s.put)
	}
}
