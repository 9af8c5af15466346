package signature

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// generate2018 makes the first signature by the rules of 2018.
func generate2018(r *run) error {
	known := r.in.odd == nil || !r.in.odd.unknownThread
	if r.hangs2018() == browserHang {
		return r.generateFromCrash2018(0, true)
	}
	if fault := r.in.fault("crashing_thread"); fault != "" && r.g.compat && !r.in.javaTrace() {
		return errors.New(fault)
	}
	return r.generateFromCrash2018(r.in.CrashingThread, known)
}

// generateFromCrash2018 makes the signature of a Java stack trace, else of a
// thread. Known is false when the stack walker named none.
func (r *run) generateFromCrash2018(thread int, known bool) error {
	if r.in.javaTrace() {
		r.generateFromJavaTrace()
		return nil
	}
	r.thread = thread
	var frames []label
	if known {
		if gone := r.in.noThread2018(thread); gone != "" {
			r.note("No crashing frames found because of " + gone)
		} else {
			var err error
			if frames, err = r.g.normalise2018(r.in, thread); err != nil {
				return err
			}
		}
	}
	hang, err := r.hangPrefix2018()
	if err != nil {
		return err
	}
	kept, ok := r.g.walk2018(frames, nil)
	r.name2018(hang, kept, ok, known)
	r.ProtoSignature, r.HasProto = joinTexts(frames), true
	return nil
}

// Kinds of hangs.
const (
	browserHang = 1
	pluginHang  = -1
)

// hangs2018 is the hang type. A number in text was none in 2018, and a mistake of the client.
func (r *run) hangs2018() int {
	if r.g.compat && r.in.fault("hang_type") != "" {
		return 0
	}
	return r.in.HangType
}

// hangPrefix2018 is what comes in front of the signature of a hang. There are
// two kinds; Socorro loses the whole signature over any other.
func (r *run) hangPrefix2018() (string, error) {
	if fault := r.in.fault("hang_type"); fault != "" && r.g.compat {
		return "", errors.New(fault)
	}
	switch r.in.HangType {
	case browserHang:
		return "chromehang", nil
	case pluginHang:
		return "hang", nil
	}
	if r.in.HangType != 0 && r.g.compat {
		return "", fmt.Errorf("there is no hang type %d", r.in.HangType)
	}
	return "", nil
}

func (r *run) name2018(hang string, kept []string, ok, known bool) {
	if hang != "" {
		kept = append([]string{hang}, kept...)
		ok = true
	}
	signature := strings.Join(kept, separator)
	switch {
	case ok && signature != "":
	case !known:
		r.note("CSignatureTool: No signature could be created because we do not know which thread crashed")
		signature = "EMPTY: no crashing thread identified"
	default:
		r.note("CSignatureTool: No proper signature could be created because no good data for the crashing thread (" +
			r.in.threadText(r.thread) + ") was found")
		if len(kept) == 0 {
			signature = "EMPTY: no frame data available"
		}
	}
	r.set(signature)
}

// noThread2018 says why there are no frames, in the words of Python; "" when
// there may be some.
func (d *CrashData) noThread2018(index int) string {
	missing := ""
	if d.odd != nil {
		missing = d.odd.missing
	}
	switch {
	case missing == "threads":
		return "'threads'"
	case d.fault("index") != "":
		return d.fault("index")
	case d.thread(index) == nil:
		return "list index out of range"
	case missing != "":
		return "'" + missing + "'"
	}
	return ""
}

// threadText is the crashing thread's index as the crash gave it.
func (d *CrashData) threadText(index int) string {
	if d.odd != nil && d.odd.threadText != "" {
		return d.odd.threadText
	}
	return strconv.Itoa(index)
}

