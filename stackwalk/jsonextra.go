package stackwalk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// What rust-minidump's JSON does not have. Each key is there only when there is
// something to say, and never in compat mode.

// AssertionText is the failed assertion in words, "" when the dump has none.
func (r *Report) AssertionText() string {
	a := r.Assertion
	if a == nil {
		return ""
	}
	var b strings.Builder
	const invalidParameter, pureCall = 1, 2 // of the C runtime of Windows
	switch a.Type {
	case invalidParameter:
		b.WriteString("invalid parameter passed to a library function")
	case pureCall:
		b.WriteString("pure virtual function called")
	}
	add := func(before, text string) {
		if text == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(before)
		}
		b.WriteString(text)
	}
	add(": ", a.Expression)
	add(", in ", a.Function)
	place := a.File
	if place != "" && a.Line != 0 {
		place = fmt.Sprintf("%s:%d", place, a.Line)
	}
	add(", at ", place)
	return b.String()
}

func (j reportWriter) assertion() {
	if j.r.compat {
		j.null()
		return
	}
	j.textOrNull(j.r.AssertionText())
}

// CrashpadJSON is what WriteJSON writes as crashpad_info, nil when the dump has no
// such thing. Set Crashpad to nil to leave it out there: annotations are whatever
// the client wanted to tell, URLs and names of users among them.
func (r *Report) CrashpadJSON() json.RawMessage {
	if r.Crashpad == nil {
		return nil
	}
	var b bytes.Buffer
	j := reportWriter{newJSONWriter(&b, false), r}
	j.crashpadInfo()
	if j.out.Flush() != nil { // a bytes.Buffer takes everything
		return nil
	}
	return b.Bytes()
}

func (j reportWriter) crashpad() {
	if j.r.Crashpad != nil && !j.r.compat {
		j.key("crashpad_info")
		j.crashpadInfo()
	}
}

// crashpadInfo writes what Crashpad noted of the process and of each module.
func (j reportWriter) crashpadInfo() {
	c := j.r.Crashpad
	j.open('{')
	j.key("annotations")
	j.pairs(c.Annotations)
	j.key("client_id")
	j.text(c.ClientID)
	j.key("modules")
	j.open('[')
	for i := range c.Modules {
		j.item()
		j.moduleNotes(&c.Modules[i])
	}
	j.close(']')
	j.key("report_id")
	j.text(c.ReportID)
	j.close('}')
}

func (j reportWriter) moduleNotes(m *minidump.ModuleAnnotations) {
	j.open('{')
	j.key("annotations")
	notes := moduleNotes(m)
	j.open('{')
	for _, name := range sortedKeys(notes) {
		j.name(name)
		j.text(notes[name])
	}
	j.close('}')
	j.key("list")
	j.texts(m.List)
	j.key("module")
	j.textOrNull(j.r.moduleName(m.Module))
	j.key("module_index")
	j.int(int64(m.Module))
	j.close('}')
}

// moduleNotes are the annotations of a module by name. A name may have a simple
// annotation and an object; objects are the newer way, so they win.
func moduleNotes(m *minidump.ModuleAnnotations) map[string]string {
	notes := map[string]string{}
	for _, kv := range m.Simple {
		notes[kv.Key] = kv.Value
	}
	for _, o := range m.Objects {
		const text = 1
		if o.Type == text {
			notes[o.Name] = o.Text
		}
	}
	return notes
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// moduleName is the file name of a module by its number, which a dump can say
// anything for; "" when there is no such module.
func (r *Report) moduleName(index int) string {
	if index < 0 || index >= len(r.Modules) {
		return ""
	}
	return r.Modules[index].Filename
}

// pairs writes an object; the keys are sorted.
func (j reportWriter) pairs(list []minidump.KeyValue) {
	j.open('{')
	for _, kv := range list {
		j.name(kv.Key)
		j.text(kv.Value)
	}
	j.close('}')
}

func (j reportWriter) texts(list []string) {
	j.open('[')
	for _, s := range list {
		j.item()
		j.text(s)
	}
	j.close(']')
}

// textsIfAny, textIfAny and countIfAny leave out what is empty.
func (j reportWriter) textsIfAny(key string, list []string) {
	if len(list) > 0 && !j.r.compat {
		j.key(key)
		j.texts(list)
	}
}

func (j reportWriter) textIfAny(key, s string) {
	if s != "" && !j.r.compat {
		j.key(key)
		j.text(s)
	}
}

func (j reportWriter) countIfAny(key string, n int) {
	if n > 0 && !j.r.compat {
		j.key(key)
		j.int(int64(n))
	}
}

// symbols writes how the search for a module's symbols went.
func (j reportWriter) symbols(m *Module) {
	if !m.Asked || j.r.compat {
		return
	}
	j.key("symbols")
	j.open('{')
	if len(m.BadSamples) > 0 {
		j.key("bad_line_samples")
		j.badLines(m.BadSamples)
	}
	j.countIfAny("bad_lines", m.BadLines)
	j.key("error")
	j.textOrNull(m.SymbolsProblem())
	j.countIfAny("error_line", m.SymbolsErrorLine)
	j.textIfAny("file_debug_id", mismatch(m))
	j.key("found")
	j.textOrNull(m.Lookup.Found)
	j.textsIfAny("near_misses", m.Lookup.Near)
	j.key("tried")
	j.texts(m.Lookup.Tried)
	j.close('}')
}

func (j reportWriter) badLines(list []symbols.BadLine) {
	j.open('[')
	for _, bad := range list {
		j.item()
		j.open('{')
		j.key("line")
		j.int(int64(bad.Line))
		j.key("reason")
		j.text(bad.Reason)
		j.close('}')
	}
	j.close(']')
}

// mismatch is the id that the symbol file says it is of, when it is not the
// module's.
func mismatch(m *Module) string {
	if m.SymbolsID == "" || strings.EqualFold(m.SymbolsID, m.DebugID) {
		return ""
	}
	return m.SymbolsID
}

// SymbolsProblem says in words why a module's symbols were not found or not used,
// "" when they were, or when no frame needed them.
func (m *Module) SymbolsProblem() string {
	switch {
	case !m.Asked:
		return ""
	case m.SymbolsError != "":
		return m.SymbolsError
	case m.Lookup.Found != "":
		return ""
	case m.DebugID == "" || strings.Trim(m.DebugID, "0") == "":
		return "the dump has no debug id of this module"
	case len(m.Lookup.Near) > 0:
		return "there are symbols of other builds of this file only"
	case len(m.Lookup.Tried) == 0:
		return "the name of this module cannot be that of a file"
	}
	return "there are no symbols of this file"
}
