// Package analysis asks the crashing instruction what it was about: which memory
// it accessed, whether a pointer was null or not an address at all, whether one
// flipped bit would explain the crash, and whether the reason that the system gave
// can be true. Package stackwalk puts the answers into its report.
//
// All of it is guesswork from what the dump holds: the registers, a few bytes at
// the instruction pointer, a list of what was mapped. What cannot be known is left
// empty, never guessed.
package analysis

import (
	"slices"

	"socorro/stackwalk/disasm"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/reason"
)

// A Result is what the crashing instruction tells.
type Result struct {
	Instruction string // "" when unknown
	// Accesses are in the order of the operands, those to the stack behind. nil when
	// unknown, empty when there are none.
	Accesses []Access
	Target   Target
	Adjusted Adjusted
	// BitFlips are addresses that one flipped bit would have turned into the one
	// that crashed, those of the access first, then those of registers.
	BitFlips        []BitFlip
	Inconsistencies []Inconsistency
}

// An Access is an access to memory.
type Access struct {
	Address uint64
	// Size is in bytes; 0 when it depends on the processor.
	Size int
	// Type is Read, Write, ReadWrite or UnknownAccess.
	Type disasm.Access
	// GuardPage says that the address is likely in a page that was put there to be
	// crashed into, such as the one below a stack.
	GuardPage bool

	null bool // the base register was 0
}

// A Target is where the instruction goes on.
type Target struct {
	Known bool // else it is not known whether it goes on elsewhere
	// Elsewhere says that it does so at Address, and not at the next instruction.
	Elsewhere bool
	Address   uint64
	GuardPage bool // Address is likely in a guard page

	null bool
}

// Adjusted is a better address than the one the system gave.
type Adjusted struct {
	Kind AdjustedKind
	// Value is the offset from the null pointer, or the address that is none.
	Value uint64
}

// AdjustedKind is why an address was adjusted.
type AdjustedKind uint8

// The kinds of adjusted address.
const (
	NotAdjusted AdjustedKind = iota
	// NullPointer is an offset from a pointer that was null.
	NullPointer
	// NonCanonical is an address that no amd64 processor takes, which the system
	// reports as 0 or -1 because the processor does not tell.
	NonCanonical
)

// String is the name in reports: "null-pointer", "non-canonical", "" for none.
func (k AdjustedKind) String() string {
	switch k {
	case NullPointer:
		return "null-pointer"
	case NonCanonical:
		return "non-canonical"
	default:
		return ""
	}
}

// Of analyses the crash of a dump. It is the zero Result when there is none.
//
// compat gives what rust-minidump 0.27 gives: instructions of amd64 only, addresses
// relative to the instruction pointer too low by the length of the instruction,
// segments taken for flat. Without it x86 and arm64 are analysed as well.
func Of(d *minidump.Dump, compat bool) Result {
	if d.Exception == nil {
		return Result{}
	}
	c := &crash{
		dump: d, compat: compat, registers: d.Exception.Context,
		address: reason.Address(d), cause: causeOf(reason.Of(d)),
		mapped: newMapped(d),
	}
	if c.decode() {
		c.result.Instruction = c.inst.Text
		c.accesses()
		c.target()
		c.adjust()
	}
	c.flips()
	c.guardPages()
	c.inconsistencies()
	return c.result
}

// A crash is what is analysed.
type crash struct {
	dump      *minidump.Dump
	compat    bool
	registers *minidump.Registers // nil when unknown
	address   uint64              // that the system gave
	cause     cause
	mapped    mapped
	decoded   bool
	inst      disasm.Inst // valid when decoded
	result    Result
}

