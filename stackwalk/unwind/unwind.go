// Package unwind finds the caller of a stack frame, from registers, stack memory
// and what symbol files say.
//
// Each CPU has three methods, tried in order: the rules of symbol files (STACK
// WIN, STACK CFI), the chain of frame pointers, and a scan of the stack for
// something that looks like a return address. Which of them found a frame is its
// [Trust]. The package does no I/O and does not know names; package stackwalk
// walks whole threads with it.
package unwind

import (
	"context"
	"encoding/binary"
	"math"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// Trust says how a frame was found, best first.
type Trust string

// The ways to find a frame.
const (
	Context      Trust = "context"       // registers of the dump itself
	CFI          Trust = "cfi"           // rules of a symbol file
	FramePointer Trust = "frame_pointer" // the callee's frame pointer
	Scan         Trust = "scan"          // a word on the stack that could be a return address
)

// Description says the same in a few words, as the peers' reports do.
func (t Trust) Description() string {
	switch t {
	case Context:
		return "given as instruction pointer in context"
	case CFI:
		return "call frame info"
	case FramePointer:
		return "previous frame's frame pointer"
	case Scan:
		return "stack scanning"
	}
	return "unknown"
}

// A Frame is one function call on a stack.
type Frame struct {
	Registers minidump.Registers
	Trust     Trust
	// Instruction is the address to look up: of the instruction that was running,
	// or in a caller of a byte of its call instruction. A call that never returns
	// may be the last instruction of its function, so that the return address lies
	// in the next one.
	Instruction uint64
	// Params is how many bytes of parameters the frame's function pops. Whoever
	// looks up the frame's symbol sets it; 0 when unknown.
	Params uint32
	// Root says that the frame's function is where stacks begin, such as _start.
	// Whoever looks up the frame's symbol sets it.
	Root bool
}

// Start is the frame of a thread that stopped with these registers.
func Start(r *minidump.Registers) Frame {
	return Frame{Registers: *r, Trust: Context, Instruction: r.IP()}
}

// Code is what an unwinder asks about the process's code.
type Code interface {
	// ModuleAt is the module with addr, and its first address.
	ModuleAt(addr uint64) (index int, base uint64, ok bool)
	// Symbols are the symbols of a module, nil when there are none. It may take
	// long the first time.
	Symbols(ctx context.Context, index int) *symbols.Table
	// MadeAt says whether the process could run what is at addr although no module
	// is there: code made at run time, say.
	MadeAt(addr uint64) bool
}

// A Stack unwinds one thread. It is not safe for concurrent use.
type Stack struct {
	Memory minidump.Region
	Order  binary.ByteOrder
	OS     minidump.OS
	Code   Code
	// CodeEnd is the end of the highest module, which says how many bits of an
	// arm64 pointer are address and how many signature.
	CodeEnd uint64
	// Compat keeps the mistakes of rust-minidump, which package stackwalk lists.
	Compat bool

	arch *arch // of the last frame
	// The rest is kept between frames so that they cost no allocation.
	rules  rulesFrame
	caller Frame
}

// An arch is what differs between CPUs.
type arch struct {
	cpu   minidump.CPU
	word  int    // bytes of an address
	saved uint64 // registers a function gives back as it found them, one bit each
	back  uint64 // bytes from a return address back into the call instruction

	// framePointer and scan are the methods after CFI. A nil one is left out.
	framePointer func(*Stack, *Frame) (minidump.Registers, bool)
	scan         func(context.Context, *Stack, *Frame) (minidump.Registers, bool)
	// clean takes what is no address out of the registers that CFI found.
	clean func(*Stack, *minidump.Registers)
	// onward says whether a caller's frame lies further up the stack than its
	// callee's, without which a walk might never end.
	onward func(callee, caller *Frame) bool
	// guessedLink says that the link register of a frame found by frame pointer is
	// a guess, see [rulesFrame.Register].
	guessedLink bool
}

// Caller is the frame that called callee, false when there is none. called is the
// frame that callee called, nil when callee is the first. A context that ends
// makes the search for symbols fail, not the walk: check it between frames.
func (s *Stack) Caller(ctx context.Context, callee, called *Frame) (Frame, bool) {
	if s.arch == nil || s.arch.cpu != callee.Registers.CPU {
		s.arch = archOf(callee.Registers.CPU)
	}
	a := s.arch
	if a == nil || len(s.Memory.Data) == 0 {
		return Frame{}, false
	}
	var ok bool
	caller := &s.caller
	*caller = Frame{Trust: CFI}
	s.rules.first = false
	caller.Registers, ok = s.byRules(ctx, a, callee, called)
	if !ok && !s.Compat && (s.rules.first || callee.Root) {
		// Nothing called this frame. Above it on the stack are the arguments of the
		// program and its environment, where a scan finds something that looks like
		// a return address more often than not.
		return Frame{}, false
	}
	if !ok && a.framePointer != nil {
		caller.Trust = FramePointer
		caller.Registers, ok = a.framePointer(s, callee)
	}
	if !ok {
		caller.Trust = Scan
		caller.Registers, ok = a.scan(ctx, s, callee)
	}
	if !ok {
		return Frame{}, false
	}
	// An instruction in the first page is a null pointer: the end of the stack.
	ip := caller.Registers.IP()
	if ip < 4096 || !a.onward(callee, caller) {
		return Frame{}, false
	}
	caller.Instruction = ip - a.back
	return *caller, true
}

// archOf is nil for a CPU whose stacks nobody can unwind.
func archOf(cpu minidump.CPU) *arch {
	switch cpu {
	case minidump.AMD64:
		return amd64()
	case minidump.X86:
		return x86()
	case minidump.ARM:
		return arm()
	case minidump.ARM64, minidump.ARM64Old:
		return arm64(cpu)
	case minidump.MIPS, minidump.MIPS64:
		return mips(cpu)
	case minidump.RISCV64:
		return riscv64()
	}
	return nil
}

func (s *Stack) read(addr uint64, size int) (uint64, bool) {
	return s.Memory.Uint(addr, size, s.Order)
}

// byRules asks the symbols of the callee's module. What they find is taken as it
// is: a caller without a module is fine, it may be code made at run time.
func (s *Stack) byRules(ctx context.Context, a *arch, callee, called *Frame) (minidump.Registers, bool) {
	if _, ok := callee.Registers.Get(a.cpu.StackPointer()); !ok {
		return minidump.Registers{}, false
	}
	index, base, ok := s.Code.ModuleAt(callee.Instruction)
	if !ok {
		return minidump.Registers{}, false
	}
	table := s.Code.Symbols(ctx, index)
	if table == nil {
		return minidump.Registers{}, false
	}
	s.rules = rulesFrame{stack: s, arch: a, callee: callee, called: called, caller: callee.Registers, at: callee.Instruction - base}
	s.rules.caller.Valid &= a.saved
	if !table.Unwind(callee.Instruction-base, &s.rules) {
		return minidump.Registers{}, false
	}
	if a.clean != nil {
		a.clean(s, &s.rules.caller)
	}
	return s.rules.caller, true
}

// A rulesFrame is a frame as package symbols sees it.
type rulesFrame struct {
	stack     *Stack
	arch      *arch
	callee    *Frame
	called    *Frame
	caller    minidump.Registers
	at        uint64 // the callee's instruction, relative to its module
	haveStart bool
	start     uint64 // where the rules in use begin, relative to the module
	first     bool   // the rules say that nothing called the callee
}

var _ symbols.Frame = (*rulesFrame)(nil)

func (f *rulesFrame) Register(name string) (uint64, bool) {
	n, ok := f.arch.cpu.RegisterNumber(name)
	if !ok {
		return 0, false
	}
	// The link register of a frame found by frame pointer was read from the frame
	// record above, which is right only while the function has not saved it: at
	// the first instruction that the rules cover. Later the rules that use it
	// would give the caller's caller (rust-minidump 1138).
	if f.arch.guessedLink && n == minidump.LR && f.callee.Trust == FramePointer && !(f.haveStart && f.start == f.at) {
		return 0, false
	}
	return f.callee.Registers.Get(n)
}

func (f *rulesFrame) Word(addr uint64) (uint64, bool) { return f.stack.read(addr, f.arch.word) }

func (f *rulesFrame) CalleeParams() (uint32, bool) {
	if f.called == nil {
		return 0, false
	}
	return f.called.Params, true
}

func (f *rulesFrame) SetCaller(name string, v uint64) bool {
	n, ok := f.arch.cpu.RegisterNumber(name)
	return ok && f.set(n, v)
}

func (f *rulesFrame) ClearCaller(name string) {
	if n, ok := f.arch.cpu.RegisterNumber(name); ok {
		f.caller.Forget(n)
	}
}

func (f *rulesFrame) SetCFA(v uint64) bool    { return f.set(f.arch.cpu.StackPointer(), v) }
func (f *rulesFrame) SetReturn(v uint64) bool { return f.set(f.arch.cpu.InstructionPointer(), v) }
func (f *rulesFrame) InRules(start uint64)    { f.haveStart, f.start = true, start }
func (f *rulesFrame) NoCaller()               { f.first = true }

// InProgram forgets what the callee had in the registers that functions save:
// where a STACK WIN record does not say what they were in the caller, nobody
// knows. rust-minidump means to forget them too, but asks for names with a $,
// which there are none of, and so gives callers the esi and edi of their callees.
func (f *rulesFrame) InProgram() {
	if !f.stack.Compat {
		f.caller.Valid &^= f.arch.saved
	}
}

// set refuses what does not fit the CPU's registers: a rule that computes it is
// wrong.
func (f *rulesFrame) set(register int, v uint64) bool {
	if f.arch.word == 4 && v > math.MaxUint32 {
		return false
	}
	f.caller.Set(register, v)
	return true
}

// Stacks are scanned this many words far. The first frame of a crash may be a
// mess, and code made at run time has no frames that could be seen, so a scan
// from a frame we trust goes further.
const (
	scanWords     = 40
	scanWordsFrom = 160 // from a frame by context or CFI
)

func scanReach(t Trust) uint64 {
	if t == Context || t == CFI {
		return scanWordsFrom
	}
	return scanWords
}

// looksLikeReturn says whether a word can be a return address: the byte before it
// is in a module, and in a function if the module has symbols. A call of a
// function that never returns may end its caller, hence the byte before.
func (s *Stack) looksLikeReturn(ctx context.Context, addr uint64) bool {
	if addr <= 1 {
		return false
	}
	index, base, ok := s.Code.ModuleAt(addr - 1)
	if !ok {
		// Frames of code made at run time have no module, but callers and callees.
		return !s.Compat && s.Code.MadeAt(addr-1)
	}
	table := s.Code.Symbols(ctx, index)
	return table == nil || table.Named(addr-1-base)
}

// registers makes a set of known registers from pairs of number and value.
func registers(cpu minidump.CPU, pairs ...[2]uint64) minidump.Registers {
	r := minidump.Registers{CPU: cpu}
	for _, p := range pairs {
		r.Set(int(p[0]), p[1])
	}
	return r
}

// spGrows is the rule of CPUs whose calls push a return address.
func spGrows(callee, caller *Frame) bool {
	return caller.Registers.SP() > callee.Registers.SP()
}

// spGrowsAfterLeaf allows a caller at its callee's stack pointer when the callee
// was interrupted before it used any stack.
func spGrowsAfterLeaf(callee, caller *Frame) bool {
	sp, last := caller.Registers.SP(), callee.Registers.SP()
	return sp > last || sp == last && callee.Trust == Context
}

func bit(registers ...int) (mask uint64) {
	for _, r := range registers {
		mask |= 1 << r
	}
	return mask
}
