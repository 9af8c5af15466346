package signature

import (
	"encoding/json"
	"fmt"

	"socorro"
)

// FromProcessed picks the crash data out of a processed crash, as
// [DecodeProcessed] does, but reads no more of the stack walker's report than
// signatures are made of. The error wraps [socorro.ErrInvalid].
func FromProcessed(p *socorro.ProcessedCrash) (*CrashData, error) {
	few := make(map[string]any, len(annotationKeys)+4)
	for _, key := range annotationKeys {
		if v, ok := p.Other[key]; ok {
			few[key] = v
		}
	}
	// Traces are kept under this name when nothing was cut out of them for the public.
	if trace, ok := p.Other["java_stack_trace_raw"]; ok && few["java_stack_trace"] == nil {
		few["java_stack_trace"] = trace
	}
	few["mdsw_status_string"] = p.MDSWStatus
	few["signature"] = p.Signature
	if len(p.JSONDump) > 0 {
		dump, err := reducedReport(p.JSONDump)
		if err != nil {
			return nil, fmt.Errorf("signature: decode processed crash %s: %w: %w", p.ID, err, socorro.ErrInvalid)
		}
		few["json_dump"] = dump
	}
	text, err := json.Marshal(few)
	if err != nil {
		return nil, fmt.Errorf("signature: decode processed crash %s: %w: %w", p.ID, err, socorro.ErrInvalid)
	}
	return DecodeProcessed(text)
}

// report is what signatures are made of in the stack walker's report.
type report struct {
	CrashInfo  json.RawMessage   `json:"crash_info,omitempty"`
	SystemInfo json.RawMessage   `json:"system_info,omitempty"`
	Threads    []json.RawMessage `json:"threads,omitempty"`
}

// reducedReport empties all threads but the crashing one and the first, whose
// reading takes most of the time. A report of another shape stays as it is.
func reducedReport(text json.RawMessage) (any, error) {
	var r report
	if json.Unmarshal(text, &r) != nil {
		if !json.Valid(text) {
			return nil, fmt.Errorf("json_dump is not JSON")
		}
		return text, nil
	}
	var info struct {
		CrashingThread json.Number `json:"crashing_thread"`
	}
	_ = json.Unmarshal(r.CrashInfo, &info) // of another shape: thread 0, as everywhere
	crashing := crashingThread(info.CrashingThread)
	if crashing < 0 {
		crashing += len(r.Threads)
	}
	for i := range r.Threads {
		if i != 0 && i != crashing {
			r.Threads[i] = json.RawMessage("{}")
		}
	}
	return r, nil
}
