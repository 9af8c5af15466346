package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// upload is one request on its way. Its strings are copies: Fiber reuses the
// memory behind a context after the handler returns.
type upload struct {
	route         Route
	contentType   string
	encoding      string
	authorization string
	userAgent     string
	accept        string
	base          string // of this server's URLs, as the client reached it; "" when that looks odd
	query         url.Values
	body          *wire // nil when there is none
	trace         Trace
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]{1,255}$`)

func (h *Handler) submit(c *fiber.Ctx, route Route) error {
	start := time.Now()
	h.metrics.inFlight.Inc()
	defer func() {
		h.metrics.inFlight.Dec()
		h.metrics.onPost.Observe(time.Since(start).Seconds())
	}()
	u := h.open(c, route)
	r := h.admitted(c.UserContext(), u)
	err := h.answer(c, u, r)
	u.trace.Took = time.Since(start)
	h.traces.add(u.trace)
	return err
}

// admitted takes the upload in when there is a place for it and room on the disk.
func (h *Handler) admitted(ctx context.Context, u *upload) reply {
	if err := h.room(u.trace.Declared); err != nil {
		h.metrics.away.WithLabelValues("no_room").Inc()
		return h.noted(u, reply{result: socorro.Unavailable, reason: "no_room", status: http.StatusServiceUnavailable, body: "the collector has no room for crashes now, try again later\n", err: err})
	}
	release, ok := h.admit()
	if !ok {
		h.metrics.away.WithLabelValues("busy").Inc()
		return h.noted(u, reply{result: socorro.Unavailable, reason: "busy", status: http.StatusServiceUnavailable, body: "the collector is busy, try again later\n"})
	}
	defer release()
	return h.noted(u, h.receive(ctx, u))
}

// open copies what the handler needs of the request.
func (h *Handler) open(c *fiber.Ctx, route Route) *upload {
	u := &upload{
		route:         route,
		contentType:   strings.Clone(c.Get(fiber.HeaderContentType)),
		encoding:      strings.Clone(c.Get(fiber.HeaderContentEncoding)),
		authorization: strings.Clone(c.Get(fiber.HeaderAuthorization)),
		userAgent:     strings.ToValidUTF8(strings.Clone(c.Get(fiber.HeaderUserAgent)), "\uFFFD"),
		accept:        strings.Clone(c.Get(fiber.HeaderAccept)),
	}
	if host := c.Hostname(); plainHost.MatchString(host) {
		u.base = strings.Clone(c.Protocol() + "://" + host)
	}
	// A query that does not parse is no reason to lose a crash: what parses is used.
	u.query, _ = url.ParseQuery(string(c.Request().URI().QueryString()))
	u.trace = Trace{
		Time: h.now().UTC(), Path: cut(strings.ToValidUTF8(strings.Clone(c.Path()), "\uFFFD")), UserAgent: cut(u.userAgent),
		ContentType: cut(strings.ToValidUTF8(u.contentType, "\uFFFD")), Encoding: cut(strings.ToValidUTF8(u.encoding, "\uFFFD")),
		Declared: int64(c.Request().Header.ContentLength()),
	}
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return u
	}
	u.body = &wire{
		src:      stream,
		conn:     c.Context().Conn(),
		declared: u.trace.Declared,
		max:      h.cfg.MaxBody,
		idle:     h.cfg.ReadIdle,
		until:    time.Now().Add(h.cfg.ReadTotal),
	}
	return u
}

// admit waits for a free place among the uploads.
func (h *Handler) admit() (release func(), ok bool) {
	release = func() { <-h.slots }
	select {
	case h.slots <- struct{}{}:
		return release, true
	default:
	}
	patience := time.NewTimer(h.cfg.ReadIdle)
	defer patience.Stop()
	select {
	case h.slots <- struct{}{}:
		return release, true
	case <-patience.C:
		return nil, false
	}
}

// receive does everything from the first byte of the body to the decision what
// to answer.
func (h *Handler) receive(ctx context.Context, u *upload) reply {
	stage := newStaging(h.cfg.Staging)
	defer func() {
		if err := stage.remove(); err != nil {
			h.log.Error("staged files not removed", "err", err)
		}
	}()
	p, err := h.read(u, stage)
	if err != nil {
		return h.refused(u, err)
	}
	if err := h.complete(u, p); err != nil {
		return h.refused(u, err)
	}
	h.metrics.incoming.Inc()

	keys := socorro.ReportKeys(p.reportID(), p.mainSum())
	if _, brought := p.annotations["uuid"]; h.ledger == nil || h.cfg.Strict || brought || len(keys) == 0 {
		return h.decide(ctx, u, p)
	}
	release, err := h.reports.take(ctx, keys)
	if err != nil {
		return h.failed(fmt.Errorf("http/collect: wait for the same report: %w: %w", err, socorro.ErrUnavailable))
	}
	defer release()
	if id, ok := h.ledger.Find(keys); ok {
		h.metrics.duplicate.Inc()
		h.log.Info("report received again", "crash_id", string(id))
		return h.accepted(u, p, id, socorro.Duplicate, "")
	}
	return h.decide(ctx, u, p)
}

// complete adds what is known of the crash beside the body.
func (h *Handler) complete(u *upload, p *payload) error {
	if !h.cfg.Strict {
		addQuery(p.annotations, u.query, h.cfg.MaxName)
		p.askDump(h.cfg.MaxName)
		h.cfg.Policy.rename(p.annotations)
	}
	u.trace.understood(p)
	switch {
	case u.route.envelope && !p.hasMinidump():
		return &malformed{noMinidump, nil}
	case len(p.annotations) == 0 && (h.cfg.Strict || !p.hasMinidump()):
		return &malformed{noAnnotations, nil}
	}
	return nil
}

// decide throttles the crash and keeps it or not.
func (h *Handler) decide(ctx context.Context, u *upload, p *payload) reply {
	verdict, rule := h.throttle.Throttle(p.annotations)
	id, r, ok := h.identify(u, p, u.trace.Time, verdict)
	if !ok {
		return r
	}
	u.trace.Rule = rule
	h.metrics.rule.WithLabelValues(rule).Inc()
	h.metrics.result.WithLabelValues(verdict.String()).Inc()
	log := h.log.With("crash_id", string(id))
	log.Debug("crash throttled", "rule", rule, "result", verdict.String())
	switch verdict {
	case socorro.Reject:
		r := reply{result: socorro.Rejected, reason: rule, status: http.StatusOK, body: "Discarded=rule_" + rule}
		if version := h.endedVersion(p.annotations); version != "" && u.mozilla() {
			r.body += "\nStopSendingReportsFor=" + version + "\n"
		}
		return r
	case socorro.FakeAccept:
		r := h.accepted(u, p, id, socorro.Rejected, rule)
		r.unkept = true
		return r
	}
	raw, dumps := h.assemble(id, rule, u, p)
	return h.keep(ctx, log, u, p, raw, dumps)
}

// read takes the body apart.
func (h *Handler) read(u *upload, stage *staging) (*payload, error) {
	if u.body == nil || u.body.declared == 0 || h.cfg.Strict && u.body.declared < 0 {
		if u.contentType == "" {
			return nil, &malformed{noContentType, nil}
		}
		if h.cfg.Strict {
			if err := strictType(u.contentType); err != nil {
				return nil, err
			}
		}
		return nil, &malformed{noContentLength, nil}
	}
	if u.body.declared > h.cfg.MaxBody {
		return nil, &malformed{bodyTooLarge, nil}
	}
	in, err := inflate(u.encoding, u.body, h.cfg, h.buffers)
	if err != nil {
		h.decompressed(nil, err)
		return nil, err
	}
	var src io.Reader = u.body
	if in != nil {
		defer in.close()
		src = in
	}
	br := newSource(src, h.buffers)
	defer br.release()
	pr := payloadReader{cfg: h.cfg, stage: stage, log: h.log, br: br}
	p, err := pr.read(u.contentType, u.route.envelope)
	h.decompressed(in, err)
	if err == nil {
		kind, size := "uncompressed", u.body.n
		if in != nil {
			kind, size = "compressed", in.n
		}
		h.metrics.size.WithLabelValues(kind).Observe(float64(size))
	}
	return p, err
}

// decompressed counts a compressed body and how its decompression went.
func (h *Handler) decompressed(in *inflater, err error) {
	m, bad := errors.AsType[*malformed](err)
	bad = bad && (m.reason == badGzip || m.reason == badDeflate || m.reason == badZstd)
	if in == nil && !bad {
		return
	}
	h.metrics.compressed.Inc()
	result, spent := "success", time.Duration(0)
	if bad {
		result = "fail"
	}
	if in != nil {
		spent = in.spent
	}
	h.metrics.decompress.WithLabelValues(result).Observe(spent.Seconds())
}
