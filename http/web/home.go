package web

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

const (
	homeDays       = 7
	homeSignatures = 10
	homeCrashes    = 15
)

type homeBody struct {
	Total, Day int
	Queue      *queueView // nil when the queue does not answer
	Days       int
	Top        []topRow
	Recent     []socorro.CrashSummary
	Empty      bool
	Base       string // this server's URL, for the examples of the empty page
}

// queueView is the queue in numbers for people.
type queueView struct {
	Waiting, Working, Parked, Deferred int
	Oldest                             time.Time
	OldestAge                          string
}

type topRow struct {
	socorro.SignatureCount
	Rank  int
	Share int // of the most frequent one, 1 to 100
}

func (p *Pages) home(ctx context.Context, c *fiber.Ctx) error {
	now := p.cfg.Now()
	b := homeBody{Days: homeDays, Base: p.base(c)}
	var err error
	if b.Total, err = p.deps.Index.Count(ctx, socorro.CrashFilter{}); err != nil {
		return fmt.Errorf("web: count crashes: %w", err)
	}
	if b.Day, err = p.deps.Index.Count(ctx, socorro.CrashFilter{Since: since(now, 1)}); err != nil {
		return fmt.Errorf("web: count crashes of a day: %w", err)
	}
	top, err := p.deps.Index.Signatures(ctx, since(now, homeDays), homeSignatures)
	if err != nil {
		return fmt.Errorf("web: top signatures: %w", err)
	}
	b.Top = rank(top)
	if b.Recent, err = p.deps.Index.Recent(ctx, socorro.CrashFilter{Limit: homeCrashes}); err != nil {
		return fmt.Errorf("web: recent crashes: %w", err)
	}
	b.Queue = p.queueNumbers(ctx, c)
	b.Empty = b.Total == 0 && len(b.Recent) == 0
	return p.render(c, fiber.StatusOK, "home", view{Title: "Crashes", Live: true, Body: b})
}

// queueNumbers is nil when the queue does not answer: the crashes that are
// there can still be read, so the rest of the page is shown without it.
func (p *Pages) queueNumbers(ctx context.Context, c *fiber.Ctx) *queueView {
	d, err := p.deps.Queue.Depth(ctx)
	if err != nil {
		p.deps.Log.WarnContext(ctx, "queue depth not shown", pathAttr(c), errAttr(err))
		return nil
	}
	return viewQueue(p.cfg.Now(), d)
}

func viewQueue(now time.Time, d socorro.QueueDepth) *queueView {
	q := &queueView{
		Waiting:  d.ByState[socorro.Queued],
		Working:  d.ByState[socorro.Claimed],
		Parked:   d.ByState[socorro.Parked],
		Deferred: d.ByState[socorro.Deferred],
		Oldest:   d.Oldest,
	}
	if !d.Oldest.IsZero() {
		q.OldestAge = span(max(0, now.Sub(d.Oldest)))
	}
	return q
}

func rank(rows []socorro.SignatureCount) []topRow {
	most := 1
	for _, r := range rows {
		most = max(most, r.Crashes)
	}
	out := make([]topRow, len(rows))
	for i, r := range rows {
		out[i] = topRow{r, i + 1, max(1, r.Crashes*100/most)}
	}
	return out
}

func since(now time.Time, days int) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return now.Add(-time.Duration(days) * 24 * time.Hour)
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]{1,255}$`)

// base is this server's URL. It ends up in a command that people copy into a
// shell, so a Host header with anything odd in it is not repeated.
func (p *Pages) base(c *fiber.Ctx) string {
	if p.cfg.PublicURL != "" {
		return strings.TrimSuffix(p.cfg.PublicURL, "/")
	}
	host := c.Hostname()
	if !plainHost.MatchString(host) {
		host = "localhost"
	}
	return c.Protocol() + "://" + host
}
