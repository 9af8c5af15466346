package disasm

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// quirks repeats mistakes of yaxpeax 2.2, which rust-minidump's reports have: it
// takes a movd to a vector register for a movq, for example, and then the report
// says that eight bytes were read. Only mistakes about instructions that programs
// really crash on are here.
func (c *x86Converter) quirks() {
	if n := c.quirkSize(); n != 0 && c.out.MemSize > 0 {
		c.resize(n)
	}
	ops := c.out.Operands
	switch {
	case c.Op == x86asm.MOVD && !c.vex() && strings.HasPrefix(ops[0].Reg, "xmm"):
		c.out.Mnemonic = "movq"
		c.resize(8)
		ops[1].Reg = wide(ops[1].Reg)
	case c.Op == x86asm.MOVSXD || c.Op == x86asm.BSWAP:
		ops[0].Reg = wide(ops[0].Reg)
	case bitTest(c.Op) && ops[1].Kind == Immediate:
		ops[0].Reg = wide(ops[0].Reg)
		if c.out.MemSize == 4 {
			c.resize(8)
		}
	case c.Op == x86asm.INSB:
		ops[1].Reg = "dl"
	case c.Op == x86asm.OUTSB:
		ops[0].Reg = "dl"
	case c.out.Mnemonic == "cmps":
		ops[0].Base, ops[1].Base = ops[1].Base, ops[0].Base
	case scalarFMA(c.out.Mnemonic) && !c.evex():
		for _, p := range [...]string{"vfmadd", "vfmsub"} {
			if rest, ok := strings.CutPrefix(c.out.Mnemonic, p+"213"); ok {
				c.out.Mnemonic = p + "231" + rest
			}
		}
	}
}

// resize changes the size of accesses.
func (c *x86Converter) resize(n int) {
	c.out.MemSize = 0
	for i := range c.out.Operands {
		if o := &c.out.Operands[i]; o.Kind == Memory {
			o.size, c.out.MemSize = n, n
		}
	}
}

// quirkSize is the size that yaxpeax takes an access for, 0 where it is right.
func (c *x86Converter) quirkSize() int {
	name := c.out.Mnemonic
	switch name {
	case "cvtdq2pd", "cvttps2pi", "cvtps2pi":
		return 16
	}
	if !c.vex() || c.evex() {
		return 0
	}
	switch name {
	case "vrsqrtss", "vrcpss", "vcmpss", "vcmpsd", "vroundss", "vroundsd", "vinsertps", "vpshufd", "vpshufhw", "vpshuflw":
		return 16
	case "vcvtdq2pd", "vcvtph2ps", "vmovlps":
		if c.out.MemSize == 8 && (name != "vmovlps" || c.out.Operands[0].Kind == Memory) {
			return 16
		}
	}
	if scalarFMA(name) || strings.HasPrefix(name, "vpmovzx") || strings.HasPrefix(name, "vpmovsx") {
		return 16
	}
	return 0
}

func bitTest(op x86asm.Op) bool {
	return op == x86asm.BT || op == x86asm.BTS || op == x86asm.BTR || op == x86asm.BTC
}

// scalarFMA says whether the instruction multiplies and adds one number.
func scalarFMA(mnemonic string) bool {
	return (strings.HasPrefix(mnemonic, "vfm") || strings.HasPrefix(mnemonic, "vfnm")) &&
		(strings.HasSuffix(mnemonic, "ss") || strings.HasSuffix(mnemonic, "sd"))
}

// wide is the register of 64 bits that has reg, of 32 bits, as its lower half.
func wide(reg string) string {
	if rest, ok := strings.CutSuffix(reg, "d"); ok {
		return rest // r8d
	}
	if rest, ok := strings.CutPrefix(reg, "e"); ok {
		return "r" + rest
	}
	return reg
}
