package signature

import (
	"errors"
	"strconv"
	"strings"

	"socorro/siglists"
)

// maxFrames is how many frames are looked at, functions inlined into a frame
// counted as frames. Deeper ones differ between crashes of the same bug.
const maxFrames = 40

const separator = " | "

// generateFromThread makes the signature of one thread's stack.
func (r *run) generateFromThread(index int) error {
	r.thread = index
	frames, err := r.frames(index)
	if err != nil {
		return err
	}
	kept, ok := walk(frames, nil)
	// This note is the generation rule's, even when the watchdog rule runs it.
	if !ok {
		r.Notes = append(r.Notes, generationRule+": CSignatureTool: no frame data for crashing thread ("+strconv.Itoa(index)+")")
	}
	if len(frames) > 0 {
		r.ProtoSignature, r.HasProto = joinTexts(frames), true
	}
	if signature := strings.Join(kept, separator); signature != "" {
		r.set(signature)
	}
	return nil
}

// label is a frame as it stands in signatures, with what the lists say of it.
type label struct {
	text string
	says verdict
}

// verdict is what the lists say of a frame: a set of flags, and above
// rivalShift another such set for the lists of a [Comparer]'s other side.
type verdict uint8

const (
	irrelevant verdict = 1 << iota
	prefix
	sentinel

	rivalShift         = 3
	renamed    verdict = 1 << 7 // the lists do not agree on its line number
)

func judge(lists *siglists.Lists, frame string) verdict {
	var v verdict
	if lists.Irrelevant.Match(frame) {
		v |= irrelevant
	}
	if lists.Prefix.Match(frame) {
		v |= prefix
	}
	if lists.Sentinels.Has(frame) {
		v |= sentinel
	}
	return v
}

// normalise gives the labels of a thread's frames, at most maxFrames.
func (g *Generator) normalise(in *CrashData, index int) ([]label, error) {
	thread := in.thread(index)
	if thread == nil {
		return nil, nil
	}
	if thread.fault != "" {
		return nil, errors.New(thread.fault)
	}
	out := make([]label, 0, min(maxFrames, 2*len(thread.Frames)))
	for i := range thread.Frames {
		for f, err := range thread.Frames[i].expanded() {
			if len(out) == maxFrames {
				return out, nil
			}
			if err != nil {
				return nil, err
			}
			l, err := g.frameLabel(f, in.OS == "Windows NT")
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
	}
	return out, nil
}

func joinTexts(frames []label) string {
	size := 0
	for _, f := range frames {
		size += len(f.text) + len(separator)
	}
	var b strings.Builder
	b.Grow(size)
	for i, f := range frames {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(f.text)
	}
	return b.String()
}

// walk chooses the frames of a signature: from the first sentinel on, without
// irrelevant frames, up to and with the first that is no prefix. It reports
// false when no frame was worth keeping, and gives the first one then, or the
// text for crashes without any.
func walk(frames []label, see func(i int, f Fate)) (kept []string, ok bool) {
	if see == nil {
		see = func(int, Fate) {}
	}
	first := 0
	for i, f := range frames {
		if f.says&sentinel != 0 {
			first = i
			break
		}
	}
	for i := range first {
		see(i, BeforeSentinel)
	}
	for i := first; i < len(frames); i++ {
		f := frames[i]
		switch {
		case f.text == "":
			see(i, Nameless)
		case f.says&irrelevant != 0:
			see(i, Irrelevant)
		case len(kept) > 0 && kept[len(kept)-1] == f.text && isModule(f.text):
			see(i, Merged)
		case f.says&prefix != 0:
			see(i, KeptAndOn)
			kept = append(kept, f.text)
		default:
			see(i, KeptAndDone)
			return append(kept, f.text), true
		}
	}
	switch {
	case len(kept) > 0:
		return kept, true
	case first < len(frames):
		see(first, KeptForWant)
		return []string{frames[first].text}, false
	}
	return []string{"EMPTY: no frame data available"}, false
}

// isModule tells frames that name a module only. A stack through a library
// without symbols has it many times over.
func isModule(frame string) bool {
	switch {
	case frame == "XUL" || frame == "<name omitted>" || strings.HasPrefix(frame, "<unknown in"):
		return true
	case strings.HasPrefix(frame, "(unloaded"):
		return false
	}
	return hasSuffixFold(frame, ".dll") || hasSuffixFold(frame, ".so")
}

// hasSuffixFold compares an ASCII suffix without regard to case. It takes no
// other letters for ASCII ones, as strings.EqualFold does with the long s.
func hasSuffixFold(s, suffix string) bool {
	if len(s) < len(suffix) {
		return false
	}
	s = s[len(s)-len(suffix):]
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != suffix[i] {
			return false
		}
	}
	return true
}
