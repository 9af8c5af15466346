package signature

import (
	"errors"
	"iter"
	"strconv"
	"strings"
)

// expanded yields the functions that are inlined into a frame, as frames of
// their own, and then the frame. What is known of its address is known of
// theirs, except for unloaded modules, which Socorro leaves out.
func (f *Frame) expanded() iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		if err := f.odd.err(); err != nil {
			yield(nil, err)
			return
		}
		for i := range f.Inlines {
			in := &f.Inlines[i]
			if !yield(&Frame{
				Function: in.Function, File: in.File, Line: in.Line,
				Module: f.Module, ModuleOffset: f.ModuleOffset, Offset: f.Offset,
				odd: in.odd.withOffset(f.odd),
			}, in.odd.err()) {
				return
			}
		}
		yield(f, nil)
	}
}

func (o *oddFrame) err() error {
	if o == nil || o.fault == "" {
		return nil
	}
	return errors.New(o.fault)
}

// withOffset is the oddities of an inlined function in a frame, whose offset is
// the frame's.
func (o *oddFrame) withOffset(frame *oddFrame) *oddFrame {
	if frame == nil || !frame.offsetVerbatim {
		return o
	}
	var both oddFrame
	if o != nil {
		both = *o
	}
	both.offsetVerbatim = true
	return &both
}

// lineText is the line as signatures show it, and whether there is one.
func (f *Frame) lineText() (text string, given bool) {
	switch {
	case f.Line != 0:
		return strconv.Itoa(f.Line), true
	case f.odd != nil && f.odd.line != "":
		return f.odd.line, f.odd.hasLine
	}
	return "None", false
}

// frameLabel names a frame by the best that is known of it: function, source
// line, module, module that was unloaded, address. It is "" when nothing is.
func (g *Generator) frameLabel(f *Frame, windows bool) (label, error) {
	file := sourceFile(f.File)
	function := f.Function
	if strings.HasPrefix(file, "src/lib") {
		if full, ok := rust134[[2]string{file, function}]; ok {
			function = full
		}
	}
	if function == "" {
		return g.plainLabelOf(f.withoutFunction(windows)), nil
	}
	kind := cppLabel
	if strings.HasSuffix(file, ".rs") {
		kind = rustLabel
	}
	return g.functionLabel(f, function, kind)
}

func (g *Generator) plainLabelOf(frame string) label {
	// Addresses do not come again, they would only fill the cache.
	if strings.HasPrefix(frame, "@") {
		return g.judged(frame)
	}
	l, ok := g.cache.get(frame, plainLabel)
	if !ok {
		l = g.judged(frame)
		g.cache.put(frame, plainLabel, l)
	}
	return l
}

// functionLabel normalises a function, or remembers it.
func (g *Generator) functionLabel(f *Frame, function string, kind labelKind) (label, error) {
	if l, ok := g.cache.get(function, kind); ok {
		return l, nil
	}
	normalise := normaliseCPP
	if kind == rustLabel {
		normalise = normaliseRust
	}
	numbered, disputed := false, false
	name, err := normalise(function, func(name string) string {
		disputed = g.rival != nil && g.rival.LineNumbers.Match(name) != g.lists.LineNumbers.Match(name)
		if !g.lists.LineNumbers.Match(name) {
			return name
		}
		numbered = true
		line, _ := f.lineText()
		return name + ":" + line
	})
	if err != nil {
		return label{}, err
	}
	l := g.judged(name)
	if disputed {
		l.says |= renamed
	}
	if !numbered {
		g.cache.put(function, kind, l)
	}
	return l, nil
}

// maxFrameText is in bytes. A hostile frame may inline forty functions without
// a name into a module whose name has megabytes.
const maxFrameText = 64 << 10

func (g *Generator) judged(frame string) label {
	if len(frame) > maxFrameText {
		frame = strings.ToValidUTF8(frame[:maxFrameText], "")
	}
	says := judge(g.lists, frame)
	if g.rival != nil {
		says |= judge(g.rival, frame) << rivalShift
	}
	return label{frame, says}
}

func (f *Frame) withoutFunction(windows bool) string {
	line, hasLine := f.lineText()
	module := f.Module
	if windows {
		module = lower(module)
	}
	switch {
	case f.File != "" && hasLine:
		return baseName(f.File) + "#" + line
	case module != "":
		// The kernel's own modules are written in brackets: [vdso].
		return strings.Trim(module, "[]")
	case len(f.UnloadedModules) > 0:
		return "(unloaded " + f.UnloadedModules[0].Module + ")"
	case f.Offset != "" && f.odd != nil && f.odd.offsetVerbatim:
		return "@" + f.Offset
	case f.Offset != "":
		return "@" + shortHex(f.Offset)
	}
	return ""
}

// sourceFile is the path in a frame's file, which may be "vcs:host/repo:path:revision",
// a Windows path or a Unix path; "" for anything else.
func sourceFile(file string) string {
	switch strings.Count(file, ":") {
	case 3:
		_, rest, _ := strings.Cut(file, ":")
		_, rest, _ = strings.Cut(rest, ":")
		path, _, _ := strings.Cut(rest, ":")
		return path
	case 1:
		_, path, _ := strings.Cut(file, ":")
		return path
	}
	if strings.HasPrefix(file, "/") {
		return file
	}
	return ""
}

func baseName(file string) string {
	file = strings.TrimRight(file, `/\`)
	cut := "/"
	if strings.Contains(file, `\`) {
		cut = `\`
	}
	return file[strings.LastIndex(file, cut)+1:]
}

// shortHex writes an address without leading zeros: 0x00007ff8 is 0x7ff8. What
// is no hexadecimal number stays.
func shortHex(offset string) string {
	if digits, ok := strings.CutPrefix(offset, "0x"); ok && plainHex(digits) {
		digits = strings.TrimLeft(digits, "0")
		if digits == "" {
			digits = "0"
		}
		return "0x" + digits
	}
	n, ok := parseInt(offset, 16)
	if !ok {
		return offset
	}
	if n.Sign() < 0 {
		return "-0x" + n.Text(16)[1:]
	}
	return "0x" + n.Text(16)
}

func plainHex(digits string) bool {
	for i := range len(digits) {
		if c := digits[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return digits != ""
}
