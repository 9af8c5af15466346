package disasm

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/arch/arm64/arm64asm"
)

// ARM64 decodes the instruction that code begins with. Words that we cannot write
// as an instruction are written as ".inst 0x4c407000", as other tools do, and have
// their accesses all the same where they have any. The error is ErrTruncated.
func ARM64(code []byte) (Inst, error) {
	if len(code) < 4 {
		return Inst{}, ErrTruncated
	}
	// Instructions are little endian on all processors.
	w := arm64Word(binary.LittleEndian.Uint32(code))
	in := Inst{Len: 4}
	if d, err := arm64asm.Decode(code); err == nil {
		in.Text = arm64asm.GNUSyntax(d)
		in.Mnemonic = arm64Mnemonic(in.Text)
	} else {
		in.Text, in.Mnemonic = fmt.Sprintf(".inst %#08x", uint32(w)), ".inst"
	}
	w.branch(&in)
	if m, ok := w.memory(); ok {
		in.Operands = append(in.Operands, m)
		in.MemSize = m.size
		in.Aligned = w.bits(24, 6) == 0b001000
	}
	in.Derivable = in.MemSize == 0 || in.Operands[len(in.Operands)-1].Access != UnknownAccess
	in.Divides = in.Mnemonic == "udiv" || in.Mnemonic == "sdiv" || in.Mnemonic == "brk"
	return in, nil
}

// arm64Mnemonic is the first word of the text.
func arm64Mnemonic(text string) string {
	for i, c := range text {
		if c == ' ' {
			return text[:i]
		}
	}
	return text
}

// An arm64Word is an instruction's encoding. x/arch gives operands as text only,
// so what is read and written is taken from the bits here.
type arm64Word uint32

// bits are n bits from number at on.
func (w arm64Word) bits(at, n int) uint32 { return uint32(w) >> at & (1<<n - 1) }

// signed are bits as a number with a sign.
func (w arm64Word) signed(at, n int) int64 {
	return int64(w.bits(at, n)) << (64 - n) >> (64 - n)
}

// x is the name of a register; number 31 is the stack pointer in addresses.
func x(n uint32) string {
	switch n {
	case 29:
		return "fp"
	case 30:
		return "lr"
	case 31:
		return "sp"
	}
	return fmt.Sprintf("x%d", n)
}

// branch fills in where the instruction goes.
func (w arm64Word) branch(in *Inst) {
	switch {
	case w.bits(25, 7) == 0b1101011 && w.bits(12, 9) == 0b1_1111_0000:
		// br, blr, ret and those that check a signature of the address first.
		in.Flow = Jumps
		in.Operands = []Operand{{Kind: Register, Reg: x(w.bits(5, 5))}}
		if w.bits(21, 2) == 2 && w.bits(11, 1) == 1 {
			in.Operands[0].Reg = "lr" // retaa, retab
		}
	case w.bits(26, 5) == 0b00101:
		in.Flow = Jumps
		in.Operands = []Operand{{Kind: Relative, Value: w.signed(0, 26)*4 - 4}}
	case w.bits(24, 8) == 0b01010100, w.bits(25, 6) == 0b011010:
		in.Flow = May
		in.Operands = []Operand{{Kind: Relative, Value: w.signed(5, 19)*4 - 4}}
	case w.bits(25, 6) == 0b011011:
		in.Flow = May
		in.Operands = []Operand{{Kind: Relative, Value: w.signed(5, 14)*4 - 4}}
	}
}
