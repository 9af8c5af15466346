package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

type moduleView struct {
	File, Version, DebugFile, DebugID, CodeID, Cert string
	Base, End                                       string
	Status                                          string // "loaded", "missing", "corrupt", "unloaded" or "not needed"
	Level                                           string // for the badge: "sure", "guess" or ""
	Main                                            bool
}

// wanted is a symbol file that would make a shown stack readable.
type wanted struct {
	Module string
	Frames int    // shown frames without a name
	Path   string // where a symbol server keeps it; "" when the module has no debug id
	CodeID string
	Reason string
}

// modules looks up the modules of frames and counts who lacks symbols.
type modules struct {
	list     []module
	unloaded []module
	main     int
	byFile   map[string]int // the first of that name
	lacking  map[int]int    // frames without function by index
}

func newModules(w *walk) *modules {
	m := &modules{list: w.Modules, unloaded: w.Unloaded, main: w.MainIndex, byFile: map[string]int{}, lacking: map[int]int{}}
	for i, mod := range w.Modules {
		if _, ok := m.byFile[mod.File]; !ok {
			m.byFile[mod.File] = i
		}
	}
	return m
}

func (m *modules) seen(f *frame) {
	if f.Function != "" {
		return
	}
	if i, ok := m.byFile[f.Module]; ok {
		m.lacking[i]++
	}
}

// wanted lists the modules of unnamed frames, those with the most frames first.
func (m *modules) wanted() []wanted {
	var out []wanted
	for _, i := range slices.Sorted(maps.Keys(m.lacking)) {
		mod := m.list[i]
		w := wanted{Module: mod.File, Frames: m.lacking[i], Path: mod.symbolPath(), CodeID: mod.CodeID}
		switch {
		case mod.Corrupt:
			w.Reason = "its symbol file is damaged"
		case mod.Loaded:
			w.Reason = "its symbol file does not name these addresses"
		case w.Path == "":
			w.Reason = "the dump names no debug id for it, so no symbol file can match"
		default:
			w.Reason = "its symbol file was not found"
		}
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b wanted) int { return cmp.Compare(b.Frames, a.Frames) })
	return out
}

// symbolPath is the module's place in a tree of Breakpad symbols:
// xul.pdb/44E4EC8C2F41492B9369D6B9A059577C2/xul.sym.
func (m module) symbolPath() string {
	if m.DebugFile == "" || strings.Trim(m.DebugID, "0") == "" {
		return ""
	}
	leaf := m.DebugFile
	if n := len(leaf) - len(".pdb"); n > 0 && strings.EqualFold(leaf[n:], ".pdb") {
		leaf = leaf[:n]
	}
	return m.DebugFile + "/" + m.DebugID + "/" + leaf + ".sym"
}

// views are the rows of the module table and how many more there are.
func (m *modules) views() ([]moduleView, int) {
	var out []moduleView
	add := func(mod module, status, level string, isMain bool) {
		out = append(out, moduleView{
			File: mod.File, Version: mod.Version, DebugFile: mod.DebugFile, DebugID: mod.DebugID,
			CodeID: mod.CodeID, Cert: mod.Cert, Base: mod.Base, End: mod.End,
			Status: status, Level: level, Main: isMain,
		})
	}
	for i, mod := range m.list {
		switch {
		case mod.Corrupt:
			add(mod, "damaged", "guess", i == m.main)
		case mod.Loaded:
			add(mod, "loaded", "sure", i == m.main)
		case mod.Missing:
			add(mod, "missing", "guess", i == m.main)
		default:
			add(mod, "not needed", "", i == m.main)
		}
	}
	for _, mod := range m.unloaded {
		add(mod, "unloaded", "", false)
	}
	if n := len(out); n > moduleLimit {
		return out[:moduleLimit], n - moduleLimit
	}
	return out, 0
}
