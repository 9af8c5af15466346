package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// How many frames a page shows, so that no crash makes a page that browsers
// choke on. The JSON has them all.
const (
	frameBudget = 6_000 // of all threads together
	inlineLimit = 64    // of one frame
	threadLimit = 1_000
	moduleLimit = 2_000
)

// fold keeps the ends of a long stack, where the cause and the entry point are.
type fold struct{ head, tail int }

var (
	crashingFold = fold{250, 50}
	otherFold    = fold{60, 10}
)

type threadView struct {
	Index     int
	ID        string
	Name      string
	LastError string
	Total     int
	Rows      []frameRow
	Crashing  bool
	Top       string // the first frame's function, for the collapsed line
}

// frameRow is one line of a stack: a frame, a call inlined into one, or a fold.
type frameRow struct {
	Fold     int    // frames left out here; the rest is empty then
	Note     string // shown instead of a frame
	Number   string
	Inline   bool
	Module   string
	Function function
	Source   source
	Address  string
	Trust    trust
}

// function is a name split for reading: the scope and the name count, the
// parameters of a C++ template can be a screen long.
type function struct {
	Name   string
	Params string
	Long   bool // parameters are better folded away
	Bare   bool // there is no name, only an offset
}

type trust struct {
	Word  string
	Means string
	Level string // "sure", "likely" or "guess"
}

func (t *thread) view(index int, mods *modules, f fold, budget *int) threadView {
	v := threadView{
		Index: index, ID: t.ID.String(), Name: t.Name,
		LastError: t.LastError, Total: max(t.Count, len(t.Frames)),
	}
	for i := 0; i < len(t.Frames); i++ {
		if n := len(t.Frames) - f.head - f.tail; i == f.head && n > 1 {
			v.Rows = append(v.Rows, frameRow{Fold: n})
			i += n
		}
		if *budget <= 0 {
			v.Rows = append(v.Rows, frameRow{Fold: len(t.Frames) - i})
			break
		}
		*budget--
		v.Rows = append(v.Rows, frameRows(t.Frames[i], i, mods)...)
	}
	if len(v.Rows) > 0 {
		r := v.Rows[0]
		v.Top = cmp.Or(r.Function.Name, r.Note)
		if r.Fold > 0 {
			v.Rows = nil
		}
	}
	return v
}

func frameRows(data json.RawMessage, at int, mods *modules) []frameRow {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return []frameRow{{Number: fmt.Sprint(at), Note: "This frame cannot be read: " + err.Error()}}
	}
	if f.Truncated != nil {
		return []frameRow{{Note: f.Truncated.Message}}
	}
	number := at
	if f.Number != nil {
		number = *f.Number
	}
	mods.seen(&f)
	var rows []frameRow
	for i, in := range f.Inlines {
		if i == inlineLimit {
			rows = append(rows, frameRow{Note: fmt.Sprintf("%s more inlined calls", grouped(len(f.Inlines)-i))})
			break
		}
		rows = append(rows, frameRow{
			Number: fmt.Sprint(number), Inline: true, Module: f.Module,
			Function: splitFunction(in.Function), Source: sourceOf(in.File, in.Line),
			Trust: trust{"inline", "Inlined by the compiler into the frame below.", "sure"},
		})
	}
	return append(rows, frameRow{
		Number: fmt.Sprint(number), Module: f.module(), Function: f.function(),
		Source: sourceOf(f.File, f.Line), Address: f.Offset, Trust: trustOf(f.Trust),
	})
}

func (f *frame) module() string {
	if f.Module == "" && len(f.Unloaded) > 0 {
		return f.Unloaded[0].Module + " (unloaded)"
	}
	return f.Module
}

// function names the frame as well as is known: by its function, by its offset
// in a module that is or was loaded, by its bare address.
func (f *frame) function() function {
	switch {
	case f.Function != "":
		return splitFunction(f.Function)
	case f.Module != "":
		return function{Name: f.Module + " + " + trimHex(f.ModuleOffset), Bare: true}
	case len(f.Unloaded) > 0 && len(f.Unloaded[0].Offsets) > 0:
		return function{Name: f.Unloaded[0].Module + " + " + trimHex(f.Unloaded[0].Offsets[0]), Bare: true}
	default:
		return function{Name: cmp.Or(trimHex(f.Offset), "unknown"), Bare: true}
	}
}

// trimHex drops the zeros that pad 0x00000000000016e8.
func trimHex(s string) string {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return s
	}
	return "0x" + cmp.Or(strings.TrimLeft(digits, "0"), "0")
}

const (
	functionLimit = 1_000
	foldParams    = 60
)

// splitFunction finds where the parameters of a C++ or Rust name begin: at the
// first parenthesis outside of <>, unless it belongs to the name itself as in
// "(anonymous namespace)::f" or "operator()".
func splitFunction(name string) function {
	name = shorten(visible(name), functionLimit)
	if name == "" {
		return function{Name: "unknown function", Bare: true}
	}
	depth := 0
	for i, r := range name {
		switch {
		case r == '<' && !strings.HasSuffix(strings.TrimRight(name[:i], "<"), "operator"):
			depth++
		case r == '>' && depth > 0 && name[i-1] != '-':
			depth--
		case r == '(' && depth == 0 && i > 0 && !strings.HasSuffix(name[:i], "::") &&
			!strings.HasPrefix(name[i:], "(anonymous") && !strings.HasSuffix(name[:i], "operator"):
			params := name[i:]
			return function{Name: name[:i], Params: params, Long: len(params) > foldParams}
		}
	}
	return function{Name: name}
}

func trustOf(word string) trust {
	t := trust{Word: strings.ReplaceAll(word, "_", " "), Level: "likely"}
	switch word {
	case "context":
		t.Level, t.Means = "sure", "The registers said so when the program crashed."
	case "cfi":
		t.Level, t.Means = "sure", "Found by the call frame information of the symbols."
	case "inline":
		t.Level, t.Means = "sure", "Inlined by the compiler into the frame below."
	case "frame_pointer":
		t.Word, t.Means = "frame ptr", "Found by the chain of frame pointers; usually right."
	case "prewalked":
		t.Means = "The client walked this stack itself."
	case "cfi_scan":
		t.Level, t.Means = "guess", "Found by scanning the stack, then by call frame information."
	case "scan":
		t.Level, t.Means = "guess", "Guessed: a word on the stack that looks like a return address."
	case "", "none":
		t.Word, t.Level, t.Means = "unknown", "guess", "Nobody knows how this frame was found."
	}
	return t
}
