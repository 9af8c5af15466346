package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"socorro"
)

// protectedWithin are keys that are dropped at any depth of a public field:
// register contents and messages may quote what the user had in memory.
const protectedWithin = "registers soft_errors mac_boot_args is_likely_guard_page mdsw_stderr mdsw_return_code"

func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

// publicRaw is a raw crash without what is not for everybody, and without the
// collector's metadata.
func publicRaw(r *socorro.RawCrash) map[string]any {
	out := map[string]any{
		"uuid":                r.ID,
		"submitted_timestamp": socorro.Timestamp(r.Submitted),
		"version":             socorro.RawCrashVersion,
	}
	for k, v := range r.Annotations {
		if socorro.PublicAnnotation(k) {
			out[k] = v
		}
	}
	return out
}

// publicProcessed is a processed crash without what is not for everybody.
func publicProcessed(p *socorro.ProcessedCrash) (map[string]any, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("http/api: encode %s: %w", p.ID, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var all map[string]any
	if err := dec.Decode(&all); err != nil {
		return nil, fmt.Errorf("http/api: decode %s: %w", p.ID, err)
	}
	hidden := words(protectedWithin)
	for k := range all {
		if !socorro.PublicField(k) {
			delete(all, k)
			continue
		}
		scrub(all[k], hidden)
	}
	scrubJava(all["java_exception"])
	return all, nil
}

// scrub deletes keys from an object and everything inside it.
func scrub(value any, hidden map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for k, inner := range v {
			if hidden[k] {
				delete(v, k)
				continue
			}
			scrub(inner, hidden)
		}
	case []any:
		for _, inner := range v {
			scrub(inner, hidden)
		}
	}
}

// scrubJava deletes the exceptions' messages, which quote arguments.
func scrubJava(value any) {
	object, _ := value.(map[string]any)
	exception, _ := object["exception"].(map[string]any)
	values, _ := exception["values"].([]any)
	for _, one := range values {
		entry, _ := one.(map[string]any)
		if trace, ok := entry["stacktrace"].(map[string]any); ok {
			delete(trace, "value")
		}
	}
}
