package collect

import (
	"strings"
	"time"

	"socorro"
)

// Ledger remembers what was answered.
type Ledger interface {
	// Find returns the id of the first crash that has one of the keys.
	Find(keys []string) (socorro.CrashID, bool)
	// Write keeps a receipt.
	Write(socorro.Receipt) error
}

// Trace is what is known of one upload: what came in, what was understood, and
// why it was answered so.
type Trace struct {
	Time        time.Time       `json:"time"`
	Took        time.Duration   `json:"took_ns"`
	Path        string          `json:"path"`
	UserAgent   string          `json:"user_agent"`
	ContentType string          `json:"content_type"`
	Encoding    string          `json:"content_encoding,omitempty"`
	Declared    int64           `json:"content_length"` // -1: chunked
	Bytes       int64           `json:"bytes"`          // read from the wire
	Payload     string          `json:"payload,omitempty"`
	Product     string          `json:"product,omitempty"`
	Version     string          `json:"version,omitempty"`
	Annotations int             `json:"annotations"`
	Files       []TraceFile     `json:"files,omitempty"`
	Notes       []string        `json:"notes,omitempty"`
	Status      int             `json:"status"`
	Result      socorro.Result  `json:"result"`
	Reason      string          `json:"reason,omitempty"`
	Detail      string          `json:"detail,omitempty"` // what exactly was wrong
	Rule        string          `json:"throttle_rule,omitempty"`
	ID          socorro.CrashID `json:"crash_id,omitempty"`
}

// TraceFile is a file of an upload.
type TraceFile struct {
	Name     string `json:"name"`
	Filename string `json:"filename,omitempty"`
	Size     int64  `json:"size"`
	Minidump bool   `json:"minidump"`
}

// understood notes what the body held.
func (t *Trace) understood(p *payload) {
	t.Payload, t.Annotations, t.Notes = p.kind, len(p.annotations), p.notes
	t.Product, t.Version = cut(p.annotations.Product()), cut(p.annotations.Version())
	for _, f := range p.files {
		t.Files = append(t.Files, TraceFile{Name: f.Name, Filename: cut(f.filename), Size: f.Size, Minidump: f.isMinidump()})
	}
}

const maxTraceText = 200 // bytes of a text that a client chose

func cut(s string) string {
	if len(s) > maxTraceText {
		return strings.ToValidUTF8(s[:maxTraceText], "") + "…"
	}
	return s
}

func (t *Trace) receipt() socorro.Receipt {
	return socorro.Receipt{
		Time: t.Time, Result: t.Result, Reason: t.Reason, ID: t.ID,
		Product: t.Product, Version: t.Version, Bytes: t.Bytes,
	}
}
