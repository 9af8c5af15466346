package synth

import "socorro/stackwalk/minidump"

// context is the bytes of a CPU's CONTEXT. It is written field by field, and not
// from the offsets that the reader uses, so that a wrong offset cannot hide.
func context(f *file, r *minidump.Registers) []byte {
	if r == nil {
		return nil
	}
	v := r.Value
	var b []byte
	size := 0
	switch r.CPU {
	case minidump.X86:
		b, size = x86(f, v[:]), 716
	case minidump.AMD64:
		b, size = amd64(f, v[:]), 1232
	case minidump.ARM:
		b = f.u32(nil, 0x40000006)
		b = words(f, b, v[0:11], v[minidump.ARMFP:minidump.ARMFP+1], v[minidump.ARMR12:minidump.ARMR12+1])
		b = words(f, b, v[minidump.ARMSP:minidump.ARMPC+1])
		size = 4 + 16*4 + 4 + 8 + 32*8 + 8*4
	case minidump.ARM64:
		b = f.u64(f.u32(nil, 0x00400007, 0), v[:33]...) // flags and processor state
		size = 8 + 33*8 + 32*16 + 8 + 8*4 + 8*8 + 2*4 + 2*8
	case minidump.ARM64Old:
		b = f.u64(f.u64(nil, 0x80000006), v[:33]...)
		size = 8 + 33*8 + 3*4 + 32*16
	case minidump.MIPS, minidump.MIPS64:
		b, size = mips(f, r), 600
	case minidump.PPC:
		b = words(f, f.u32(nil, 0x20000001), v[:40])
		size = 4 + 40*4 + (32*8 + 8) + (32*16 + 16 + 16 + 4 + 28)
	case minidump.PPC64:
		b = f.u64(f.u64(nil, 0x01000001), v[:39]...)
		size = 8 + 39*8 + (32*8 + 8) + (32*16 + 16 + 16 + 4 + 28)
	case minidump.RISCV64:
		b = f.u64(f.u32(nil, 0x08000003, 1), v[:32]...) // flags and version
		size = 8 + 32*8 + 32*8 + 4
	case minidump.SPARC:
		b = f.u64(f.u32(nil, 0x10000001, 0), v[:38]...)
		size = 8 + 38*8 + 32*8 + 16
	}
	return append(b, make([]byte, size-len(b))...)
}

func words(f *file, b []byte, lists ...[]uint64) []byte {
	for _, l := range lists {
		for _, v := range l {
			b = f.u32(b, uint32(v))
		}
	}
	return b
}

func x86(f *file, v []uint64) []byte {
	b := f.u32(nil, 0x0001003f)
	b = append(b, make([]byte, 6*4+112+4*4)...) // debug registers, x87 state, data segments
	pick := func(regs ...int) {
		for _, r := range regs {
			b = f.u32(b, uint32(v[r]))
		}
	}
	pick(minidump.EDI, minidump.ESI, minidump.EBX, minidump.EDX, minidump.ECX, minidump.EAX, minidump.EBP, minidump.EIP)
	b = f.u32(b, 0) // cs
	pick(minidump.EFLAGS, minidump.ESP)
	return b
}

func amd64(f *file, v []uint64) []byte {
	b := make([]byte, 6*8) // homes of parameters
	b = f.u32(b, 0x0010000b, 0)
	b = append(b, make([]byte, 6*2+4+6*8)...) // segments, flags, debug registers
	for _, r := range []int{
		minidump.RAX, minidump.RCX, minidump.RDX, minidump.RBX, minidump.RSP, minidump.RBP, minidump.RSI, minidump.RDI,
		minidump.R8, minidump.R9, minidump.R10, minidump.R11, minidump.R12, minidump.R13, minidump.R14, minidump.R15,
		minidump.RIP,
	} {
		b = f.u64(b, v[r])
	}
	return b
}

func mips(f *file, r *minidump.Registers) []byte {
	v, flags := r.Value, uint32(0x00040003)
	if r.CPU == minidump.MIPS64 {
		flags = 0x00080003
	}
	var regs [32]uint64
	copy(regs[16:24], v[minidump.MIPSS0:minidump.MIPSS7+1])
	regs[28], regs[29] = v[minidump.MIPSGP], v[minidump.MIPSSP]
	regs[30], regs[31] = v[minidump.MIPSFP], v[minidump.MIPSRA]
	b := f.u64(f.u32(nil, flags, 0), regs[:]...)
	b = append(b, make([]byte, 2*8+6*4+8)...) // results of multiplications, DSP control
	return f.u64(b, v[minidump.MIPSPC])
}
