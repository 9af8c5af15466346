package collect

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"socorro"
)

// identify gives the crash its id, or takes the one that a trusted sender brings.
func (h *Handler) identify(u *upload, p *payload, now time.Time, verdict socorro.Throttle) (socorro.CrashID, reply, bool) {
	brought, has := p.annotations["uuid"]
	if !has {
		return socorro.NewCrashID(now, verdict), reply{}, true
	}
	if !h.trusted(u.authorization) {
		h.metrics.unauthorized.Inc()
		h.log.Info("upload refused", "reason", "unauthorized_uuid", "user_agent", u.userAgent)
		return "", reply{result: socorro.Unauthorized, reason: "uuid", status: http.StatusUnauthorized, body: "Discarded=unauthorized_uuid"}, false
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
func (h *Handler) assemble(id socorro.CrashID, rule string, u *upload, p *payload) (*socorro.RawCrash, []socorro.Dump) {
	notes := append(p.notes, cleanAnnotations(p.annotations, h.cfg.Strip)...)
	raw := &socorro.RawCrash{
		ID:          id,
		Submitted:   u.trace.Time,
		Annotations: p.annotations,
		Metadata: socorro.Metadata{
			Payload:           p.kind,
			PayloadCompressed: "0",
			PayloadSize:       u.body.n,
			CollectorNotes:    append([]string{}, notes...), // [] in JSON, not null
			DumpChecksums:     map[string]string{},
			UserAgent:         u.userAgent,
			ThrottleRule:      rule,
			ReportID:          p.reportID(),
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
func (h *Handler) keep(ctx context.Context, log *slog.Logger, u *upload, p *payload, raw *socorro.RawCrash, dumps []socorro.Dump) reply {
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
	log.Info("crash saved", "dumps", len(dumps), "bytes", raw.Metadata.PayloadSize, "rule", raw.Metadata.ThrottleRule, "took", took)
	receipt := socorro.ReceiptOf(raw)
	r := h.accepted(u, p, raw.ID, receipt.Result, receipt.Reason)
	r.keys = receipt.Keys
	return r
}
