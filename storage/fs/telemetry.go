package fs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"socorro"
)

// Telemetry is a destination: it keeps the public part of processed crashes,
// one JSON text each, for a data platform to fetch:
//
//	<root>/v1/crash_report/<YYYYMMDD>/<id>
//
// A folder holds the crashes of one UTC day (by id), so it grows no further
// once the day is over; remove whole days when they are not needed any more.
type Telemetry struct {
	tree *Store
}

// OpenTelemetry opens the export below root, and makes it when it is missing.
func OpenTelemetry(root string) (*Telemetry, error) {
	tree, err := Open(Config{Root: root})
	if err != nil {
		return nil, err
	}
	return &Telemetry{tree: tree}, nil
}

// Save writes the public part of a processed crash; see public.go for what
// that is. It is atomic, durable and may be repeated. An epoch older than the
// stored one has nothing to add: it is left out without error, so that its
// delivery ends. The raw crash is taken to fit the role of a destination;
// nothing of it is written.
func (t *Telemetry) Save(ctx context.Context, _ *socorro.RawCrash, p *socorro.ProcessedCrash) error {
	err := t.save(ctx, p)
	if errors.Is(err, socorro.ErrConflict) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("storage/fs: save telemetry %s: %w", p.ID, kind(err))
	}
	return nil
}

func (t *Telemetry) save(ctx context.Context, p *socorro.ProcessedCrash) error {
	if _, err := parse(p.ID); err != nil {
		return err
	}
	if err := t.tree.mounted(); err != nil {
		return err
	}
	text, err := publicText(p)
	if err != nil {
		return err
	}
	if err := t.tree.roomFor(int64(len(text))); err != nil {
		return err
	}
	dir := filepath.Dir(t.path(p.ID))
	if err := t.tree.makeDurable(dir); err != nil {
		return err
	}
	return replace(ctx, replacement{
		building: t.tree.building(),
		dir:      dir,
		file:     string(p.ID),
		epoch:    p.Epoch,
		stored:   telemetryEpoch,
		write: func(f *os.File) error {
			_, err := f.Write(text)
			return err
		},
	})
}

func (t *Telemetry) path(id socorro.CrashID) string {
	return filepath.Join(t.tree.root, "v1", "crash_report", day(id), string(id))
}

func telemetryEpoch(_ context.Context, path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, notFound(err)
	}
	return epochIn(text), nil
}

// Delete removes the export of a crash; ErrNotFound when there is none.
func (t *Telemetry) Delete(_ context.Context, id socorro.CrashID) error {
	_, err := parse(id)
	if err == nil {
		err = notFound(os.Remove(t.path(id)))
	}
	if err == nil {
		err = syncPath(filepath.Dir(t.path(id)))
	}
	if err != nil {
		return fmt.Errorf("storage/fs: delete telemetry %s: %w", id, kind(err))
	}
	return nil
}

func publicText(p *socorro.ProcessedCrash) ([]byte, error) {
	whole, err := p.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(whole, &fields); err != nil {
		return nil, fmt.Errorf("read back: %w: %w", err, socorro.ErrInvalid)
	}
	return json.Marshal(reduceCrash(fields))
}
