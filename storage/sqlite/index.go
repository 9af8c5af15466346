package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"socorro"
)

// Index is the list of processed crashes: what the home page and the lists of
// crashes show, with counts by signature and product. It is a destination, and
// can be filled again from the crash store when it is lost.
type Index struct {
	db *db
}

// OpenIndex opens the file at path and makes it when it is missing. Errors as
// in OpenQueue.
func OpenIndex(ctx context.Context, path string) (*Index, error) {
	d, err := open(ctx, path, indexFile)
	if err != nil {
		return nil, fmt.Errorf("storage/sqlite: open index %s: %w", path, err)
	}
	return &Index{db: d}, nil
}

// Close answers every call that is under way, then closes the file.
func (x *Index) Close() error {
	if err := x.db.close(); err != nil {
		return fmt.Errorf("storage/sqlite: close index: %w", err)
	}
	return nil
}

// maxText bounds a text in the index, in bytes; what is longer is cut. Only
// hostile clients send longer products or versions, and the processed crash
// keeps them whole.
const maxText = 1000

// entry is a crash as the index keeps it.
type entry struct {
	id        socorro.CrashID
	epoch     int64
	submitted int64
	signature string
	product   string
	rest      []any // version ... success, in the order of the table
}

func entryOf(raw *socorro.RawCrash, p *socorro.ProcessedCrash) (entry, error) {
	if err := checkID(p.ID); err != nil {
		return entry{}, err
	}
	var submitted time.Time
	switch {
	case raw != nil && raw.ID != p.ID:
		return entry{}, fmt.Errorf("the raw crash is another, %s: %w", raw.ID, socorro.ErrInvalid)
	case raw != nil && !raw.Submitted.IsZero():
		submitted = raw.Submitted
	default:
		var err error
		if submitted, err = time.Parse(time.RFC3339, p.Submitted); err != nil {
			submitted = p.ID.Date() // old crashes carry no time: the day is right, and sorts
		}
	}
	os := p.OSPrettyVersion
	if os == "" {
		os = strings.TrimSpace(p.OSName + " " + p.OSVersion)
	}
	e := entry{
		id: p.ID, epoch: p.Epoch, submitted: submitted.UnixMicro(),
		signature: clip(p.Signature, maxText), product: clip(p.Product, maxText),
	}
	for _, text := range []string{p.Version, p.BuildID, p.ReleaseChannel, p.ProcessType, os, p.CPUArch, p.Reason, p.Address} {
		e.rest = append(e.rest, clip(text, maxText))
	}
	e.rest = append(e.rest, p.Success)
	return e, nil
}

// Save lists a crash, or what a newer epoch made of it. An older epoch than the
// listed one changes nothing, without error, so that its delivery ends. The raw
// crash may be nil. Times before 1970 and after 9999 have no place in a list
// but do no harm.
func (x *Index) Save(ctx context.Context, raw *socorro.RawCrash, p *socorro.ProcessedCrash) error {
	e, err := entryOf(raw, p)
	if err == nil {
		err = x.db.writer.do(ctx, func(t tx) error { return save(t, e) })
	}
	if err != nil {
		return failure("index", string(p.ID), err)
	}
	return nil
}

func save(t tx, e entry) error {
	var epoch int64
	switch err := t.row(`SELECT epoch FROM crash WHERE id = ?`, []any{e.id}, &epoch); {
	case errors.Is(err, socorro.ErrNotFound):
	case err != nil:
		return err
	case epoch > e.epoch:
		return nil
	default:
		if err := remove(t, e.id); err != nil {
			return err
		}
	}
	var sid int64
	err := t.row(`INSERT INTO signature (text, folded, crashes) VALUES (?1, ?2, 1)
		ON CONFLICT (text) DO UPDATE SET crashes = crashes + 1 RETURNING sid`, []any{e.signature, fold(e.signature)}, &sid)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO crash
		(id, epoch, submitted, sid, product, version, build, channel, process_type, os, cpu, reason, address, success)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		append([]any{e.id, e.epoch, e.submitted, sid, e.product}, e.rest...)...)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO signature_day (day, sid, product, crashes, first, last) VALUES (?1, ?2, ?3, 1, ?4, ?4)
		ON CONFLICT DO UPDATE SET crashes = crashes + 1, first = min(first, excluded.first), last = max(last, excluded.last)`,
		dayOf(e.submitted), sid, e.product, e.submitted)
	if err != nil {
		return err
	}
	return t.exec(`INSERT INTO product_day (day, product, crashes) VALUES (?, ?, 1)
		ON CONFLICT DO UPDATE SET crashes = crashes + 1`, dayOf(e.submitted), e.product)
}

// remove takes a crash out of the list and out of every count.
func remove(t tx, id socorro.CrashID) error {
	var sid, submitted int64
	var product string
	err := t.row(`DELETE FROM crash WHERE id = ? RETURNING sid, submitted, product`, []any{id}, &sid, &submitted, &product)
	if err != nil {
		return err
	}
	if err := t.exec(`UPDATE signature SET crashes = crashes - 1 WHERE sid = ?`, sid); err != nil {
		return err
	}
	day := dayOf(submitted)
	if err := t.exec(`UPDATE product_day SET crashes = crashes - 1 WHERE day = ? AND product = ?`, day, product); err != nil {
		return err
	}
	if err := t.exec(`DELETE FROM product_day WHERE day = ? AND product = ? AND crashes = 0`, day, product); err != nil {
		return err
	}
	// The first and the last of the day may have been this one: ask the crashes.
	if err := t.exec(recountDay, day, sid, product, day*microDay, (day+1)*microDay); err != nil {
		return err
	}
	return t.exec(`DELETE FROM signature_day WHERE day = ? AND sid = ? AND product = ? AND crashes = 0`, day, sid, product)
}

const recountDay = `UPDATE signature_day SET crashes = crashes - 1,
	first = coalesce((SELECT min(submitted) FROM crash WHERE sid = ?2 AND product = ?3 AND submitted >= ?4 AND submitted < ?5), 0),
	last  = coalesce((SELECT max(submitted) FROM crash WHERE sid = ?2 AND product = ?3 AND submitted >= ?4 AND submitted < ?5), 0)
	WHERE day = ?1 AND sid = ?2 AND product = ?3`

// Delete takes a crash off the list; one that is not listed is no error.
func (x *Index) Delete(ctx context.Context, id socorro.CrashID) error {
	err := x.db.writer.do(ctx, func(t tx) error {
		if err := remove(t, id); !errors.Is(err, socorro.ErrNotFound) {
			return err
		}
		return nil
	})
	if err != nil {
		return failure("remove from index", string(id), err)
	}
	return nil
}

const microDay = 24 * 60 * 60 * 1_000_000

// dayOf rounds down, before 1970 too.
func dayOf(us int64) int64 {
	day := us / microDay
	if us%microDay < 0 {
		day--
	}
	return day
}

func fold(s string) string { return strings.ToLower(s) }
