package socorro

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// ProcessedCrash is what the rules made of a raw crash and its dumps. The
// fields that our code reads are typed; every other field of the schema is in
// Other. In JSON all of them stand together at the top level, under the names
// that Socorro gives them.
type ProcessedCrash struct {
	ID    CrashID `json:"crash_id"`
	UUID  CrashID `json:"uuid"`
	Epoch int64   `json:"claim_epoch"` // of the claim that made it; a store refuses one older than what it has

	Product        string `json:"product"`
	Version        string `json:"version"`
	BuildID        string `json:"build"`
	ReleaseChannel string `json:"release_channel"`
	Vendor         string `json:"vendor,omitempty"`
	ProcessType    string `json:"process_type"`

	Signature      string `json:"signature"`
	ProtoSignature string `json:"proto_signature,omitempty"`

	Submitted  string `json:"submitted_timestamp"`         // Timestamp form
	Processed  string `json:"date_processed"`              // equals submitted_timestamp, as in Socorro
	Started    string `json:"started_datetime"`            // when the rules began
	Completed  string `json:"completed_datetime"`          // when they ended
	CrashTime  int64  `json:"crash_time"`                  // seconds since 1970
	ClientDate string `json:"client_crash_date,omitempty"` // crash_time as a Timestamp

	InstallAge *int64 `json:"install_age,omitempty"` // seconds between install and crash
	Uptime     *int64 `json:"uptime,omitempty"`      // seconds between start and crash
	LastCrash  *int64 `json:"last_crash"`            // seconds since the crash before

	OSName          string `json:"os_name"`
	OSVersion       string `json:"os_version"`
	OSPrettyVersion string `json:"os_pretty_version"`
	CPUArch         string `json:"cpu_arch"`
	CPUInfo         string `json:"cpu_info"`
	CPUCount        int    `json:"cpu_count"`

	Reason             string `json:"reason"`
	Address            string `json:"address"`
	CrashingThread     *int   `json:"crashing_thread"` // index into json_dump.threads
	CrashingThreadName string `json:"crashing_thread_name,omitempty"`

	Success        bool   `json:"success"`
	ProcessorNotes string `json:"processor_notes"` // lines
	MDSWStatus     string `json:"mdsw_status_string"`

	MinidumpSHA256 string `json:"minidump_sha256_hash,omitempty"`

	// JSONDump is the stack walker's report; its shape is documented in stackwalk/json.md.
	JSONDump json.RawMessage `json:"json_dump,omitempty"`

	Other map[string]any `json:"-"`
}

// MarshalJSON writes the typed fields and those of Other side by side, keys
// sorted. A typed field wins over a namesake in Other.
func (p *ProcessedCrash) MarshalJSON() ([]byte, error) {
	type plain ProcessedCrash
	typed, err := json.Marshal((*plain)(p))
	if err != nil {
		return nil, fmt.Errorf("processed crash %s: encode: %w", p.ID, err)
	}
	all := make(map[string]json.RawMessage, len(p.Other)+48)
	if err := json.Unmarshal(typed, &all); err != nil {
		return nil, fmt.Errorf("processed crash %s: encode: %w", p.ID, err)
	}
	for k, v := range p.Other {
		if _, typed := all[k]; typed {
			continue
		}
		if all[k], err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("processed crash %s: encode %s: %w", p.ID, k, err)
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads what MarshalJSON writes; unknown fields land in Other,
// numbers in them as [json.Number].
func (p *ProcessedCrash) UnmarshalJSON(data []byte) error {
	rest := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &rest); err != nil {
		return fmt.Errorf("processed crash: %w: %w", err, ErrInvalid)
	}
	data, err := withoutNamesakes(data, rest)
	if err != nil {
		return fmt.Errorf("processed crash: %w: %w", err, ErrInvalid)
	}
	type plain ProcessedCrash
	var typed plain
	if err := json.Unmarshal(data, &typed); err != nil {
		return fmt.Errorf("processed crash: %w: %w", err, ErrInvalid)
	}
	maps.DeleteFunc(rest, func(k string, _ json.RawMessage) bool { return processedKeys[k] })
	if len(rest) > 0 {
		typed.Other = make(map[string]any, len(rest))
	}
	for k, v := range rest {
		dec := json.NewDecoder(bytes.NewReader(v))
		dec.UseNumber()
		var value any
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("processed crash: %s: %w: %w", k, err, ErrInvalid)
		}
		typed.Other[k] = value
	}
	*p = ProcessedCrash(typed)
	return nil
}

// withoutNamesakes drops the fields whose names differ from a typed one's in
// case only: encoding/json would take "Signature" for "signature".
func withoutNamesakes(data []byte, fields map[string]json.RawMessage) ([]byte, error) {
	namesake := func(k string, _ json.RawMessage) bool {
		return !processedKeys[k] && processedKeys[strings.ToLower(k)]
	}
	rest := maps.Clone(fields)
	if maps.DeleteFunc(rest, namesake); len(rest) == len(fields) {
		return data, nil
	}
	return json.Marshal(rest)
}

// Note is one line that the collector or a rule leaves about a crash, for the
// engineer who reads the report. Notes are public: no personal data in them.
type Note string

// AddNote appends a line to the processor's notes.
func (p *ProcessedCrash) AddNote(n Note) {
	line := strings.TrimSpace(string(n))
	switch {
	case line == "":
	case p.ProcessorNotes == "":
		p.ProcessorNotes = line
	default:
		p.ProcessorNotes += "\n" + line
	}
}
