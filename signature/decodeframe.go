package signature

import (
	"encoding/json"
	"strconv"
)

// frame types one frame of a stack.
func frame(v any) Frame {
	obj, ok := v.(*object)
	if !ok {
		return Frame{odd: &oddFrame{fault: "a frame is " + kind(v) + " where an object is needed"}}
	}
	r := frameReader{in: obj}
	f := Frame{
		Function:        r.text("function"),
		File:            r.text("file"),
		Line:            r.line(),
		Module:          r.text("module"),
		ModuleOffset:    onlyText(obj.get("module_offset")),
		Offset:          r.offset(),
		Inlines:         r.inlines(),
		UnloadedModules: r.unloadedModules(),
	}
	r.legacy()
	f.odd = r.result()
	return f
}

// legacy notes what the rules of 2018 tell apart, and those of 2026 do not.
func (r *frameReader) legacy() {
	if text, ok := r.in.get("normalized").(string); ok {
		r.odd.normalised = &text
	}
	r.odd.nullModule = r.in.has("module") && r.in.get("module") == nil
	r.odd.emptyOffset = r.in.get("module_offset") == ""
}

func inline(v any) Inline {
	obj, ok := v.(*object)
	if !ok {
		return Inline{odd: &oddFrame{fault: "an inline function is " + kind(v) + " where an object is needed"}}
	}
	r := frameReader{in: obj}
	i := Inline{Function: r.text("function"), File: r.text("file"), Line: r.line()}
	i.odd = r.result()
	return i
}

// frameReader takes fields out of a frame and notes what it cannot use.
type frameReader struct {
	in  *object
	odd oddFrame
}

func (r *frameReader) result() *oddFrame {
	if r.odd == (oddFrame{}) {
		return nil
	}
	odd := r.odd
	return &odd
}

func (r *frameReader) fault(name string, v any) {
	if r.odd.fault == "" {
		r.odd.fault = "a frame's " + name + " is " + kind(v) + " where a string is needed"
	}
}

func (r *frameReader) text(name string) string {
	v := r.in.get(name)
	s, ok := v.(string)
	if !ok && truth(v) {
		r.fault(name, v)
	}
	return s
}

// line reads the line number. Lines that are given but are no number above zero
// show as they stand: a function in the line number list ends in ":0" when line
// 0 was given, in ":None" when none was.
func (r *frameReader) line() int {
	v := r.in.get("line")
	if v == nil {
		return 0
	}
	text := str(v)
	if number, ok := v.(json.Number); ok {
		if n, err := strconv.Atoi(number.String()); err == nil && n > 0 {
			return n
		}
	}
	r.odd.line = text
	r.odd.hasLine = truth(v)
	return 0
}

func (r *frameReader) offset() string {
	v := r.in.get("offset")
	if s, ok := v.(string); ok || !truth(v) {
		return s
	}
	r.odd.offsetVerbatim = true
	return str(v)
}

func (r *frameReader) inlines() []Inline {
	v := r.in.get("inlines")
	list, ok := v.([]any)
	if !ok && truth(v) {
		r.fault("inlines", v)
	}
	var out []Inline
	for _, e := range list {
		out = append(out, inline(e))
	}
	return out
}

func (r *frameReader) unloadedModules() []UnloadedModule {
	v := r.in.get("unloaded_modules")
	list, ok := v.([]any)
	if !ok && truth(v) {
		r.fault("unloaded_modules", v)
	}
	var out []UnloadedModule
	for _, e := range list {
		obj, ok := e.(*object)
		if !ok {
			r.fault("unloaded_modules", e)
			continue
		}
		// A module without a name shows as Python's None.
		m := UnloadedModule{Module: str(obj.get("module"))}
		if offsets, ok := obj.get("offsets").([]any); ok {
			for _, o := range offsets {
				m.Offsets = append(m.Offsets, str(o))
			}
		}
		out = append(out, m)
	}
	return out
}
