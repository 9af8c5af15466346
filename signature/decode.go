package signature

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"socorro"
)

// UnmarshalJSON reads Socorro's crash_data. Values of a wrong type come from
// clients and do not fail the decoding: the rule that needs one leaves a note,
// and the other rules go on. The error wraps [socorro.ErrInvalid].
func (d *CrashData) UnmarshalJSON(text []byte) error {
	v, err := parseJSON(text)
	if err != nil {
		return fmt.Errorf("signature: decode crash data: %w: %w", err, socorro.ErrInvalid)
	}
	obj, ok := v.(*object)
	if !ok {
		return fmt.Errorf("signature: decode crash data: %s where an object is needed: %w", kind(v), socorro.ErrInvalid)
	}
	*d = crashData(obj)
	return nil
}

const sizeKey = "oom_allocation_size"

// annotationKeys are the annotations in a processed crash that signatures are made of.
var annotationKeys = []string{
	"hang", sizeKey, "js_large_allocation_failure", "abort_message", "async_shutdown_timeout",
	"ipc_channel_error", "ipc_message_name", "additional_minidumps", "java_exception", "java_stack_trace",
}

// DecodeProcessed picks the crash data out of a processed crash in JSON, as it
// is kept by a crash store: annotations from the top level, stacks from
// json_dump. The error wraps [socorro.ErrInvalid].
func DecodeProcessed(processed []byte) (*CrashData, error) {
	v, err := parseJSON(processed)
	if err != nil {
		return nil, fmt.Errorf("signature: decode processed crash: %w: %w", err, socorro.ErrInvalid)
	}
	crash, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("signature: decode processed crash: %s where an object is needed: %w", kind(v), socorro.ErrInvalid)
	}
	in := &object{values: map[string]any{}}
	in.values["mdsw_status_string"] = crash.get("mdsw_status_string")
	for _, key := range annotationKeys {
		in.values[key] = crash.get(key)
	}
	delete(in.values, sizeKey)
	// A size that is no number counts as none here, though not in crash data.
	if size, reading := wholeNumber(crash.get(sizeKey)); reading == readable {
		in.values[sizeKey] = json.Number(size.String())
	}
	in.values["original_signature"] = crash.get("signature")
	dump := crash.get("json_dump")
	in.values["crashing_thread"] = at(dump, "crash_info", "crashing_thread")
	in.values["reason"] = at(dump, "crash_info", "type")
	in.values["threads"] = at(dump, "threads")
	in.values["os"] = at(dump, "system_info", "os")
	d := crashData(in)
	return &d, nil
}

// crashData types the fields of a crash_data object.
func crashData(in *object) CrashData {
	r := reader{in: in, odd: &oddCrash{faults: map[string]string{}}}
	d := CrashData{
		Reason:                   r.text("reason"),
		CrashingThread:           crashingThread(in.get("crashing_thread")),
		Threads:                  threads(in.get("threads")),
		AbortMessage:             r.text("abort_message"),
		AsyncShutdownTimeout:     r.text("async_shutdown_timeout"),
		JavaStackTrace:           r.text("java_stack_trace"),
		IPCChannelError:          r.ipcChannelError(),
		OOMAllocationSize:        r.oomSize(),
		JSLargeAllocationFailure: onlyText(in.get("js_large_allocation_failure")),
		OS:                       onlyText(in.get("os")),
		OriginalSignature:        onlyText(in.get("original_signature")),
		IPCMessageName:           anyText(in.get("ipc_message_name")),
		MDSWStatusString:         anyText(in.get("mdsw_status_string")),
		AdditionalMinidumps:      minidumpNames(in.get("additional_minidumps")),
		HangType:                 r.hangType(),
		MozCrashReason:           onlyText(in.get("moz_crash_reason")),
		JITCategory:              anyText(in.get("jit_category")),
	}
	if hang := in.get("hang"); hang != nil {
		text := str(hang)
		d.Hang = &text
	}
	if e := in.get("java_exception"); truth(e) {
		d.JavaException = json.RawMessage(encode(e))
	}
	r.odd.unknownThread = in.get("crashing_thread") == nil
	if len(r.odd.faults) > 0 || r.odd.oomNamed || r.odd.unknownThread {
		d.odd = r.odd
	}
	return d
}

// reader takes fields out of a crash_data object and notes what it cannot use.
type reader struct {
	in  *object
	odd *oddCrash
}

