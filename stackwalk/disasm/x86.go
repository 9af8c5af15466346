package disasm

import (
	"slices"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// longestX86 is the most bytes that a processor takes for one instruction.
const longestX86 = 15

// AMD64 decodes the instruction that code begins with. compat repeats yaxpeax's
// mistakes. The error is ErrTruncated or ErrUnknown.
func AMD64(code []byte, compat bool) (Inst, error) { return x86(code, 64, compat) }

// X86 decodes the instruction of 32-bit code that code begins with. The error is
// ErrTruncated or ErrUnknown.
func X86(code []byte) (Inst, error) { return x86(code, 32, false) }

func x86(code []byte, bits int, compat bool) (Inst, error) {
	code = code[:min(len(code), longestX86)]
	from := code
	other, instead, ok := substitute(code, bits)
	if ok {
		from = other
	}
	c, ok := decodeX86(from, bits)
	if !ok {
		// x86asm does not tell an end from nonsense. If more bytes would help, it
		// was the end.
		if _, ok := decodeX86(append(slices.Clone(from), make([]byte, longestX86-len(code))...), bits); ok {
			return Inst{}, ErrTruncated
		}
		return Inst{}, ErrUnknown
	}
	c.instead = instead
	c.convert()
	if compat {
		c.quirks()
	}
	c.out.mean(compat)
	c.out.Text = c.out.write()
	c.out.Len += len(code) - len(from)
	return c.out, nil
}

// decodeX86 decodes the instruction that code begins with, if all of it is there.
func decodeX86(code []byte, bits int) (*x86Converter, bool) {
	d, err := x86asm.Decode(code, bits)
	if err != nil || d.Op == 0 || d.Len > len(code) || badLock(&d) || d.Op == x86asm.MOV && d.Args[0] == x86asm.CS {
		return nil, false
	}
	c := &x86Converter{Inst: d, code: code[:d.Len], bits: bits}
	c.findVEX()
	// Where operands are missing x86asm makes some up.
	return c, !c.noModRM()
}

// badLock says whether the instruction has a lock prefix that it must not have,
// which processors refuse.
func badLock(d *x86asm.Inst) bool {
	for _, p := range d.Prefix {
		if p == 0 || p.IsVEX() || p.IsEVEX() {
			break
		}
		if p&x86asm.PrefixInvalid != 0 {
			return true
		}
	}
	return false
}

// An x86Converter turns what x86asm decoded into an Inst. x86asm keeps to the
// manuals' names and leaves out what an assembler would guess; code is there for
// the few things that it drops.
type x86Converter struct {
	x86asm.Inst
	code []byte
	bits int // 32 or 64; Inst.Mode is not always set
	out  Inst

	instead standIn // what was really there

	vexAt, vexLen int // place and bytes of the VEX or EVEX prefix; 0 bytes for none
}

func (c *x86Converter) convert() {
	c.out.Len = c.Len
	if c.zeroes() {
		c.out.Len = c.vexAt + c.vexLen + 1 // x86asm takes the next byte, too
	}
	c.out.Mnemonic = c.mnemonic()
	c.out.MemSize = c.memSize()
	c.out.prefix = c.prefixes()
	for i, a := range c.Args {
		if a == nil {
			break
		}
		if mask, ok := c.mask(i); ok {
			c.out.Operands[0].suffix = mask
			continue
		}
		c.out.Operands = append(c.out.Operands, c.operand(a))
	}
	c.order()
	c.decorate()
}

func (c *x86Converter) mnemonic() string {
	if c.instead.name != "" {
		return c.instead.name
	}
	if n, ok := x86Names[c.Op]; ok {
		return n
	}
	return strings.ToLower(c.Op.String())
}

// has says whether a prefix is there and means something.
func (c *x86Converter) has(prefix x86asm.Prefix) bool {
	for _, p := range c.Prefix {
		// What follows a VEX prefix in the list are its bytes and no prefixes.
		if p == 0 || p.IsVEX() || p.IsEVEX() {
			return false
		}
		if p&0xff == prefix&0xff && p&(x86asm.PrefixIgnored|x86asm.PrefixInvalid) == 0 {
			return true
		}
	}
	return false
}

// prefixes are those that are written before the mnemonic.
func (c *x86Converter) prefixes() string {
	locked := c.has(x86asm.PrefixLOCK)
	repeated, repeatedN := c.has(x86asm.PrefixREP), c.has(x86asm.PrefixREPN)
	switch {
	case x86Strings[c.Op] && repeated:
		return "rep "
	case x86Strings[c.Op] && repeatedN:
		return "repnz "
	case c.hinted(locked, repeated) && repeated:
		return "xrelease " + lock(locked)
	case c.hinted(locked, repeated) && repeatedN:
		return "xacquire " + lock(locked)
	}
	return lock(locked)
}

func lock(locked bool) string {
	if locked {
		return "lock "
	}
	return ""
}

// hinted says whether a repeat prefix is a hint to elide a lock.
func (c *x86Converter) hinted(locked, release bool) bool {
	if locked {
		return true
	}
	_, toMemory := c.Args[0].(x86asm.Mem)
	switch c.Op {
	case x86asm.XCHG:
		_, fromMemory := c.Args[1].(x86asm.Mem)
		return toMemory || fromMemory
	case x86asm.MOV:
		return toMemory && release
	}
	return false
}

func (c *x86Converter) operand(a x86asm.Arg) Operand {
	switch a := a.(type) {
	case x86asm.Reg:
		if x86asm.Y0 <= a && a <= x86asm.Y31 && c.vectorSize() == 16 && !c.SAE {
			// x86asm has the half of a vector of 16 bytes one size too large.
			a -= x86asm.Y0 - x86asm.X0
		}
		return Operand{Kind: Register, Reg: regName(a)}
	case x86asm.Imm:
		return c.immediate(int64(a))
	case x86asm.Rel:
		return Operand{Kind: Relative, Value: int64(a)}
	case x86asm.Mem:
		return c.memory(a)
	}
	return Operand{}
}

func (c *x86Converter) immediate(v int64) Operand {
	o := Operand{Kind: Immediate, Value: v, unsigned: c.vex() || x86Unsigned[c.Op] || c.Op == x86asm.MOV && c.Opcode>>27 == 0xb0>>3}
	// x86asm has some immediates of one byte without their sign. One of four bytes
	// with such a value would end in a zero.
	if !o.unsigned && v>>8 == 0 && c.code[len(c.code)-1] == byte(v) {
		o.Value = int64(int8(v))
	}
	return o
}

func (c *x86Converter) memory(a x86asm.Mem) Operand {
	m := Operand{Kind: Memory, Disp: a.Disp, Scale: a.Scale, size: c.out.MemSize}
	if a.Base != 0 {
		m.Base = regName(a.Base)
	}
	if a.Index != 0 {
		m.Index = regName(a.Index)
	}
	if c.Opcode>>26 != 0xa0>>2 {
		// x86asm has the 32 bits of a displacement without their sign, but for the
		// move that has 64.
		m.Disp = int64(int32(a.Disp))
	}
	if c.vex() {
		c.vexMemory(&m)
	}
	switch a.Segment {
	case x86asm.FS, x86asm.GS:
		m.Segment = regName(a.Segment)
	case x86asm.ES, x86asm.DS:
		if c.twoSegments() {
			m.Segment = regName(a.Segment)
		}
	}
	return m
}

// twoSegments says whether both operands of a string instruction, or the one it
// writes, are written with their segments.
func (c *x86Converter) twoSegments() bool {
	switch c.out.Mnemonic {
	case "movs", "cmps", "stos", "scas":
		return x86Strings[c.Op]
	}
	return false
}

// mask is what argument i adds to the operand before it when it is a mask.
func (c *x86Converter) mask(i int) (string, bool) {
	r, ok := c.Args[i].(x86asm.Reg)
	if i != 1 || !ok || r < x86asm.K0 || r > x86asm.K7 || !c.evex() || takesMask(c.out.Mnemonic) {
		return "", false
	}
	text := ""
	if r != x86asm.K0 {
		text = "{" + regName(r) + "}"
	}
	return text, true
}

// takesMask says whether a mask register is a plain operand of an instruction.
func takesMask(mnemonic string) bool {
	return mnemonic[0] == 'k' || strings.HasPrefix(mnemonic, "vpmovm2") || strings.HasPrefix(mnemonic, "vpbroadcastm")
}
