package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"socorro"

	"github.com/gofiber/fiber/v2"
)

type reportBody struct {
	ID        socorro.CrashID
	Crash     *socorro.ProcessedCrash
	Product   string
	Version   string
	Signature string
	Facts     []row // the few that are read first
	Details   []section
	Stack     *threadView // of the crashing thread; nil when there is none
	NoStack   string      // why there is none
	Others    []threadView
	Hidden    int // threads without their frames, see frameBudget
	Modules   []moduleView
	MoreMods  int
	Wanted    []wanted
	Notes     []string
	Collector []string
	Anno      annotationsView
	Banner    string // what else is going on with this crash
	JSON      string
	RawJSON   string
}

// report shows a processed crash, or where an unprocessed one stands.
func (p *Pages) report(ctx context.Context, c *fiber.Ctx) error {
	text := strings.Clone(c.Params("id"))
	id, err := socorro.ParseCrashID(text)
	if err != nil {
		return fmt.Errorf("web: %w", err)
	}
	if string(id) != text {
		return c.Redirect("/report/index/"+string(id), fiber.StatusFound)
	}
	status, err := p.deps.Queue.Status(ctx, id)
	inQueue := err == nil
	if err != nil && !errors.Is(err, socorro.ErrNotFound) {
		p.deps.Log.WarnContext(ctx, "queue status not shown", slog.String("crash_id", string(id)), errAttr(err))
	}
	crash, err := p.deps.Crashes.LoadProcessed(ctx, id)
	switch {
	case err == nil:
		return p.processed(ctx, c, crash, id, status)
	case !errors.Is(err, socorro.ErrNotFound):
		return fmt.Errorf("web: load processed %s: %w", id, err)
	case inQueue:
		return p.unprocessed(ctx, c, status)
	}
	switch _, err := p.deps.Crashes.LoadRaw(ctx, id); {
	case err == nil:
		return p.unprocessed(ctx, c, socorro.QueueStatus{ID: id})
	case !errors.Is(err, socorro.ErrNotFound):
		return fmt.Errorf("web: load raw %s: %w", id, err)
	}
	return p.render(c, fiber.StatusNotFound, "error", view{Title: "Crash not found", Body: errorBody{
		fiber.StatusNotFound, "Crash not found",
		fmt.Sprintf("There is no crash report %s here. It may have been sent to another server, refused, or deleted because of its age.", id),
	}})
}

func (p *Pages) processed(ctx context.Context, c *fiber.Ctx, crash *socorro.ProcessedCrash, id socorro.CrashID, q socorro.QueueStatus) error {
	b := reportBody{
		ID: id, Crash: crash,
		Product:   cmp.Or(crash.Product, "Unknown product"),
		Version:   crash.Version,
		Signature: crash.Signature,
		Banner:    banner(q),
		Notes:     lines(crash.ProcessorNotes),
		JSON:      "/api/ProcessedCrash/?crash_id=" + string(id),
		RawJSON:   "/api/RawCrash/?crash_id=" + string(id),
	}
	raw, err := p.deps.Crashes.LoadRaw(ctx, id)
	switch {
	case err == nil:
		b.Anno = viewAnnotations(raw.Annotations, p.cfg.ShowProtected)
		b.Collector = raw.Metadata.CollectorNotes
	case errors.Is(err, socorro.ErrNotFound):
		b.Anno.Missing = "The raw crash is no longer in the store."
	default:
		p.deps.Log.WarnContext(ctx, "annotations not shown", slog.String("crash_id", string(id)), errAttr(err))
		b.Anno.Missing = "The raw crash cannot be read right now."
	}
	w, err := readWalk(crash.JSONDump)
	if err != nil {
		b.Notes = append(b.Notes, "web: "+err.Error())
	}
	b.Facts = facts(crash)
	b.Details = details(crash, raw, w, p.cfg.ShowProtected)
	b.stacks(w)
	title := strings.TrimSpace(visible(b.Product)+" "+visible(b.Version)) + " crash"
	if b.Signature != "" {
		title += " @ " + shorten(visible(b.Signature), 200)
	}
	return p.render(c, fiber.StatusOK, "report", view{Title: title, Nav: "crashes", Body: b})
}

// stacks fills in everything that comes from the stack walker.
func (b *reportBody) stacks(w *walk) {
	mods := newModules(w)
	b.Modules, b.MoreMods = mods.views()
	at := w.crashingThread(b.Crash.CrashingThread)
	budget := frameBudget
	if at >= 0 {
		v := w.Threads[at].view(at, mods, crashingFold, &budget)
		v.Name = cmp.Or(v.Name, b.Crash.CrashingThreadName)
		v.Crashing = true
		b.Stack = &v
	}
	switch {
	case b.Stack != nil && len(b.Stack.Rows) == 0:
		b.NoStack = "The stack walker found no frames in the crashing thread."
	case b.Stack == nil && len(w.Threads) == 0:
		b.NoStack = "There is no stack: " + cmp.Or(noStackReason(b.Crash), "the report holds no minidump that could be walked.")
	case b.Stack == nil:
		b.NoStack = "The minidump does not say which thread crashed. All threads are below."
	}
	for i := range w.Threads {
		if i == at {
			continue
		}
		v := w.Threads[i].view(i, mods, otherFold, &budget)
		if v.Total > 0 && len(v.Rows) == 0 {
			b.Hidden++
		}
		b.Others = append(b.Others, v)
		if len(b.Others) == threadLimit {
			break
		}
	}
	b.Wanted = mods.wanted()
}

func noStackReason(crash *socorro.ProcessedCrash) string {
	if s := crash.MDSWStatus; s != "" && s != "OK" {
		return "the stack walker says " + s + "."
	}
	return ""
}

func banner(q socorro.QueueStatus) string {
	switch q.State {
	case socorro.Queued:
		return "This crash waits to be processed again. What you see is the earlier result."
	case socorro.Claimed:
		return "This crash is being processed again. What you see is the earlier result."
	case socorro.Parked:
		return "Processing this crash again was given up: " + cmp.Or(q.LastError, "no reason was recorded") + ". What you see is the earlier result."
	}
	return ""
}

const noteLines = 500

func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(out) == noteLines {
			return append(out, "… more lines are in the JSON")
		}
		out = append(out, line)
	}
	return out
}
