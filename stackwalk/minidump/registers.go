package minidump

import (
	"strconv"
	"strings"
)

// Registers are the general registers of one frame. They are a small value, so
// that an unwinder can copy them without allocating.
type Registers struct {
	CPU   CPU
	Value [40]uint64
	Valid uint64 // bit i says that Value[i] is known
}

// Registers of amd64.
const (
	RAX = iota
	RDX
	RCX
	RBX
	RSI
	RDI
	RBP
	RSP
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
	RIP
)

// Registers of x86.
const (
	EIP = iota
	ESP
	EBP
	EBX
	ESI
	EDI
	EAX
	ECX
	EDX
	EFLAGS
)

// Registers of arm64, both layouts. X0 to X28 are 0 to 28.
const (
	X0  = 0
	X19 = 19
	X28 = 28
	FP  = 29
	LR  = 30
	SP  = 31
	PC  = 32
)

// Registers of arm. R0 to R10 are 0 to 10, and r12 comes before r11, which is fp.
const (
	ARMR0  = 0
	ARMR4  = 4
	ARMR7  = 7
	ARMR10 = 10
	ARMR12 = 11
	ARMFP  = 12
	ARMSP  = 13
	ARMLR  = 14
	ARMPC  = 15
)

// Registers of mips and mips64. S0 to S7 are 5 to 12.
const (
	MIPSGP = iota
	MIPSSP
	MIPSFP
	MIPSRA
	MIPSPC
	MIPSS0
	MIPSS7 = MIPSS0 + 7
)

// Registers of ppc, ppc64 and sparc that have a role.
const (
	PPCSRR0 = 0 // instruction pointer
	PPCR1   = 3 // stack pointer
	SPARCO6 = 14
	SPARCPC = 33
)

// Registers of riscv64. Number n is xn, and 0, which is always zero, is pc.
const (
	RISCVPC  = 0
	RISCVRA  = 1
	RISCVSP  = 2
	RISCVS0  = 8 // the frame pointer
	RISCVS1  = 9
	RISCVS2  = 18
	RISCVS11 = 27
)

// A registerFile names a CPU's registers, in the order of their numbers.
type registerFile struct {
	names  []string
	ip, sp int
}

func (c CPU) file() registerFile {
	switch c {
	case X86:
		return registerFile{x86Names[:], EIP, ESP}
	case AMD64:
		return registerFile{amd64Names[:], RIP, RSP}
	case ARM:
		return registerFile{armNames[:], ARMPC, ARMSP}
	case ARM64, ARM64Old:
		return registerFile{arm64Names[:], PC, SP}
	case MIPS, MIPS64:
		return registerFile{mipsNames[:], MIPSPC, MIPSSP}
	case PPC:
		return registerFile{ppcNames[:], PPCSRR0, PPCR1}
	case PPC64:
		return registerFile{ppc64Names[:], PPCSRR0, PPCR1}
	case SPARC:
		return registerFile{sparcNames[:], SPARCPC, SPARCO6}
	case RISCV64:
		return registerFile{riscvNames[:], RISCVPC, RISCVSP}
	default:
		return registerFile{nil, -1, -1}
	}
}

var (
	x86Names   = [...]string{"eip", "esp", "ebp", "ebx", "esi", "edi", "eax", "ecx", "edx", "eflags"}
	amd64Names = [...]string{
		"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip",
	}
	armNames = [...]string{
		"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r12", "fp", "sp", "lr", "pc",
	}
	arm64Names = [...]string{
		"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
		"x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp", "lr", "sp", "pc",
	}
	mipsNames = [...]string{"gp", "sp", "fp", "ra", "pc", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"}
	ppcNames  = [...]string{
		"srr0", "srr1", "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13",
		"r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28",
		"r29", "r30", "r31", "cr", "xer", "lr", "ctr", "mq", "vrsave",
	}
	ppc64Names = [...]string{
		"srr0", "srr1", "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13",
		"r14", "r15", "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28",
		"r29", "r30", "r31", "cr", "xer", "lr", "ctr", "vrsave",
	}
	sparcNames = [...]string{
		"g_r0", "g_r1", "g_r2", "g_r3", "g_r4", "g_r5", "g_r6", "g_r7", "g_r8", "g_r9", "g_r10", "g_r11", "g_r12",
		"g_r13", "g_r14", "g_r15", "g_r16", "g_r17", "g_r18", "g_r19", "g_r20", "g_r21", "g_r22", "g_r23", "g_r24",
		"g_r25", "g_r26", "g_r27", "g_r28", "g_r29", "g_r30", "g_r31", "ccr", "pc", "npc", "y", "asi", "fprs",
	}
	riscvNames = [...]string{
		"pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7",
		"s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	}
)

// RegisterCount is how many registers of this CPU we know, numbered from 0.
func (c CPU) RegisterCount() int { return len(c.file().names) }

// RegisterName is the name of register i, or "" when there is none.
func (c CPU) RegisterName(i int) string {
	names := c.file().names
	if i < 0 || i >= len(names) {
		return ""
	}
	return names[i]
}

// RegisterNumber is the number of the register that symbol files call name. A
// leading $ is ignored, and aliases such as x29 or r13 are known.
func (c CPU) RegisterNumber(name string) (int, bool) {
	name = strings.TrimPrefix(name, "$")
	for i, n := range c.file().names {
		if n == name {
			return i, true
		}
	}
	switch {
	case (c == ARM64 || c == ARM64Old) && name == "x29":
		return FP, true
	case (c == ARM64 || c == ARM64Old) && name == "x30":
		return LR, true
	case c == ARM && name == "r11":
		return ARMFP, true
	case c == ARM && name == "r13":
		return ARMSP, true
	case c == ARM && name == "r14":
		return ARMLR, true
	case c == ARM && name == "r15":
		return ARMPC, true
	case c == RISCV64 && name == "fp":
		return RISCVS0, true
	case c == RISCV64 && strings.HasPrefix(name, "x"):
		n, err := strconv.Atoi(name[1:])
		return n, err == nil && n > 0 && n < len(riscvNames) && name == "x"+strconv.Itoa(n)
	}
	return 0, false
}

// InstructionPointer is the number of the register that holds the address of
// the next instruction, or -1 when the CPU is unknown.
func (c CPU) InstructionPointer() int { return c.file().ip }

// StackPointer is the number of the register that holds the top of the stack,
// or -1 when the CPU is unknown.
func (c CPU) StackPointer() int { return c.file().sp }

// Get is the value of a register, and whether it is known.
func (r *Registers) Get(reg int) (uint64, bool) {
	if reg < 0 || reg >= len(r.Value) || r.Valid&(1<<reg) == 0 {
		return 0, false
	}
	return r.Value[reg], true
}

// Set gives a register a value and makes it known. A number that is no register is ignored.
func (r *Registers) Set(reg int, v uint64) {
	if reg < 0 || reg >= len(r.Value) {
		return
	}
	r.Value[reg] = v
	r.Valid |= 1 << reg
}

// Forget makes a register unknown.
func (r *Registers) Forget(reg int) {
	if reg >= 0 && reg < len(r.Value) {
		r.Value[reg] = 0
		r.Valid &^= 1 << reg
	}
}

// IP is the instruction pointer, or 0 when it is unknown.
func (r *Registers) IP() uint64 {
	v, _ := r.Get(r.CPU.InstructionPointer())
	return v
}

// SP is the stack pointer, or 0 when it is unknown.
func (r *Registers) SP() uint64 {
	v, _ := r.Get(r.CPU.StackPointer())
	return v
}
