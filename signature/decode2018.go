package signature

import (
	"fmt"
	"strings"

	"socorro"
)

// DecodeLegacy reads what the rules of 2018 were given: an object with
// "raw_crash" and "processed_crash". The error wraps [socorro.ErrInvalid].
func DecodeLegacy(text []byte) (*CrashData, error) {
	v, err := parseJSON(text)
	if err != nil {
		return nil, fmt.Errorf("signature: decode raw and processed crash: %w: %w", err, socorro.ErrInvalid)
	}
	raw, isRaw := at(v, "raw_crash").(*object)
	processed, isProcessed := at(v, "processed_crash").(*object)
	if !isRaw || !isProcessed {
		return nil, fmt.Errorf("signature: decode raw and processed crash: an object with the objects raw_crash and processed_crash is needed: %w", socorro.ErrInvalid)
	}
	d := legacyCrash(raw, processed)
	return &d, nil
}

func legacyCrash(raw, processed *object) CrashData {
	dump := processed.get("json_dump")
	in := &object{values: map[string]any{
		"abort_message":          raw.get("AbortMessage"),
		"async_shutdown_timeout": raw.get("AsyncShutdownTimeout"),
		"ipc_channel_error":      pythonList(raw.get("ipc_channel_error")),
		"ipc_message_name":       pythonList(raw.get("IPCMessageName")),
		"oom_allocation_size":    raw.get("OOMAllocationSize"),
		"java_stack_trace":       raw.get("JavaStackTrace"),
		"moz_crash_reason":       raw.get("MozCrashReason"),
		"additional_minidumps":   raw.get("additional_minidumps"),
		"hang_type":              processed.get("hang_type"),
		"mdsw_status_string":     processed.get("mdsw_status_string"),
		"original_signature":     processed.get("signature"),
		"jit_category":           at(processed.get("classifications"), "jit", "category"),
		"crashing_thread":        at(dump, "crash_info", "crashing_thread"),
		"reason":                 at(dump, "crash_info", "type"),
		"threads":                at(dump, "threads"),
		"os":                     at(dump, "system_info", "os"),
	}}
	d := crashData(in)
	odd := d.odd
	if odd == nil {
		odd = &oddCrash{faults: map[string]string{}}
	}
	odd.missing = missingPart(dump)
	if jit := processed.get("classifications"); jit != nil {
		if category, ok := jit.(*object); ok && category.has("jit") && category.get("jit") == nil {
			odd.faults["jit_category"] = "the classification of compiled code is null where an object is needed"
		}
	}
	// Python 2 took no underscores in numbers.
	if size, ok := raw.get("OOMAllocationSize").(string); ok && strings.Contains(size, "_") {
		odd.faults["oom_allocation_size"] = fmt.Sprintf("oom_allocation_size is %.40s, not a whole number", repr(size))
		d.OOMAllocationSize, odd.oomNamed = nil, true
	}
	legacyThread(odd, in.get("crashing_thread"))
	d.odd = odd
	return d
}

// missingPart names what the stack walker's report lacks.
func missingPart(dump any) string {
	report, ok := dump.(*object)
	switch {
	case !ok || !report.has("threads"):
		return "threads"
	case !report.has("system_info"):
		return "system_info"
	}
	if system, ok := report.get("system_info").(*object); ok && !system.has("os") {
		return "os"
	}
	return ""
}

// legacyThread notes what there is to say about a crashing thread that is no
// index. Python 2 formatted it as a number, whence the kinds that it took.
func legacyThread(odd *oddCrash, v any) {
	n, reading := wholeNumber(v)
	if _, text := v.(string); text || v != nil && reading != readable {
		odd.faults["crashing_thread"] = "the crashing thread is " + kind(v) + " where a number is needed"
		odd.unknownThread = reading != readable
		return
	}
	if v != nil && !n.IsInt64() {
		odd.threadText = n.String()
		odd.faults["index"] = "cannot fit 'long' into an index-sized integer"
	}
}

// pythonList writes a list as Python 2 printed it. Such a list got into signatures.
func pythonList(v any) any {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return v
	}
	return reprPython2(list)
}

func reprPython2(v any) string {
	switch v := v.(type) {
	case string:
		return "u" + reprString(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = reprPython2(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *object:
		parts := make([]string, len(v.keys))
		for i, k := range v.keys {
			parts[i] = reprPython2(k) + ": " + reprPython2(v.values[k])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return repr(v)
}
