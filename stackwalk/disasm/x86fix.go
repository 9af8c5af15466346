package disasm

import (
	"strconv"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// findVEX notes where the VEX or EVEX prefix is. x86asm has its bytes among the
// prefixes, where they look like any others.
func (c *x86Converter) findVEX() {
	for i, p := range c.Prefix {
		switch {
		case p == 0:
			return
		case p.IsEVEX():
			c.vexAt, c.vexLen = i, 4
		case p&0xff == x86asm.PrefixVEX3Bytes:
			c.vexAt, c.vexLen = i, 3
		case p&0xff == x86asm.PrefixVEX2Bytes:
			c.vexAt, c.vexLen = i, 2
		default:
			continue
		}
		return
	}
}

// vex says whether the instruction has a VEX or EVEX prefix.
func (c *x86Converter) vex() bool { return c.vexLen > 0 }

func (c *x86Converter) evex() bool { return c.vexLen == 4 }

// zeroes says whether it is the VEX instruction without operands.
func (c *x86Converter) zeroes() bool { return c.Op == x86asm.VZEROUPPER || c.Op == x86asm.VZEROALL }

// noModRM says whether a VEX instruction ends before its operands.
func (c *x86Converter) noModRM() bool {
	return c.vex() && !c.zeroes() && c.vexAt+c.vexLen+1 >= len(c.code)
}

// modrm is the byte that says where the operands of a VEX instruction are.
func (c *x86Converter) modrm() byte {
	if i := c.vexAt + c.vexLen + 1; c.vex() && i < len(c.code) {
		return c.code[i]
	}
	return 0xff
}

// vexMemory corrects an address of a VEX instruction: x86asm forgets the ones that
// are relative to the instruction, and what legacy prefixes say.
func (c *x86Converter) vexMemory(m *Operand) {
	if c.bits == 64 && m.Base == "" && m.Index == "" && c.modrm()&0xc7 == 5 {
		m.Base = "rip"
	}
	for _, b := range c.instead.legacy {
		switch {
		case b == 0x64:
			m.Segment = "fs"
		case b == 0x65:
			m.Segment = "gs"
		case b == 0x67 && c.bits == 64:
			m.Base, m.Index = narrow(m.Base), narrow(m.Index)
		}
	}
}

// narrow is the lower half of a register of 64 bits.
func narrow(reg string) string {
	switch {
	case reg == "" || strings.HasSuffix(reg, "d") || reg[0] != 'r':
		return reg // r8d is narrow already, vectors are no addresses' halves
	case reg[1] >= '0' && reg[1] <= '9':
		return reg + "d"
	}
	return "e" + reg[1:]
}

// memSize is the bytes of an access.
func (c *x86Converter) memSize() int {
	if c.instead.size != 0 {
		return c.instead.size
	}
	word := c.bits / 8
	switch c.Op {
	case x86asm.CALL, x86asm.RET, x86asm.PUSH, x86asm.POP:
		if c.MemBytes != 0 {
			return c.MemBytes
		}
		return word
	case x86asm.LRET:
		return word + 2
	case x86asm.LCALL, x86asm.LJMP, x86asm.SGDT, x86asm.SIDT, x86asm.LGDT, x86asm.LIDT:
		return word + 2
	case x86asm.LSS, x86asm.LFS, x86asm.LGS:
		if c.MemBytes == 0 {
			return word + 2
		}
	case x86asm.LEA:
		if r, ok := c.Args[0].(x86asm.Reg); ok {
			return regSize(r)
		}
	}
	if n, ok := x86Sizes[c.Op]; ok {
		return n
	}
	if c.MemBytes == 10 || c.MemBytes == 0 {
		for _, a := range c.Args {
			if _, ok := a.(x86asm.Mem); ok {
				return c.memSizeOfX87()
			}
		}
	}
	return c.MemBytes
}

func (c *x86Converter) memSizeOfX87() int {
	switch c.Op {
	case x86asm.FLD, x86asm.FSTP, x86asm.FBLD, x86asm.FBSTP:
		return 10
	}
	return c.MemBytes
}

// order puts operands where people expect them.
func (c *x86Converter) order() {
	ops := c.out.Operands
	swap := false
	switch c.Op {
	case x86asm.MOV:
		c.narrowSegmentMove()
	case x86asm.XCHG:
		swap = len(c.code) <= 3 && ops[0].Kind == Register && ops[1].Kind == Register && c.code[len(c.code)-1]&0xf8 == 0x90
	case x86asm.SCASB, x86asm.SCASW, x86asm.SCASD, x86asm.SCASQ:
		swap = true
	case x86asm.LCALL, x86asm.LJMP:
		if len(ops) == 2 {
			c.out.Operands = []Operand{{Kind: Far, Value: ops[0].Value & 0xffff, Disp: ops[1].Value & 0xffffffff}}
		}
	case x86asm.XLATB:
		c.out.Operands = nil
	case x86asm.ICEBP:
		c.out.Operands = []Operand{{Kind: Immediate, Value: 1}}
	}
	if swap {
		ops[0], ops[1] = ops[1], ops[0]
	}
}

// narrowSegmentMove makes the register that a segment register is loaded from as
// wide as that.
func (c *x86Converter) narrowSegmentMove() {
	to, _ := c.Args[0].(x86asm.Reg)
	from, _ := c.Args[1].(x86asm.Reg)
	if to < x86asm.ES || to > x86asm.GS {
		return
	}
	switch {
	case x86asm.EAX <= from && from <= x86asm.R15L:
		from -= x86asm.EAX - x86asm.AX
	case x86asm.RAX <= from && from <= x86asm.R15:
		from -= x86asm.RAX - x86asm.AX
	default:
		return
	}
	c.out.Operands[1].Reg = regName(from)
}

// decorate adds what stands behind operands: zeroing, rounding, broadcasts.
func (c *x86Converter) decorate() {
	if first, ok := x87[c.Op]; ok {
		c.x87(first)
	}
	if !c.evex() || len(c.out.Operands) == 0 {
		return
	}
	first := &c.out.Operands[0]
	if c.Zeroing {
		first.suffix += "{z}"
	}
	switch {
	case c.SAE && rounds(c.out.Mnemonic):
		first.suffix += [...]string{"{rn-sae}", "{rd-sae}", "{ru-sae}", "{rz-sae}"}[c.Rounding&3]
	case c.SAE:
		first.suffix += "{sae}"
	}
	for i := range c.out.Operands {
		if o := &c.out.Operands[i]; c.Broadcast && o.Kind == Memory && o.size > 0 {
			o.suffix += "{1to" + strconv.Itoa(c.vectorSize()/max(o.size, widened(c.out.Mnemonic))) + "}"
		}
	}
}

// rounds says whether an instruction takes a rounding mode, and does not only
// suppress exceptions.
func rounds(mnemonic string) bool {
	switch mnemonic {
	case "vcvtps2pd", "vcvtss2sd", "vcvtph2ps", "vcvtps2ph":
		return false
	}
	for _, p := range [...]string{"vadd", "vsub", "vmul", "vdiv", "vsqrt", "vscalef", "vfm", "vfnm", "vcvt"} {
		if strings.HasPrefix(mnemonic, p) && !strings.HasPrefix(mnemonic, "vcvtt") {
			return true
		}
	}
	return false
}

// widened is the bytes of a result's element where an instruction makes larger
// elements than it reads, else 0.
func widened(mnemonic string) int {
	switch mnemonic {
	case "vcvtps2pd", "vcvtdq2pd", "vcvtudq2pd", "vcvtps2qq", "vcvtps2uqq", "vcvttps2qq", "vcvttps2uqq":
		return 8
	}
	return 0
}

// vectorSize is the bytes of the vectors of an EVEX instruction, else 0.
func (c *x86Converter) vectorSize() int {
	if !c.evex() || c.vexAt+3 >= len(c.code) {
		return 0
	}
	return 16 << (c.code[c.vexAt+3] >> 5 & 3)
}

// x87 adds the top of the floating point stack, which instructions use unnamed.
func (c *x86Converter) x87(first bool) {
	if len(c.out.Operands) != 1 {
		return
	}
	st0 := Operand{Kind: Register, Reg: "st(0)"}
	if first {
		c.out.Operands = []Operand{st0, c.out.Operands[0]}
	} else {
		c.out.Operands = append(c.out.Operands, st0)
	}
}