// text is a field that a rule treats as a string. What Python counts as false
// is empty, whatever its type; anything else that is no string is a fault.
func (r reader) text(name string) string {
	v := r.in.get(name)
	s, ok := v.(string)
	if !ok && truth(v) {
		r.odd.faults[name] = name + " is " + kind(v) + " where a string is needed"
	}
	return s
}

// ipcChannelError accepts lists: Python cuts them as it cuts strings.
func (r reader) ipcChannelError() string {
	if list, ok := r.in.get("ipc_channel_error").([]any); ok && len(list) > 0 {
		return repr(list[:min(len(list), maxIPCError)])
	}
	return r.text("ipc_channel_error")
}

func (r reader) oomSize() *int64 {
	const name = "oom_allocation_size"
	v := r.in.get(name)
	r.odd.oomNamed = truth(v)
	size, reading := wholeNumber(v)
	switch reading {
	case readable:
		n := clamp(size)
		r.odd.oomNamed = r.odd.oomNamed && n == 0 // the text "0"; else the number itself says it
		return &n
	case unreadable:
		r.odd.faults[name] = fmt.Sprintf("%s is %.40s, not a whole number", name, repr(v))
	}
	return nil
}

// hangType takes a number in text for one; in 2018 that was no hang type.
func (r reader) hangType() int {
	const name = "hang_type"
	v := r.in.get(name)
	n, reading := wholeNumber(v)
	switch v.(type) {
	case nil, bool, json.Number:
	default:
		if truth(v) {
			r.odd.faults[name] = name + " is " + kind(v) + " where a number is needed"
		}
	}
	if reading != readable {
		return 0
	}
	return int(clamp(n))
}

// reading is how int(value) ends in Python.
type reading int

const (
	readable   reading = iota
	unreadable         // ValueError: a text that is no number
	unfit              // TypeError: null, a list, an object
)

// wholeNumber is int(value) for a decoded JSON value.
func wholeNumber(v any) (*big.Int, reading) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), readable
		}
		return new(big.Int), readable
	case string:
		if n, ok := parseInt(v, 10); ok {
			return n, readable
		}
		return nil, unreadable
	case json.Number:
		if n, ok := parseInt(v.String(), 10); ok {
			return n, readable
		}
		f, err := v.Float64()
		if err != nil || v == notANumber {
			return nil, unreadable
		}
		n, _ := big.NewFloat(f).Int(nil)
		return n, readable
	}
	return nil, unfit
}

func clamp(n *big.Int) int64 {
	switch {
	case n.IsInt64():
		return n.Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

func crashingThread(v any) int {
	n, reading := wholeNumber(v)
	if reading != readable {
		return 0
	}
	return int(clamp(n))
}

func onlyText(v any) string {
	s, _ := v.(string)
	return s
}

// anyText is a field that ends up in the signature as it prints.
func anyText(v any) string {
	if !truth(v) {
		return ""
	}
	return str(v)
}

func minidumpNames(v any) []string {
	switch v := v.(type) {
	case string:
		// Old raw crashes have them in one text, separated by commas.
		if v != "" {
			return []string{v}
		}
	case []any:
		var names []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				names = append(names, s)
			}
		}
		return names
	}
	return nil
}

// threads reads the stacks. An object is taken for a list by its keys "0", "1"...
func threads(v any) []Thread {
	var list []any
	switch v := v.(type) {
	case []any:
		list = v
	case *object:
		for i := 0; v.has(strconv.Itoa(i)); i++ {
			list = append(list, v.get(strconv.Itoa(i)))
		}
	}
	var out []Thread
	for i, e := range list {
		out = append(out, thread(i, e))
	}
	return out
}

func thread(index int, v any) Thread {
	obj, ok := v.(*object)
	if !ok {
		return Thread{fault: fmt.Sprintf("thread %d is %s where an object is needed", index, kind(v))}
	}
	t := Thread{LastError: onlyText(obj.get("last_error_value"))}
	frames, ok := obj.get("frames").([]any)
	if !ok && obj.has("frames") {
		t.fault = fmt.Sprintf("the frames of thread %d are %s where a list is needed", index, kind(obj.get("frames")))
	}
	for _, f := range frames {
		t.Frames = append(t.Frames, frame(f))
	}
	return t
}

// encode writes a decoded value as JSON again.
func encode(v any) []byte {
	switch v := v.(type) {
	case []any:
		b := []byte{'['}
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, encode(e)...)
		}
		return append(b, ']')
	case *object:
		b := []byte{'{'}
		for i, k := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, encode(k)...), ':'), encode(v.values[k])...)
		}
		return append(b, '}')
	}
	b, _ := json.Marshal(v) // null, booleans, numbers and strings always encode
	return b
}
