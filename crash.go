package socorro

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MainDump is the dump that every client sends and that the crash is about.
const MainDump = "upload_file_minidump"

// RawCrashVersion is the version of the raw crash JSON that we write.
const RawCrashVersion = 2

// Annotations are the key/value pairs that a client sent. A value is a string,
// or, when the client sent JSON, whatever that held with numbers as [json.Number].
type Annotations map[string]any

// Text returns the value as text: strings as they are, anything else as compact
// JSON, and "" when the key is absent or null.
func (a Annotations) Text(key string) string {
	switch v := a[key].(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	}
}

// First returns the text of the first key that has one, for the aliases that
// clients use ("ProductName", "_productName", "prod").
func (a Annotations) First(keys ...string) string {
	for _, k := range keys {
		if v := a.Text(k); v != "" {
			return v
		}
	}
	return ""
}

// Keys returns the names in order.
func (a Annotations) Keys() []string { return slices.Sorted(maps.Keys(a)) }

// Metadata is what the collector saw of the upload.
type Metadata struct {
	Payload           string            `json:"payload"`            // "json", "multipart", "minidump" or "unknown"
	PayloadCompressed string            `json:"payload_compressed"` // "1" when the body was compressed, else "0"
	PayloadSize       int64             `json:"payload_size"`       // bytes on the wire
	CollectorNotes    []string          `json:"collector_notes"`
	DumpChecksums     map[string]string `json:"dump_checksums"` // dump name to SHA-256 in hex
	UserAgent         string            `json:"user_agent"`     // "None" when the client sent none
	ThrottleRule      string            `json:"throttle_rule"`

	// ReportID is the client's own id of the report, the same each time it is
	// sent; "" when it has none.
	ReportID string `json:"report_id,omitempty"`
}

// RawCrash is one upload without its dumps: what the client said, and when.
// In JSON the annotations stand at the top level beside uuid, version,
// submitted_timestamp and metadata, which always are the collector's.
type RawCrash struct {
	ID          CrashID
	Submitted   time.Time // UTC
	Annotations Annotations
	Metadata    Metadata
}

const timestampForm = "2006-01-02T15:04:05.000000-07:00"

// Timestamp is the form of every time in our JSON: ISO 8601, UTC, microseconds.
func Timestamp(t time.Time) string { return t.UTC().Format(timestampForm) }

// MarshalJSON writes the raw crash with sorted keys.
func (r *RawCrash) MarshalJSON() ([]byte, error) {
	all := make(map[string]any, len(r.Annotations)+4)
	maps.Copy(all, r.Annotations)
	all["uuid"] = r.ID
	all["submitted_timestamp"] = Timestamp(r.Submitted)
	all["version"] = RawCrashVersion
	all["metadata"] = r.Metadata
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(all); err != nil {
		return nil, fmt.Errorf("raw crash %s: encode: %w", r.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads a raw crash as MarshalJSON and Antenna write it.
func (r *RawCrash) UnmarshalJSON(data []byte) error {
	// By hand rather than into a struct, which ignores case: a client that sends an
	// annotation "Metadata" must not make its crash unreadable.
	ours := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &ours); err != nil {
		return fmt.Errorf("raw crash: %w: %w", err, ErrInvalid)
	}
	var known struct{ ID, Submitted string }
	for key, field := range map[string]*string{"uuid": &known.ID, "submitted_timestamp": &known.Submitted} {
		if len(ours[key]) == 0 {
			continue
		}
		if err := json.Unmarshal(ours[key], field); err != nil {
			return fmt.Errorf("raw crash: %s: %w: %w", key, err, ErrInvalid)
		}
	}
	all := Annotations{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&all); err != nil {
		return fmt.Errorf("raw crash: %w: %w", err, ErrInvalid)
	}
	for _, k := range []string{"uuid", "submitted_timestamp", "metadata", "version"} {
		delete(all, k)
	}
	out := RawCrash{ID: CrashID(known.ID), Annotations: all}
	if known.Submitted != "" {
		t, err := time.Parse(time.RFC3339, known.Submitted)
		if err != nil {
			return fmt.Errorf("raw crash %s: submitted_timestamp: %w: %w", known.ID, err, ErrInvalid)
		}
		out.Submitted = t.UTC()
	}
	if len(ours["metadata"]) > 0 {
		if err := json.Unmarshal(ours["metadata"], &out.Metadata); err != nil {
			return fmt.Errorf("raw crash %s: metadata: %w: %w", known.ID, err, ErrInvalid)
		}
	}
	*r = out
	return nil
}

// Dump is a file of a crash: a minidump, a memory report or an attachment. Its
// bytes stay in the file at Path, so that no dump is ever held in memory whole.
type Dump struct {
	Name   string // "upload_file_minidump"; letters, digits and _ only, at most 30
	Path   string // where the bytes are on this machine
	Size   int64  // bytes
	SHA256 string // of the bytes, in hex; "" when not computed
}
