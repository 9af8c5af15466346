package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"socorro"
)

// SaveSigning is [Index.Save], and keeps beside the crash what its signature
// was made of, in whatever form the caller packs it. Empty data is not kept.
func (x *Index) SaveSigning(ctx context.Context, raw *socorro.RawCrash, p *socorro.ProcessedCrash, data []byte) error {
	e, err := entryOf(raw, p)
	if err == nil {
		err = x.db.writer.do(ctx, func(t tx) error {
			if err := save(t, e); err != nil || len(data) == 0 {
				return err
			}
			// A newer epoch's crash stays as it is, and so does what it was signed by.
			return t.exec(`INSERT INTO signing (n, data) SELECT n, ?1 FROM crash WHERE id = ?2 AND epoch = ?3
				ON CONFLICT DO UPDATE SET data = excluded.data`, data, e.id, e.epoch)
		})
	}
	if err != nil {
		return failure("index", string(p.ID), err)
	}
	return nil
}

// Signed is a listed crash with what its signature was made of.
type Signed struct {
	ID        socorro.CrashID
	Signature string // that it was listed under; cut as lists cut it
	Data      []byte // as SaveSigning got it; nil for a crash that came without
}

// Signings yields the crashes that were submitted since a time, in no order to
// rely on; the zero time means all. An error is the last that it yields.
func (x *Index) Signings(ctx context.Context, since time.Time) iter.Seq2[Signed, error] {
	return func(yield func(Signed, error) bool) {
		if err := x.signings(ctx, since, yield); err != nil {
			yield(Signed{}, fmt.Errorf("storage/sqlite: read what signatures are made of: %w", classify(err)))
		}
	}
}

func (x *Index) signings(ctx context.Context, since time.Time, yield func(Signed, error) bool) error {
	from := int64(math.MinInt64)
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	// Signatures by number first: a join would read each text as often as there are crashes of it.
	texts, err := x.signatureTexts(ctx)
	if err != nil {
		return err
	}
	rows, err := x.db.read.QueryContext(ctx, `SELECT crash.id, crash.sid, signing.data FROM crash LEFT JOIN signing ON signing.n = crash.n
		WHERE crash.submitted >= ?`, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s Signed
		var sid int64
		if err := rows.Scan(&s.ID, &sid, &s.Data); err != nil {
			return err
		}
		s.Signature = texts[sid]
		if !yield(s, nil) {
			return nil
		}
	}
	return rows.Err()
}

func (x *Index) signatureTexts(ctx context.Context) (map[int64]string, error) {
	type text struct {
		sid  int64
		text string
	}
	rows, err := x.db.read.QueryContext(ctx, `SELECT sid, text FROM signature`)
	list, err := scan(rows, err, func(t *text) []any { return []any{&t.sid, &t.text} })
	if err != nil {
		return nil, err
	}
	texts := make(map[int64]string, len(list))
	for _, t := range list {
		texts[t.sid] = t.text
	}
	return texts, nil
}
