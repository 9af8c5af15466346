package collect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// reply is the answer to an upload, and what the receipt says of it.
type reply struct {
	status int
	body   string
	json   bool
	err    error // what went wrong on our side, for the log

	result socorro.Result
	reason string
	detail string
	id     socorro.CrashID
	keys   []string
	unkept bool // the id is a pretence
}

// noted writes the receipt and completes the trace. The receipt is there before
// the answer, so that a client that sends again finds its first one.
func (h *Handler) noted(u *upload, r reply) reply {
	t := &u.trace
	t.Result, t.Reason, t.Detail, t.ID, t.Status = r.result, r.reason, r.detail, r.id, r.status
	if r.unkept {
		t.ID = ""
	}
	if u.body != nil {
		t.Bytes = u.body.n
	}
	if h.ledger == nil {
		return r
	}
	receipt := t.receipt()
	receipt.Keys = r.keys
	if err := h.ledger.Write(receipt); err != nil {
		h.metrics.receipts.Inc()
		h.log.Error("receipt not written", "crash_id", string(r.id), "result", string(r.result), "err", err)
	}
	return r
}

// answer sends the reply once the body is out of the way.
func (h *Handler) answer(c *fiber.Ctx, u *upload, r reply) error {
	if r.err != nil {
		h.log.Error("crash not kept", "err", r.err)
	}
	if u.body != nil {
		u.body.drain(4*h.cfg.MaxBody, min(h.cfg.ReadIdle, 5*time.Second))
	}
	if u.body == nil || !u.body.complete() {
		c.Context().SetConnectionClose() // what follows on this connection is not a request
	}
	if r.status == http.StatusServiceUnavailable {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(retryAfter))
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextPlain)
	if r.json {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	}
	return c.Status(r.status).SendString(r.body)
}

// mozilla says that the client reads its answer line by line, and knows more
// lines than the first. Others take the whole answer for the crash's id.
func (u *upload) mozilla() bool {
	return strings.HasPrefix(u.userAgent, "crashreporter/") || strings.Contains(u.userAgent, "Gecko/")
}

// accepted answers with a crash id, in the words that the client understands.
func (h *Handler) accepted(u *upload, p *payload, id socorro.CrashID, result socorro.Result, reason string) reply {
	r := reply{status: http.StatusOK, result: result, reason: reason, id: id}
	link := ""
	if base := cmp.Or(strings.TrimSuffix(h.cfg.PublicURL, "/"), u.base); base != "" {
		link = base + "/report/index/" + string(id)
	}
	switch {
	case h.cfg.Strict:
	case u.route.envelope:
		return r.withJSON(map[string]string{"id": p.report, "crash_id": "bp-" + string(id)})
	case strings.Contains(u.accept, fiber.MIMEApplicationJSON):
		object := map[string]string{"crash_id": "bp-" + string(id)}
		if link != "" {
			object["view_url"] = link
		}
		return r.withJSON(object)
	}
	r.body = "CrashID=bp-" + string(id) + "\n"
	if h.cfg.Strict || !u.mozilla() {
		return r
	}
	if link != "" {
		r.body += "ViewURL=" + link + "\n"
	}
	if version := h.endedVersion(p.annotations); version != "" {
		r.body += "StopSendingReportsFor=" + version + "\n"
	}
	return r
}

func (r reply) withJSON(object map[string]string) reply {
	text, _ := json.Marshal(object) // strings only
	r.body, r.json = string(text)+"\n", true
	return r
}

// failed answers for what went wrong on our side.
func (h *Handler) failed(err error) reply {
	h.metrics.dropped.Inc()
	r := reply{result: socorro.Unavailable, reason: "storage", status: http.StatusServiceUnavailable, body: "the crash storage is unavailable, try again later\n", err: err, detail: "see the log"}
	if !errors.Is(err, socorro.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		r.status, r.reason, r.body = http.StatusInternalServerError, "fault", "internal error\n"
	}
	return r
}

// refused answers for what was wrong with the upload.
func (h *Handler) refused(u *upload, err error) reply {
	m, ok := errors.AsType[*malformed](err)
	if !ok {
		return h.failed(err)
	}
	h.metrics.malformed.WithLabelValues(m.reason).Inc()
	if u.body != nil && u.body.gone() {
		h.metrics.aborted.Inc()
	}
	h.log.Info("upload refused", "reason", m.reason, "err", m.err, "user_agent", u.userAgent)
	r := reply{result: socorro.Malformed, reason: m.reason, status: m.status(), body: "Discarded=malformed_" + m.reason}
	if m.err != nil {
		r.detail = cut(m.err.Error())
	}
	return r
}