// normalise2018 gives the labels of a thread's frames, at most maxFrames.
func (g *Generator) normalise2018(in *CrashData, index int) ([]label, error) {
	thread := in.thread(index)
	if thread == nil {
		return nil, nil
	}
	if thread.fault != "" {
		return nil, errors.New(thread.fault)
	}
	windows := in.OS == "Windows NT"
	out := make([]label, 0, min(maxFrames, len(thread.Frames)))
	for i := range thread.Frames[:min(maxFrames, len(thread.Frames))] {
		f := &thread.Frames[i]
		if err := f.odd.err(); err != nil {
			return nil, err
		}
		if windows && g.compat && f.odd != nil && f.odd.nullModule {
			return nil, errors.New("a frame's module is null where a string is needed")
		}
		out = append(out, g.frameLabel2018(f, windows))
	}
	return out, nil
}

// frameLabel2018 names a frame by its function, its source line, its address
// when it is in no module, or its module and the offset in it.
func (g *Generator) frameLabel2018(f *Frame, windows bool) label {
	if f.odd != nil && f.odd.normalised != nil {
		return g.judged(*f.odd.normalised)
	}
	if f.Function != "" {
		return g.functionLabel2018(f)
	}
	line, hasLine := f.lineText()
	if f.File != "" && hasLine {
		return g.plainLabelOf(baseName(f.File) + "#" + line)
	}
	if f.Module == "" && f.ModuleOffset == "" && f.Offset != "" {
		return g.judged("@" + f.Offset)
	}
	module, offset := f.Module, f.ModuleOffset
	if windows {
		module = lower(module)
	}
	if offset == "" && (f.odd == nil || !f.odd.emptyOffset) {
		// Python's word for nothing is part of names, and of lists, since then.
		offset = "None"
	}
	return g.judged(module + "@" + offset)
}

func (g *Generator) functionLabel2018(f *Frame) label {
	if l, ok := g.cache.get(f.Function, cppLabel); ok {
		return l
	}
	name := normalise2018(f.Function)
	numbered := g.lists.LineNumbers.Match(name)
	if numbered {
		line, _ := f.lineText()
		name += ":" + line
	}
	l := g.judged(tidySpaces(name))
	if !numbered {
		g.cache.put(f.Function, cppLabel, l)
	}
	return l
}

// walk2018 chooses the frames of a signature. It reports false when no frame
// was worth keeping, and gives the first one then, if there is any.
func (g *Generator) walk2018(frames []label, see func(i int, f Fate)) (kept []string, ok bool) {
	if see == nil {
		see = func(int, Fate) {}
	}
	first := firstSentinel2018(frames)
	for i := range first {
		see(i, BeforeSentinel)
	}
	for i := first; i < len(frames); i++ {
		f := frames[i]
		if f.says&irrelevant != 0 {
			see(i, Irrelevant)
			continue
		}
		goesOn := f.says&prefix != 0
		if g.lists.TrimDLL.Match(f.text) {
			f.text, _, _ = strings.Cut(f.text, "@")
			if len(kept) > 0 && kept[len(kept)-1] == f.text {
				see(i, Merged)
				continue
			}
			goesOn = g.lists.Prefix.Match(f.text)
		}
		kept = append(kept, f.text)
		if !goesOn {
			see(i, KeptAndDone)
			return kept, true
		}
		see(i, KeptAndOn)
	}
	switch {
	case len(kept) > 0:
		return kept, true
	case first < len(frames):
		see(first, KeptForWant)
		return []string{frames[first].text}, false
	}
	return nil, false
}

// A call over the process boundary starts the signature only when the other
// side was told to write its dump as well.
const (
	callSentinel  = "mozilla::ipc::RPCChannel::Call(IPC::Message*, IPC::Message*)"
	callCondition = "CrashReporter::CreatePairedMinidumps(void*, unsigned long, nsAString_internal*, nsILocalFile**, nsILocalFile**)"
)

func firstSentinel2018(frames []label) int {
	first, call, condition := -1, -1, false
	for i, f := range frames {
		if f.says&sentinel != 0 && first < 0 {
			first = i
		}
		if f.text == callSentinel && call < 0 {
			call = i
		}
		condition = condition || f.text == callCondition
	}
	if condition && call >= 0 && (first < 0 || call < first) {
		first = call
	}
	return max(first, 0)
}
