package stackwalk

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/unwind"
)

// Options tune a walk. The zero value walks without symbols.
type Options struct {
	// Symbols finds symbol files. nil means there are none. Use a [symbols.Cache]
	// when there is more than one dump.
	Symbols symbols.Supplier
	// MaxFrames bounds the frames of a thread. 0 means no bound but the stack's
	// size: an overflowed stack has tens of thousands.
	MaxFrames int
	// MemoryBudget bounds the memory of all frames together, in bytes. 0 means 512
	// MiB, about a million frames.
	MemoryBudget int64
	// Threads is how many threads are walked at a time. 0 means GOMAXPROCS.
	Threads int
	// Compat keeps the known mistakes of rust-minidump, which docs/stackwalk.md
	// lists, and leaves out of the JSON what it does not have. Symbols read with
	// [symbols.Options.Strict] belong to it.
	Compat bool
	// EvilJSON is the JSON object of annotations that came with the dump, of which
	// ModuleSignatureInfo and CPUMicrocodeVersion are used. nil means none.
	EvilJSON []byte
}

const defaultMemoryBudget = 512 << 20

// Walk makes a report of a dump. The error is ctx's when it ended; then the
// report has what was found until then, the crashing thread first of all. It is
// a [*json.SyntaxError] or the like when Options.EvilJSON is no JSON object; then
// there is no report.
func Walk(ctx context.Context, d *minidump.Dump, opt Options) (*Report, error) {
	evil, err := parseEvil(opt.EvilJSON)
	if err != nil {
		return nil, fmt.Errorf("stackwalk: read extra JSON: %w", err)
	}
	if opt.MemoryBudget == 0 {
		opt.MemoryBudget = defaultMemoryBudget
	}
	if opt.Threads <= 0 {
		opt.Threads = runtime.GOMAXPROCS(0)
	}
	d, pieces := asRead(d, opt.Compat)
	w := &walker{dump: d, opt: opt, report: newReport(d, evil), modules: make([]moduleSymbols, len(d.Modules))}
	w.report.compat = opt.Compat
	w.report.analyse(d)
	for i := range pieces {
		w.report.Modules[i].Pieces = pieces[i]
	}
	if !opt.Compat {
		w.code = codeRanges(d)
	}
	w.framesLeft.Store(max(1, opt.MemoryBudget/int64(unsafe.Sizeof(Frame{}))))
	for i := range d.Modules {
		w.codeEnd = max(w.codeEnd, d.Modules[i].End())
	}
	w.walkThreads(ctx)
	w.finish(evil)
	if err := ctx.Err(); err != nil {
		return w.report, fmt.Errorf("stackwalk: walk: %w", err)
	}
	return w.report, nil
}

// A walker is one Walk.
type walker struct {
	dump    *minidump.Dump
	opt     Options
	report  *Report
	codeEnd uint64
	code    []codeRange // nil when it is not to be looked at

	modules    []moduleSymbols
	framesLeft atomic.Int64
}

// moduleSymbols are the symbols of a module, found when first asked for.
type moduleSymbols struct {
	once  sync.Once
	asked bool
	table *symbols.Table
	look  symbols.Lookup
	err   error
}

// ModuleAt is the module with addr, for [unwind.Code].
func (w *walker) ModuleAt(addr uint64) (index int, base uint64, ok bool) {
	if index, ok = w.dump.ModuleAt(addr); !ok {
		return 0, 0, false
	}
	return index, w.dump.Modules[index].Base, true
}

// Symbols are the symbols of a module, for [unwind.Code].
func (w *walker) Symbols(ctx context.Context, index int) *symbols.Table {
	m := &w.modules[index]
	m.once.Do(func() {
		if w.opt.Symbols == nil {
			return
		}
		m.asked = true
		mod := &w.dump.Modules[index]
		m.table, m.look, m.err = w.opt.Symbols.Find(ctx, symbols.Module{
			DebugFile: mod.DebugFile, DebugID: mod.DebugID, CodeFile: mod.CodeFile, CodeID: mod.CodeID,
		})
	})
	return m.table
}

// walkThreads walks all threads, the crashing one first: should time run out, it
// is the one that matters.
func (w *walker) walkThreads(ctx context.Context) {
	order := make([]int, 0, len(w.report.Threads))
	crashed := w.report.CrashInfo.CrashingThread
	if crashed != nil {
		order = append(order, *crashed)
	}
	for i := range w.report.Threads {
		if crashed == nil || i != *crashed {
			order = append(order, i)
		}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(w.opt.Threads, len(order)) {
		group.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= len(order) || ctx.Err() != nil {
					return
				}
				w.walkThread(ctx, order[n])
			}
		})
	}
	group.Wait()
}

