package minidump

import (
	"maps"
	"slices"
)

// leftOut warns of a part of a stream that did not make sense, and notes that
// what we have of the stream is not all.
func (p *parser) leftOut(t StreamType, off int64, what string) {
	p.d.partial[t] = true
	p.warn(&FormatError{Malformed, t.String(), off, "left out " + what})
}

// Partial are the streams that Parse read although a part of them made no sense,
// in order of their numbers. Warnings says what was left out.
func (d *Dump) Partial() []StreamType { return slices.Sorted(maps.Keys(d.partial)) }

// Strict is the dump as a reader sees it that gives up a whole stream for one bad
// entry or line, as rust-minidump does, and does not know RISC-V. The copy shares all else with d; close d,
// not the copy.
func (d *Dump) Strict() *Dump {
	if len(d.partial) == 0 && d.System.CPU != RISCV64 {
		return d
	}
	s := *d
	if d.System.CPU == RISCV64 {
		s.withoutCPU()
	}
	for t := range d.partial {
		switch t {
		case ModuleListStream:
			s.Modules, s.modules = nil, rangeMap{}
		case UnloadedModuleListStream:
			s.UnloadedModules, s.unloaded = nil, nil
		case LinuxMapsStream:
			s.Maps = nil
		case Memory64ListStream:
			s.Memory = NewMemoryMap(d.Memory.order)
			s.Threads = slices.Clone(s.Threads)
			for _, i := range d.strays {
				s.Threads[i].Stack = Region{}
			}
		}
	}
	return &s
}

// withoutCPU makes the dump one of a CPU that we do not know.
func (d *Dump) withoutCPU() {
	d.System.CPU = UnknownCPU
	d.Threads = slices.Clone(d.Threads)
	for i := range d.Threads {
		d.Threads[i].Context = nil
	}
	if d.Exception != nil {
		e := *d.Exception
		e.Context = nil
		d.Exception = &e
	}
}

// WithModules is a copy of the dump with other modules in place of its own.
// renumber says, for each module of d, which of the new ones it is. The copy
// shares all else with d; close d, not the copy.
func (d *Dump) WithModules(modules []Module, renumber []int) *Dump {
	s := *d
	s.Modules = modules
	var spans []span
	for i := range modules {
		spans = appendSpan(spans, modules[i].Base, modules[i].Size, i)
	}
	s.modules = newRangeMap(spans)
	if d.Crashpad != nil {
		info := *d.Crashpad
		info.Modules = slices.Clone(info.Modules)
		for i := range info.Modules {
			if n := info.Modules[i].Module; n < len(renumber) {
				info.Modules[i].Module = renumber[n]
			}
		}
		s.Crashpad = &info
	}
	return &s
}
