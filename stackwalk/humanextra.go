package stackwalk

import "fmt"

// What rust-minidump's text does not have; none of it is written in compat mode.

func (h humanWriter) assertion() {
	if text := h.r.AssertionText(); text != "" && !h.r.compat {
		fmt.Fprintf(h, "Assertion: %s\n", text)
	}
}

// leftOut writes what stands for the middle of an endless recursion.
func (h humanWriter) leftOut(f fold) {
	from, to := f.hidden()
	what := "the frame above comes"
	if f.period > 1 {
		what = fmt.Sprintf("the %d frames above come", f.period)
	}
	fmt.Fprintf(h, "    … %d frames left out: %s %d times in all\n", to-from, what, f.times)
}

// problems lists the modules whose symbols a frame needed and did not get.
func (h humanWriter) problems() {
	if h.r.compat {
		return
	}
	title := "\nMissing symbols:\n"
	for i := range h.r.Modules {
		m := &h.r.Modules[i]
		problem := m.SymbolsProblem()
		if problem == "" {
			continue
		}
		fmt.Fprint(h, title)
		title = ""
		fmt.Fprintf(h, "%s %s: %s\n", m.Filename, m.DebugID, problem)
		for _, place := range m.Lookup.Tried {
			fmt.Fprintf(h, "    tried %s\n", place)
		}
		for _, id := range m.Lookup.Near {
			fmt.Fprintf(h, "    there is %s\n", id)
		}
	}
}

// annotations lists what Crashpad noted of the process.
func (h humanWriter) annotations() {
	if h.r.compat || h.r.Crashpad == nil {
		return
	}
	fmt.Fprint(h, "\nCrashpad annotations:\n")
	for _, kv := range h.r.Crashpad.Annotations {
		fmt.Fprintf(h, "%s = %s\n", kv.Key, kv.Value)
	}
	for i := range h.r.Crashpad.Modules {
		m := &h.r.Crashpad.Modules[i]
		for _, text := range m.List {
			fmt.Fprintf(h, "%s: %s\n", h.r.moduleName(m.Module), text)
		}
		notes := moduleNotes(m)
		for _, name := range sortedKeys(notes) {
			fmt.Fprintf(h, "%s: %s = %s\n", h.r.moduleName(m.Module), name, notes[name])
		}
	}
}
