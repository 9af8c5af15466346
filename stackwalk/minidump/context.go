package minidump

import (
	"fmt"
	"unsafe"
)

// Bits of context_flags that name the CPU a context was written for.
const (
	flagX86      = 0x00010000
	flagMIPS     = 0x00040000
	flagMIPS64   = 0x00080000
	flagAMD64    = 0x00100000
	flagARM64    = 0x00400000
	flagPPC64    = 0x01000000
	flagRISCV64  = 0x08000000
	flagSPARC    = 0x10000000
	flagPPC      = 0x20000000
	flagARM      = 0x40000000
	flagARM64Old = 0x80000000
	// flagCPUs are all the bits that ever named a CPU, IA-64, Alpha and Super-H
	// among them. Other bits of the upper 24 are extensions.
	flagCPUs = 0xf15f0000
)

// A layout says where in a CPU's context its registers are.
type layout struct {
	size  int // a shorter context is not one of this CPU
	flags int // offset of context_flags
	cpu   uint32
	also  uint32 // another value of the CPU bits that is right, 0 for none
	word  int    // bytes of a register
	// regs are offsets, in the order of the register numbers.
	regs []int
}

// run is n offsets from start on, word bytes apart.
func run(start, n, word int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = start + i*word
	}
	return out
}

func layoutOf(cpu CPU) (layout, bool) {
	switch cpu {
	case X86: // EIP ESP EBP EBX ESI EDI EAX ECX EDX EFLAGS
		return layout{716, 0, flagX86, 0, 4, []int{184, 196, 180, 164, 160, 156, 176, 172, 168, 192}}, true
	case AMD64: // RAX RDX RCX RBX RSI RDI RBP RSP, then R8 to R15 and RIP
		return layout{1232, 48, flagAMD64, 0, 8, append([]int{120, 136, 128, 144, 168, 176, 160, 152}, run(184, 9, 8)...)}, true
	case ARM: // R0 to R10, R12, FP (R11), SP, LR, PC
		return layout{368, 0, flagARM, 0, 4, append(run(4, 11, 4), 52, 48, 56, 60, 64)}, true
	case ARM64: // X0 to X28, FP, LR, SP, PC follow each other
		return layout{912, 0, flagARM64, 0, 8, run(8, 33, 8)}, true
	case ARM64Old: // the flags have 64 bits here, and the processor state comes last
		return layout{796, 0, flagARM64Old, 0, 8, run(8, 33, 8)}, true
	case MIPS, MIPS64: // GP SP FP RA are registers 28 to 31, PC, S0 to S7 are 16 to 23
		return layout{600, 0, flagMIPS, flagMIPS64, 8, append([]int{8 + 28*8, 8 + 29*8, 8 + 30*8, 8 + 31*8, 312}, run(8+16*8, 8, 8)...)}, true
	case PPC: // SRR0 SRR1 R0..R31 CR XER LR CTR MQ VRSAVE follow each other
		return layout{1004, 0, flagPPC, 0, 4, run(4, 40, 4)}, true
	case PPC64: // as PPC, without MQ
		return layout{1160, 0, flagPPC64, 0, 8, run(8, 39, 8)}, true
	case SPARC: // the 32 registers of the window, CCR PC NPC Y ASI FPRS
		return layout{584, 0, flagSPARC, 0, 8, run(8, 38, 8)}, true
	case RISCV64: // PC and X1 to X31 follow each other
		return layout{524, 0, flagRISCV64, 0, 8, run(8, 32, 8)}, true
	default:
		return layout{}, false
	}
}

// RawContext is the context of a thread as it stands in the file, with what we do
// not read of it; nil when it is not in the file. Index -1 is the exception's.
func (d *Dump) RawContext(thread int) []byte {
	switch {
	case thread == -1:
		return d.crash
	case thread >= 0 && thread < len(d.contexts):
		return d.contexts[thread]
	}
	return nil
}

// context reads registers. It gives nil, and a warning, when there are none, or
// when they are another CPU's than the dump's: taking a 32-bit context of a
// WoW64 process for a 64-bit one would give a stack of nonsense.
func (p *parser) context(loc location, whose string) *Registers {
	if loc.size == 0 {
		return nil
	}
	l, ok := layoutOf(p.d.System.CPU)
	if !ok {
		return nil
	}
	miss := func(reason string, args ...any) *Registers {
		p.warn(&FormatError{Malformed, "context of " + whose, int64(loc.rva), fmt.Sprintf(reason, args...)})
		return nil
	}
	data, ok := p.part(loc)
	switch {
	case !ok:
		return miss("its %d bytes are not in the file", loc.size)
	case len(data) < l.size:
		return miss("%d bytes are too few for %s, which has %d", len(data), p.d.System.CPU, l.size)
	}
	b := &buf{data: data, order: p.order, off: l.flags}
	flags := uint64(b.u32())
	if l.flags == 0 && (p.d.System.CPU == ARM64Old || p.d.System.CPU == PPC64) {
		b.off = 0
		flags = b.u64()
	}
	mask := uint32(flagCPUs)
	if l.cpu == flagRISCV64 {
		mask |= flagRISCV64 // newer than those who check it elsewhere
	}
	if cpu := uint32(flags) & mask; cpu != l.cpu && (cpu != l.also || cpu == 0) {
		return miss("flags %#x are not those of %s", flags, p.d.System.CPU)
	}
	if !p.spend(int(unsafe.Sizeof(Registers{}))) {
		return miss("the dump refers to more registers than its size allows")
	}
	r := &Registers{CPU: p.d.System.CPU}
	for i, off := range l.regs {
		b.off = off
		if l.word == 4 {
			r.Set(i, uint64(b.u32()))
		} else {
			r.Set(i, b.u64())
		}
	}
	return r
}
