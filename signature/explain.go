package signature

import "fmt"

// Fate is what became of a frame on the way to the signature.
type Fate int

// The fates of frames, in the order in which they are decided.
const (
	Unseen         Fate = iota // the signature was complete before this frame
	BeforeSentinel             // above the sentinel at which the signature starts
	Nameless                   // nothing is known of it
	Irrelevant                 // on the irrelevant list
	Merged                     // a module that the frame before it named already
	KeptAndOn                  // kept; on the prefix list, so the walk goes on
	KeptAndDone                // kept; on no list, so the walk ends
	KeptForWant                // left out like all others, but some name there must be
)

// String says it in words for a page or a terminal.
func (f Fate) String() string {
	switch f {
	case Unseen:
		return "not reached"
	case BeforeSentinel:
		return "skipped: above the sentinel"
	case Nameless:
		return "skipped: no name"
	case Irrelevant:
		return "skipped: irrelevant"
	case Merged:
		return "merged: same module as before"
	case KeptAndOn:
		return "kept: prefix, goes on"
	case KeptAndDone:
		return "kept: ends the signature"
	case KeptForWant:
		return "kept: nothing better"
	}
	return fmt.Sprintf("fate(%d)", int(f))
}

// Step is one frame of an [Explanation].
type Step struct {
	Frame string // normalised
	Fate  Fate
	List  string // file name of the list that decided; "" when none did
	Entry string // the entry of that list
	Line  int    // of the entry in its file, from 1
}

// Explanation says how the signature of a stack came about.
type Explanation struct {
	Result
	Thread int    // index of the thread that was looked at; 0 when the watchdog rule started again
	Steps  []Step // one for each frame that was looked at; none for Java crashes
}

// Explain makes the signature of a crash and says of each frame why it is in it
// or not, with the list entry that decided. It is slower than Generate.
func (g *Generator) Explain(in *CrashData) Explanation {
	r := g.run(in)
	e := Explanation{Result: r.Result, Thread: r.thread}
	if in.java() {
		return e
	}
	frames, err := g.pipeline.frames(g, in, e.Thread)
	if err != nil {
		return e // the note about it is in the result
	}
	e.Steps = make([]Step, len(frames))
	for i, f := range frames {
		e.Steps[i].Frame = f.text
	}
	g.pipeline.walk(g, frames, func(i int, fate Fate) {
		e.Steps[i].Fate = fate
		g.cite(&e.Steps[i], frames[i])
	})
	return e
}

// cite names the list entry behind a step.
func (g *Generator) cite(s *Step, f label) {
	list := g.lists.Irrelevant
	switch s.Fate {
	case Irrelevant:
	case KeptAndOn:
		list = g.lists.Prefix
	case KeptForWant:
		if f.says&irrelevant == 0 {
			return
		}
	default:
		return
	}
	if entry, ok := list.Which(f.text); ok {
		s.List, s.Entry, s.Line = list.Name, entry.Text, entry.Line
	}
}
