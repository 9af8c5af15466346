// Package disasm tells what one machine instruction is and which memory it
// touches. It decodes with golang.org/x/arch and writes the text itself, in the
// style of yaxpeax, which is the one that rust-minidump's reports have:
//
//	mov rax, qword [rdi + 0x10]
//	movdqu xmm4, xmmword [rcx + rax * 8]
//	call $-0x26
//
// Branches are relative to the end of the instruction. Instructions of arm64 are
// written as GNU tools do.
//
// Package analysis is its caller. The package knows no registers' values and no
// memory; it sees the bytes of one instruction, which may be anything: a process
// that jumped into data crashes on an "instruction" as well.
package disasm

import "errors"

// ErrTruncated says that the bytes end before the instruction does, ErrUnknown that
// they are no instruction, or none we know.
var (
	ErrTruncated = errors.New("disasm: the instruction is cut off")
	ErrUnknown   = errors.New("disasm: not an instruction we know")
)

// An Inst is one instruction.
type Inst struct {
	Text     string // as people read it
	Mnemonic string // its name in Text, without prefixes
	Len      int    // bytes
	// Operands are the explicit ones: all of x86, in the order of Text; of arm64 the
	// one in memory and the target of a branch.
	Operands []Operand
	// MemSize is how many bytes an access to memory has, those included that no
	// operand names, such as a call's push: 0 when there are none, UnknownSize when
	// that depends on the processor.
	MemSize int
	// Derivable says that Operands and Stack are all accesses to memory, and how
	// each is made. Of other instructions some may be missing.
	Derivable bool
	Stack     Stack
	Flow      Flow
	// Divides and Privileged say that it can fault for these reasons.
	Divides, Privileged bool
	// Aligned says that an access to an odd address faults, whatever is there.
	Aligned bool

	prefix string
}

// UnknownSize is the Inst.MemSize of instructions such as xsave.
const UnknownSize = -1

// Stack says how an instruction uses the stack besides its operands.
type Stack uint8

// The ways to use the stack.
const (
	StackUnused Stack = iota
	Pushes            // writes below the stack pointer
	Pops              // reads at the stack pointer
)

// Flow says where the next instruction is.
type Flow uint8

// The ways to go on.
const (
	Next   Flow = iota // after this one
	Jumps              // at the first operand
	Return             // at the address on top of the stack
	May                // at the first operand, or after this one
)

// Access is what is done with memory.
type Access uint8

// The accesses.
const (
	UnknownAccess Access = iota
	Read
	Write
	ReadWrite
	NoAccess // an address that is not used as one, such as lea's
)

// String is "Read", "Write", "ReadWrite" or "".
func (a Access) String() string {
	switch a {
	case Read:
		return "Read"
	case Write:
		return "Write"
	case ReadWrite:
		return "ReadWrite"
	default:
		return ""
	}
}

// Kind says what an operand is.
type Kind uint8

// The kinds of operand.
const (
	Register  Kind = iota + 1
	Memory         // at Base + Index * Scale + Disp
	Immediate      // a number
	Relative       // a branch to the end of the instruction + Value
	Far            // a branch to another segment, Value:Disp
)

// An Operand is one operand of an instruction.
type Operand struct {
	Kind Kind

	Reg string // of a Register

	// Base and Index are the registers of an address, "" for none. Base "rip",
	// "eip" and "pc" are where the instruction ends.
	Base, Index string
	Scale       uint8  // of Index; a power of 2
	Extend      Extend // of Index
	Disp        int64  // of an address
	Segment     string // "fs" and the like, whose start is added; "" for none
	Access      Access // what is done with the memory

	Value    int64 // of an Immediate or a Relative
	unsigned bool  // Value is written without a sign

	size   int    // bytes, of Memory
	suffix string // masks, rounding, broadcasts
}

// Extend says which bits of an index count.
type Extend uint8

// The ways to extend an index.
const (
	Whole      Extend = iota // all bits
	ZeroExtend               // the lower 32
	SignExtend               // the lower 32, with their sign
)
