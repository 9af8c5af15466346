package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"socorro"
)

const (
	defaultLimit = 50
	maxLimit     = 1000

	// fewCrashes is up to how many crashes a search sorts; above that it is
	// shorter to walk through the newest until enough of them match.
	fewCrashes = 5000
)

// Recent lists crashes, newest first; see socorro.CrashFilter. ErrInvalid for
// a negative limit or offset.
func (x *Index) Recent(ctx context.Context, f socorro.CrashFilter) ([]socorro.CrashSummary, error) {
	list, err := x.recent(ctx, f)
	if err != nil {
		return nil, failure("list crashes", "", classify(err))
	}
	return list, nil
}

func (x *Index) recent(ctx context.Context, f socorro.CrashFilter) ([]socorro.CrashSummary, error) {
	if f.Limit < 0 || f.Offset < 0 {
		return nil, fmt.Errorf("limit %d, offset %d: neither may be negative: %w", f.Limit, f.Offset, socorro.ErrInvalid)
	}
	limit := f.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	where, err := x.where(ctx, f)
	if err != nil || where.nothing {
		return []socorro.CrashSummary{}, err
	}
	rows, err := x.db.read.QueryContext(ctx, where.list(), append(where.args, min(limit, maxLimit), f.Offset)...)
	return scan(rows, err, func(s *socorro.CrashSummary) []any {
		return []any{
			&s.ID,
			micro{&s.Submitted},
			&s.Product, &s.Version, &s.BuildID, &s.Channel, &s.ProcessType,
			&s.OS, &s.CPU, &s.Signature, &s.Reason, &s.Address, &s.Success,
		}
	})
}

// where is a filter in SQL.
type where struct {
	index   string // that gives the order
	terms   []string
	args    []any
	nothing bool // no crash can match
}

// list sorts inside, over two columns that the index has in that order, and
// joins the signatures to the few rows that are left.
func (w *where) list() string {
	return `SELECT c.id, c.submitted, c.product, c.version, c.build, c.channel, c.process_type,
		c.os, c.cpu, s.text, c.reason, c.address, c.success
		FROM (` + w.inner() + `) AS page
		JOIN crash AS c ON c.n = page.n JOIN signature AS s ON s.sid = c.sid
		ORDER BY c.submitted DESC, c.id DESC`
}

func (w *where) inner() string {
	return `SELECT n FROM crash ` + w.index + ` WHERE ` + strings.Join(w.terms, " AND ") + ` ORDER BY submitted DESC, id DESC LIMIT ? OFFSET ?`
}

func (x *Index) where(ctx context.Context, f socorro.CrashFilter) (where, error) {
	since, before := window(f.Since, f.Before)
	w := where{index: "INDEXED BY crash_recent", terms: []string{"submitted >= ?", "submitted < ?"}, args: []any{since, before}}
	if f.Product != "" {
		w.index = "INDEXED BY crash_product"
		w.terms = append(w.terms, "product = ?")
		w.args = append(w.args, clip(f.Product, maxText))
	}
	if f.Signature == "" && f.SignatureContains == "" {
		return w, nil
	}
	found, err := x.matching(ctx, f)
	if err != nil {
		return where{}, err
	}
	switch {
	case len(found) == 0:
		w.nothing = true
	case len(found) == 1:
		w.index = "INDEXED BY crash_signature"
		if f.Product != "" {
			w.index = "INDEXED BY crash_signature_product"
		}
		w.terms = append(w.terms, "sid = ?")
		w.args = append(w.args, found[0].sid)
	default:
		if total(found) <= fewCrashes {
			w.index = "INDEXED BY crash_signature"
		}
		list, args := in(found)
		w.terms = append(w.terms, "sid "+list)
		w.args = append(w.args, args...)
	}
	return w, nil
}

// match is a signature that a filter allows.
type match struct {
	sid     int64
	crashes int
}

func total(found []match) (n int) {
	for _, m := range found {
		n += m.crashes
	}
	return n
}

func in(found []match) (string, []any) {
	text := make([]string, len(found))
	for i, m := range found {
		text[i] = fmt.Sprint(m.sid)
	}
	return "IN (SELECT value FROM json_each(?))", []any{"[" + strings.Join(text, ",") + "]"}
}

const (
	signatureExactly = `SELECT sid, crashes FROM signature WHERE text = ?1 AND instr(folded, ?2) > 0`
	// Looks at every signature there is, which are few beside the crashes.
	signatureContains = `SELECT sid, crashes FROM signature WHERE instr(folded, ?1) > 0`
)

func (x *Index) matching(ctx context.Context, f socorro.CrashFilter) ([]match, error) {
	part := fold(f.SignatureContains)
	var rows *sql.Rows
	var err error
	if f.Signature != "" {
		rows, err = x.db.read.QueryContext(ctx, signatureExactly, clip(f.Signature, maxText), part)
	} else {
		rows, err = x.db.read.QueryContext(ctx, signatureContains, part)
	}
	found, err := scan(rows, err, func(m *match) []any { return []any{&m.sid, &m.crashes} })
	return slices.DeleteFunc(found, func(m match) bool { return m.crashes == 0 }), err
}

// window is a span of time in microseconds; the end is not part of it. Zero
// times do not narrow.
func window(since, before time.Time) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !since.IsZero() {
		from = since.UnixMicro()
	}
	if !before.IsZero() {
		to = before.UnixMicro()
	}
	return from, to
}

