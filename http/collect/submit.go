package collect

import (
	"bufio"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"socorro"
)

// upload is one request on its way. Its strings are copies: Fiber reuses the
// memory behind a context after the handler returns.
type upload struct {
	contentType   string
	encoding      string
	authorization string
	userAgent     string
	query         url.Values
	body          *wire // nil when there is none
}

// reply is the answer to an upload.
type reply struct {
	status int
	body   string
	err    error // what went wrong on our side, for the log
}

func (h *Handler) submit(c *fiber.Ctx) error {
	start := time.Now()
	h.metrics.inFlight.Inc()
	defer func() {
		h.metrics.inFlight.Dec()
		h.metrics.onPost.Observe(time.Since(start).Seconds())
	}()
	u := h.open(c)
	release, ok := h.admit()
	if !ok {
		return h.answer(c, u, reply{http.StatusServiceUnavailable, "the collector is busy, try again later\n", nil})
	}
	defer release()
	return h.answer(c, u, h.receive(c.UserContext(), u))
}

// open copies what the handler needs of the request.
func (h *Handler) open(c *fiber.Ctx) *upload {
	u := &upload{
		contentType:   strings.Clone(c.Get(fiber.HeaderContentType)),
		encoding:      strings.Clone(c.Get(fiber.HeaderContentEncoding)),
		authorization: strings.Clone(c.Get(fiber.HeaderAuthorization)),
		userAgent:     strings.ToValidUTF8(strings.Clone(c.Get(fiber.HeaderUserAgent)), "\uFFFD"),
	}
	// A query that does not parse is no reason to lose a crash: what parses is used.
	u.query, _ = url.ParseQuery(string(c.Request().URI().QueryString()))
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return u
	}
	u.body = &wire{
		src:      stream,
		conn:     c.Context().Conn(),
		declared: int64(c.Request().Header.ContentLength()),
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
	return c.Status(r.status).SendString(r.body)
}

// receive does everything from the first byte of the body to the decision what
// to answer.
func (h *Handler) receive(ctx context.Context, u *upload) reply {
	submitted := h.now().UTC()
	stage, err := newStaging(h.cfg.Staging)
	if err != nil {
		return h.failed(err)
	}
	defer func() {
		if err := stage.remove(); err != nil {
			h.log.Error("staged files not removed", "err", err)
		}
	}()
	p, err := h.read(u, stage)
	if err != nil {
		return h.refused(u, err)
	}
	addQuery(p.annotations, u.query, h.cfg.MaxName)
	if len(p.annotations) == 0 && !p.hasMinidump() {
		return h.refused(u, &malformed{noAnnotations, nil})
	}
	h.metrics.incoming.Inc()

	verdict, rule := h.throttle.Throttle(p.annotations)
	id, r, ok := h.identify(u, p, submitted, verdict)
	if !ok {
		return r
	}
	h.metrics.rule.WithLabelValues(rule).Inc()
	h.metrics.result.WithLabelValues(verdict.String()).Inc()
	log := h.log.With("crash_id", id)
	log.Info("crash throttled", "rule", rule, "result", verdict.String())
	switch verdict {
	case socorro.Reject:
		return reply{http.StatusOK, "Discarded=rule_" + rule, nil}
	case socorro.FakeAccept:
		return reply{http.StatusOK, "CrashID=bp-" + string(id) + "\n", nil}
	}
	raw, dumps := assemble(id, submitted, rule, u, p)
	return h.keep(ctx, log, raw, dumps)
}