// walkThread finds the frames of a thread.
func (w *walker) walkThread(ctx context.Context, index int) {
	t := &w.report.Threads[index]
	from := &w.dump.Threads[index]
	registers := from.Context
	if crashed := w.report.CrashInfo.CrashingThread; crashed != nil && *crashed == index && w.dump.Exception != nil && w.dump.Exception.Context != nil {
		// The thread's own registers are those of the signal handler or of the code
		// that wrote the dump.
		registers = w.dump.Exception.Context
	}
	if registers == nil || t.dumpThread {
		return
	}
	stack := unwind.Stack{
		Memory: w.stackMemory(from, registers.SP()),
		Order:  w.dump.Memory.Order(),
		OS:     w.dump.System.OS, Code: w, CodeEnd: w.codeEnd, Compat: w.opt.Compat,
	}
	frame := unwind.Start(registers)
	var called unwind.Frame
	var slab registerSlab
	for {
		if w.framesLeft.Add(-1) < 0 || w.opt.MaxFrames > 0 && len(t.Frames) >= w.opt.MaxFrames {
			t.Truncated = true
			return
		}
		f := w.symbolicate(ctx, &frame)
		f.Index, f.registers = len(t.Frames), slab.keep(&frame.Registers)
		if len(t.Frames) == cap(t.Frames) { // an overflowed stack has 30,000
			t.Frames = slices.Grow(t.Frames, max(16, len(t.Frames)))
		}
		t.Frames = append(t.Frames, f)
		before := &called
		if f.Index == 0 {
			before = nil
		}
		caller, ok := stack.Caller(ctx, &frame, before)
		if !ok || ctx.Err() != nil {
			return
		}
		called, frame = frame, caller
	}
}

// stackMemory is the thread's stack, unless its stack pointer is elsewhere: code
// may run on a stack of its own, such as a signal's or a coroutine's.
func (w *walker) stackMemory(t *minidump.Thread, sp uint64) minidump.Region {
	if _, ok := t.Stack.Uint(sp, 8, w.dump.Memory.Order()); ok {
		return t.Stack
	}
	if other, ok := w.dump.Memory.At(sp); ok {
		return other
	}
	return t.Stack
}

// symbolicate names a frame.
func (w *walker) symbolicate(ctx context.Context, u *unwind.Frame) Frame {
	f := Frame{Trust: u.Trust, Offset: u.Instruction, ModuleIndex: -1, MissingSymbols: true}
	index, base, ok := w.ModuleAt(f.Offset)
	if !ok {
		f.UnloadedModules = w.unloadedAt(f.Offset)
		f.Memory, _ = codeAt(w.code, f.Offset)
		return f
	}
	f.ModuleIndex, f.Module, f.ModuleOffset = index, leaf(w.dump.Modules[index].CodeFile), f.Offset-base
	table := w.Symbols(ctx, index)
	if table == nil {
		return f
	}
	s, ok := table.Lookup(f.ModuleOffset)
	if !ok {
		return f
	}
	f.MissingSymbols = false
	f.HasFunction, f.Function, f.FunctionOffset = true, s.Function, f.ModuleOffset-s.Start
	if s.HasLine {
		f.HasLine, f.File, f.Line, f.LineOffset = true, s.File, s.Line, f.ModuleOffset-s.LineStart
	}
	f.Inlines = s.Inlines
	u.Params, u.Root = s.Params, beginsStacks(w.dump.System.OS, s.Function)
	return f
}

func (w *walker) unloadedAt(addr uint64) []UnloadedAt {
	var list []UnloadedAt
	for _, i := range w.dump.UnloadedModulesAt(addr) {
		m := &w.dump.UnloadedModules[i]
		at, ok := slices.BinarySearchFunc(list, m.Name, func(u UnloadedAt, name string) int { return strings.Compare(u.Module, name) })
		if !ok {
			list = slices.Insert(list, at, UnloadedAt{Module: m.Name})
		}
		offsets := list[at].Offsets
		if n, ok := slices.BinarySearch(offsets, addr-m.Base); !ok {
			list[at].Offsets = slices.Insert(offsets, n, addr-m.Base)
		}
	}
	return list
}

// finish adds what is known once all threads are walked.
func (w *walker) finish(evil evilInfo) {
	r := w.report
	if crashed := r.CrashInfo.CrashingThread; crashed != nil && len(r.Threads[*crashed].Frames) > 0 {
		r.CrashingThread = &r.Threads[*crashed]
	}
	for i := range r.Threads {
		if r.Threads[i].Truncated {
			r.Warnings = append(r.Warnings, fmt.Sprintf("thread %d: stopped after %d frames", i, len(r.Threads[i].Frames)))
		}
	}
	// Like the peer, count symbols by the name of the file: a library that is
	// mapped in two pieces has symbols when one piece has.
	type state struct{ asked, loaded, corrupt bool }
	states := map[string]state{}
	for i := range w.modules {
		m, out := &w.modules[i], &r.Modules[i]
		if !m.asked {
			continue
		}
		useless, corrupt := errors.AsType[*symbols.ParseError](m.err)
		if corrupt {
			out.SymbolsErrorLine = useless.Line
		}
		s := states[out.Filename]
		states[out.Filename] = state{true, s.loaded || m.err == nil || corrupt, s.corrupt || corrupt}
		out.Asked, out.Lookup = true, m.look
		if m.err != nil && !errors.Is(m.err, symbols.ErrNotFound) {
			out.SymbolsError = m.err.Error()
		}
		if m.table != nil {
			out.BadLines, out.BadSamples, out.SymbolsID, out.SymbolURL = m.table.Bad, m.table.Samples, m.table.DebugID, m.look.URL
		}
	}
	for i := range r.Modules {
		out := &r.Modules[i]
		s := states[out.Filename]
		out.MissingSymbols, out.LoadedSymbols, out.CorruptSymbols = s.asked && !s.loaded, s.loaded, s.corrupt
		out.CertSubject = evil.certs[out.Filename]
	}
}

// leaf is the last part of a path of any system.
func leaf(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}