// days cuts a window into whole days [first, end), for which there are counts,
// and what is left of days before and after, which has to be counted.
func days(from, to int64) (first, end int64, edges [][2]int64) {
	first, end = ceilDay(from), dayOf(to)
	if first >= end {
		return 0, 0, [][2]int64{{from, to}}
	}
	if from != math.MinInt64 && from < first*microDay {
		edges = append(edges, [2]int64{from, first * microDay})
	}
	if to != math.MaxInt64 && end*microDay < to {
		edges = append(edges, [2]int64{end * microDay, to})
	}
	return first, end, edges
}

func ceilDay(us int64) int64 {
	day := dayOf(us)
	if us > math.MinInt64 && day*microDay != us {
		day++
	}
	return day
}

// Count counts the crashes that a filter allows, ignoring Limit and Offset.
func (x *Index) Count(ctx context.Context, f socorro.CrashFilter) (int, error) {
	n, err := x.count(ctx, f)
	if err != nil {
		return 0, failure("count crashes", "", classify(err))
	}
	return n, nil
}

func (x *Index) count(ctx context.Context, f socorro.CrashFilter) (int, error) {
	table, index := "product_day", "crash_recent"
	var terms string
	var args []any
	if f.Product != "" {
		index = "crash_product"
		terms += " AND product = ?"
		args = append(args, clip(f.Product, maxText))
	}
	if f.Signature != "" || f.SignatureContains != "" {
		found, err := x.matching(ctx, f)
		if err != nil || len(found) == 0 {
			return 0, err
		}
		table = "signature_day INDEXED BY signature_day_by_signature"
		if index = "crash_signature"; f.Product != "" {
			index = "crash_signature_product"
		}
		list, more := in(found)
		terms += " AND sid " + list
		args = append(args, more...)
	}
	first, end, edges := days(window(f.Since, f.Before))
	query := "SELECT (SELECT coalesce(sum(crashes), 0) FROM " + table + " WHERE day >= ? AND day < ?" + terms + ")"
	all := append([]any{first, end}, args...)
	for _, e := range edges {
		query += " + (SELECT count(*) FROM crash INDEXED BY " + index + " WHERE submitted >= ? AND submitted < ?" + terms + ")"
		all = append(append(all, e[0], e[1]), args...)
	}
	var n int
	err := x.db.read.QueryRowContext(ctx, query, all...).Scan(&n)
	return n, err
}

// topSignatures sums whole days and adds the crashes of the day that since cuts.
const topSignatures = `WITH part AS (
		SELECT sid, crashes, first, last FROM signature_day WHERE day >= ?1
		UNION ALL
		SELECT sid, 1, submitted, submitted FROM crash INDEXED BY crash_recent WHERE submitted >= ?2 AND submitted < ?3
	), top AS (
		SELECT sid, sum(crashes) AS crashes, min(first) AS first, max(last) AS last FROM part GROUP BY sid
	)
	SELECT top.sid, s.text, top.crashes, top.first, top.last FROM top JOIN signature AS s ON s.sid = top.sid
	ORDER BY top.crashes DESC, s.text LIMIT ?4`

const signatureProducts = `SELECT product FROM signature_day INDEXED BY signature_day_by_signature WHERE sid = ?1 AND day >= ?2
	UNION SELECT product FROM crash INDEXED BY crash_signature WHERE sid = ?1 AND submitted >= ?3 AND submitted < ?4
	ORDER BY product`

// Signatures lists the signatures with the most crashes since then, up to
// limit (0 means 50, never more than 1,000). First and Last are the times of
// submission of the first and the last crash in that span. Crashes without a
// signature are listed under "".
func (x *Index) Signatures(ctx context.Context, since time.Time, limit int) ([]socorro.SignatureCount, error) {
	list, err := x.signatures(ctx, since, limit)
	if err != nil {
		return nil, failure("list signatures", "", classify(err))
	}
	return list, nil
}

func (x *Index) signatures(ctx context.Context, since time.Time, limit int) ([]socorro.SignatureCount, error) {
	if limit < 0 {
		return nil, fmt.Errorf("limit %d is negative: %w", limit, socorro.ErrInvalid)
	}
	if limit == 0 {
		limit = defaultLimit
	}
	from, _ := window(since, time.Time{})
	first := ceilDay(from)
	edge := [2]int64{}
	if from != math.MinInt64 {
		edge = [2]int64{from, first * microDay}
	}
	type row struct {
		sid int64
		socorro.SignatureCount
	}
	view, err := x.db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer view.Rollback()
	rows, err := view.QueryContext(ctx, topSignatures, first, edge[0], edge[1], min(limit, maxLimit))
	top, err := scan(rows, err, func(r *row) []any {
		return []any{&r.sid, &r.Signature, &r.Crashes, micro{&r.First}, micro{&r.Last}}
	})
	list := make([]socorro.SignatureCount, 0, len(top))
	for _, r := range top {
		rows, err := view.QueryContext(ctx, signatureProducts, r.sid, first, edge[0], edge[1])
		if r.Products, err = scan(rows, err, func(s *string) []any { return []any{s} }); err != nil {
			return nil, err
		}
		list = append(list, r.SignatureCount)
	}
	return list, err
}

const productsSince = `SELECT DISTINCT product FROM product_day WHERE day >= ? AND product <> '' ORDER BY product`

// Products lists the products that had a crash since the UTC day of then.
func (x *Index) Products(ctx context.Context, since time.Time) ([]string, error) {
	from, _ := window(since, time.Time{})
	rows, err := x.db.read.QueryContext(ctx, productsSince, dayOf(from))
	list, err := scan(rows, err, func(s *string) []any { return []any{s} })
	if err != nil {
		return nil, failure("list products", "", err)
	}
	return list, nil
}