// read takes the body apart.
func (h *Handler) read(u *upload, stage *staging) (*payload, error) {
	if u.body == nil || u.body.declared == 0 {
		if u.contentType == "" {
			return nil, &malformed{noContentType, nil}
		}
		return nil, &malformed{noContentLength, nil}
	}
	if u.body.declared > h.cfg.MaxBody {
		return nil, &malformed{bodyTooLarge, nil}
	}
	in, err := inflate(u.encoding, u.body, h.cfg)
	if err != nil {
		h.decompressed(nil, err)
		return nil, err
	}
	var src io.Reader = u.body
	if in != nil {
		defer in.close()
		src = in
	}
	br := h.readers.Get().(*bufio.Reader)
	br.Reset(src)
	defer func() {
		br.Reset(nil)
		h.readers.Put(br)
	}()
	pr := payloadReader{cfg: h.cfg, stage: stage, log: h.log, br: br}
	p, err := pr.read(u.contentType)
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

// identify gives the crash its id, or takes the one that a trusted sender brings.
func (h *Handler) identify(u *upload, p *payload, now time.Time, verdict socorro.Throttle) (socorro.CrashID, reply, bool) {
	brought, has := p.annotations["uuid"]
	if !has {
		return socorro.NewCrashID(now, verdict), reply{}, true
	}
	if !h.trusted(u.authorization) {
		h.metrics.unauthorized.Inc()
		h.log.Info("upload refused", "reason", "unauthorized_uuid", "user_agent", u.userAgent)
		return "", reply{http.StatusUnauthorized, "Discarded=unauthorized_uuid", nil}, false
	}
	text, _ := brought.(string)
	id, err := socorro.ParseCrashID(text)
	const throttleDigit = 29
	if err == nil && (string(id) != text || id[throttleDigit] != '0' && id[throttleDigit] != '1') {
		err = errors.New("neither accepted nor deferred, or not in its bare form")
	}
	if err != nil {
		return "", h.refused(u, &malformed{invalidUUID, err}), false
	}
	return id, reply{}, true
}

func (h *Handler) trusted(authorization string) bool {
	if h.cfg.BearerToken == "" {
		return false
	}
	want := "Bearer " + h.cfg.BearerToken
	return subtle.ConstantTimeCompare([]byte(authorization), []byte(want)) == 1
}

// assemble makes the raw crash.
func assemble(id socorro.CrashID, submitted time.Time, rule string, u *upload, p *payload) (*socorro.RawCrash, []socorro.Dump) {
	notes := append(p.notes, cleanAnnotations(p.annotations)...)
	raw := &socorro.RawCrash{
		ID:          id,
		Submitted:   submitted,
		Annotations: p.annotations,
		Metadata: socorro.Metadata{
			Payload:           p.kind,
			PayloadCompressed: "0",
			PayloadSize:       u.body.n,
			CollectorNotes:    append([]string{}, notes...), // [] in JSON, not null
			DumpChecksums:     map[string]string{},
			UserAgent:         u.userAgent,
			ThrottleRule:      rule,
		},
	}
	if enc := strings.TrimSpace(u.encoding); enc != "" && !strings.EqualFold(enc, "identity") {
		raw.Metadata.PayloadCompressed = "1"
	}
	if raw.Metadata.UserAgent == "" {
		raw.Metadata.UserAgent = "None"
	}
	dumps := make([]socorro.Dump, 0, len(p.files))
	for _, f := range p.files {
		dumps = append(dumps, f.Dump)
		raw.Metadata.DumpChecksums[f.Name] = f.SHA256
	}
	return raw, dumps
}

// keep hands the crash over and answers when it is safe.
func (h *Handler) keep(ctx context.Context, log *slog.Logger, raw *socorro.RawCrash, dumps []socorro.Dump) reply {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Keep)
	defer cancel()
	start := time.Now()
	err := h.accepter.Accept(ctx, raw, dumps)
	took := time.Since(start)
	h.metrics.save.Observe(took.Seconds())
	if err != nil {
		return h.failed(fmt.Errorf("http/collect: keep %s: %w", raw.ID, err))
	}
	h.metrics.saved.Inc()
	log.Info("crash saved", "dumps", len(dumps), "bytes", raw.Metadata.PayloadSize, "took", took)
	return reply{http.StatusOK, "CrashID=bp-" + string(raw.ID) + "\n", nil}
}

// failed answers for what went wrong on our side.
func (h *Handler) failed(err error) reply {
	h.metrics.dropped.Inc()
	if errors.Is(err, socorro.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return reply{http.StatusServiceUnavailable, "the crash storage is unavailable, try again later\n", err}
	}
	return reply{http.StatusInternalServerError, "internal error\n", err}
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
	return reply{m.status(), "Discarded=malformed_" + m.reason, nil}
}