// decode reads the instruction at the instruction pointer.
func (c *crash) decode() bool {
	if c.registers == nil {
		return false
	}
	ip := c.registers.IP()
	memory, ok := c.dump.Memory.At(ip)
	if !ok {
		return false
	}
	code := memory.Data[ip-memory.Base:]
	var err error
	switch cpu := c.registers.CPU; {
	case cpu == minidump.AMD64:
		c.inst, err = disasm.AMD64(code, c.compat)
	case c.compat:
		return false
	case cpu == minidump.X86:
		c.inst, err = disasm.X86(code)
	case cpu == minidump.ARM64 || cpu == minidump.ARM64Old:
		c.inst, err = disasm.ARM64(code)
	default:
		return false
	}
	c.decoded = err == nil
	return c.decoded
}

// adjust finds the address that the crash is really about.
func (c *crash) adjust() {
	if c.result.Accesses == nil {
		return
	}
	for _, a := range c.result.Accesses {
		if a.null {
			c.result.Adjusted = Adjusted{NullPointer, a.Address}
			return
		}
	}
	if t := c.result.Target; t.Elsewhere && t.null {
		c.result.Adjusted = Adjusted{NullPointer, t.Address}
		return
	}
	if c.dump.System.CPU != minidump.AMD64 || !c.protectionFault() {
		return
	}
	for _, addr := range c.touched() {
		if nonCanonical(addr) {
			c.result.Adjusted = Adjusted{NonCanonical, addr}
			return
		}
	}
}

// touched are the addresses of all accesses and of the target.
func (c *crash) touched() []uint64 {
	var list []uint64
	for _, a := range c.result.Accesses {
		list = append(list, a.Address)
	}
	if c.result.Target.Elsewhere {
		list = append(list, c.result.Target.Address)
	}
	return list
}

// nonCanonical says whether the upper 17 bits of an address are not all the same,
// which processors of today refuse.
func nonCanonical(addr uint64) bool {
	return addr >= 0x0000_8000_0000_0000 && addr <= 0xffff_7fff_ffff_ffff
}

// protectionFault says whether the crash looks like a general protection fault.
// Processors do not tell its address, so that systems make one up.
func (c *crash) protectionFault() bool {
	switch c.dump.System.OS {
	case minidump.Windows:
		return c.cause == readViolation && c.address == 1<<64-1
	case minidump.MacOS:
		return c.cause == protection && c.address == 0
	case minidump.Linux:
		return c.cause == kernelSignal && c.address == 0
	case minidump.Android:
		// rust-minidump leaves Android out, which is a Linux in this.
		return !c.compat && c.cause == kernelSignal && c.address == 0
	}
	return false
}

// A cause is the crash reason as far as it matters here.
type cause uint8

const (
	otherCause cause = iota
	readViolation
	writeViolation
	executeViolation
	stackOverflow
	divideByZero
	privileged
	protection   // macOS says so
	kernelSignal // Linux says that the kernel has no better reason
)

func causeOf(text string) cause {
	switch text {
	case "EXCEPTION_ACCESS_VIOLATION_READ":
		return readViolation
	case "EXCEPTION_ACCESS_VIOLATION_WRITE":
		return writeViolation
	case "EXCEPTION_ACCESS_VIOLATION_EXEC":
		return executeViolation
	case "EXCEPTION_STACK_OVERFLOW":
		return stackOverflow
	case "EXCEPTION_INT_DIVIDE_BY_ZERO", "SIGFPE / FPE_INTDIV", "EXC_ARITHMETIC / EXC_I386_DIV", "EXC_ARITHMETIC / EXC_PPC_ZERO_DIVIDE":
		return divideByZero
	case "EXCEPTION_PRIV_INSTRUCTION", "STATUS_PRIVILEGED_INSTRUCTION":
		return privileged
	case "EXC_BAD_ACCESS / EXC_I386_GPFLT":
		return protection
	case "SIGSEGV / SI_KERNEL", "SIGBUS / SI_KERNEL":
		return kernelSignal
	}
	return otherCause
}

// thread is the thread that crashed, nil when the dump does not have it.
func (c *crash) thread() *minidump.Thread {
	for i := range slices.Backward(c.dump.Threads) {
		if t := &c.dump.Threads[i]; t.ID == c.dump.Exception.ThreadID {
			return t
		}
	}
	return nil
}
