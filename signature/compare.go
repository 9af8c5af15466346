package signature

import "socorro/siglists"

// Comparer signs crashes by two sets of lists with today's rules. Naming the
// frames is most of the work, and is done once for both. It is safe for
// concurrent use.
type Comparer struct {
	before, after *Generator
}

// NewComparer makes a Comparer; nil lists are those of the program.
func NewComparer(before, after *siglists.Lists) *Comparer {
	c := &Comparer{New(before), New(after)}
	c.before.rival = c.after.lists
	return c
}

// Compare gives the signatures of a crash by both sets of lists.
func (c *Comparer) Compare(in *CrashData) (before, after Result) {
	first := run{g: c.before, in: in}
	first.do()
	second := run{g: c.before, in: in, stacks: first.stacks, rival: true}
	for _, s := range first.stacks {
		for _, f := range s.frames {
			// A list of functions with line numbers changed: this one has another name.
			if f.says&renamed != 0 {
				return first.Result, c.after.Generate(in)
			}
		}
	}
	second.do()
	return first.Result, second.Result
}

// namedStack is the frames of a thread by their names.
type namedStack struct {
	thread int
	frames []label
	err    error
}

// frames names the frames of a thread, or finds them among those that were.
func (r *run) frames(thread int) ([]label, error) {
	for _, s := range r.stacks {
		if s.thread == thread {
			return r.seenBy(s.frames), s.err
		}
	}
	frames, err := r.g.normalise(r.in, thread)
	if r.g.rival != nil {
		r.stacks = append(r.stacks, namedStack{thread, frames, err})
	}
	return r.seenBy(frames), err
}

// seenBy gives the frames with what the lists of this run say of them.
func (r *run) seenBy(frames []label) []label {
	if !r.rival {
		return frames
	}
	theirs := make([]label, len(frames))
	for i, f := range frames {
		theirs[i] = label{f.text, f.says >> rivalShift}
	}
	return theirs
}
