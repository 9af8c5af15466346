package disasm

import (
	"bytes"
	"slices"
)

// A standIn is how to decode what x86asm does not know: another instruction with
// the same operands is decoded in its stead and gives its operands, not its name.
type standIn struct {
	name string                 // what it really is
	edit func(op []byte) []byte // makes it from the bytes of the opcode on; nil changes nothing
	drop byte                   // a prefix that belongs to the opcode and not to the stand-in's; 0 for none
	size int                    // bytes of its memory operand; 0 for those of the stand-in
	// legacy are prefixes before a VEX prefix, which x86asm refuses.
	legacy []byte
}

// substitute returns the bytes that stand in for the instruction that code begins
// with.
func substitute(code []byte, bits int) ([]byte, standIn, bool) {
	at := 0
	for at < len(code) && isPrefix(code[at], bits) {
		at++
	}
	if at > 0 && isVEX(code[at:], bits) && !slices.ContainsFunc(code[:at], forbidsVEX) {
		return code[at:], standIn{legacy: code[:at]}, true
	}
	s, ok := findStandIn(code[at:], code[:at])
	if !ok {
		return nil, s, false
	}
	changed := bytes.Clone(code[:at])
	if i := bytes.LastIndexByte(changed, s.drop); s.drop != 0 && i >= 0 {
		changed = append(changed[:i], changed[i+1:]...)
	}
	op := bytes.Clone(code[at:])
	if s.edit != nil {
		op = s.edit(op)
	}
	return append(changed, op...), s, true
}

func isPrefix(b byte, bits int) bool {
	switch b {
	case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3:
		return true
	}
	return bits == 64 && b&0xf0 == 0x40
}

// isVEX says whether code begins with a VEX or EVEX prefix. In 32-bit code those
// bytes are instructions when an address in memory follows.
func isVEX(code []byte, bits int) bool {
	if len(code) < 2 {
		return false
	}
	return (code[0] == 0xc4 || code[0] == 0xc5 || code[0] == 0x62) && (bits == 64 || code[1] >= 0xc0)
}

// forbidsVEX says whether a prefix must not stand before VEX.
func forbidsVEX(p byte) bool {
	return p == 0x66 || p == 0xf0 || p == 0xf2 || p == 0xf3 || p&0xf0 == 0x40
}

// findStandIn looks at an opcode of one byte.
func findStandIn(op, prefixes []byte) (standIn, bool) {
	if len(op) < 2 {
		return standIn{}, false
	}
	digit := op[1] >> 3 & 7
	switch {
	case digit == 6 && (op[0]&0xfe == 0xc0 || op[0]&0xfc == 0xd0):
		return standIn{name: "sal", edit: digitOf(1, 4)}, true
	case digit == 1 && op[0]&0xfe == 0xf6:
		return standIn{name: "test", edit: digitOf(1, 0)}, true
	case op[0] == 0x0f && len(op) > 2:
		return findStandIn0F(op[1:], prefixes)
	}
	return standIn{}, false
}

// findStandIn0F looks at an opcode behind the byte 0f.
func findStandIn0F(op, prefixes []byte) (standIn, bool) {
	has := func(p byte) bool { return bytes.IndexByte(prefixes, p) >= 0 }
	digit, memory := op[1]>>3&7, op[1]>>6 != 3
	switch {
	case op[0] == 0x1e && has(0xf3) && op[1] == 0xfa:
		return standIn{name: "endbr64", edit: nop}, true
	case op[0] == 0x1e && has(0xf3) && op[1] == 0xfb:
		return standIn{name: "endbr32", edit: nop}, true
	case op[0] == 0x18 && memory:
		names := [8]string{"prefetchnta", "prefetcht0", "prefetcht1", "prefetcht2", "nop", "nop", "nop", "nop"}
		return standIn{name: names[digit], edit: increment, size: 64}, true
	case op[0] == 0x0d && memory && digit == 1:
		return standIn{name: "prefetchw", edit: increment, size: 64}, true
	case op[0] == 0x0d && memory:
		return standIn{name: "nop", edit: increment, size: 64}, true
	case op[0] >= 0x18 && op[0] <= 0x1f:
		return standIn{name: "nop", edit: increment}, true
	case op[0] == 0xc7 && digit >= 6 && !memory && !has(0xf3):
		names := [8]string{6: "rdrand", 7: "rdseed"}
		return standIn{name: names[digit], edit: increment}, true
	case op[0] == 0xae && digit == 7 && memory && has(0x66):
		return standIn{name: "clflushopt", drop: 0x66}, true
	case op[0] == 0xae && digit == 6 && memory && has(0x66):
		return standIn{name: "clwb", edit: digitOf(2, 7), drop: 0x66}, true
	case op[0] == 0x38 && op[1] == 0xf6 && has(0x66):
		return standIn{name: "adcx", edit: multiply, drop: 0x66}, true
	case op[0] == 0x38 && op[1] == 0xf6 && has(0xf3):
		return standIn{name: "adox", edit: multiply, drop: 0xf3}, true
	}
	return standIn{}, false
}

// digitOf puts a digit into the middle of byte i, where it selects an instruction
// of a group.
func digitOf(i int, digit byte) func([]byte) []byte {
	return func(op []byte) []byte {
		op[i] = op[i]&^0x38 | digit<<3
		return op
	}
}

// increment stands in for instructions of one general operand: inc, whose opcode is
// one byte shorter.
func increment(op []byte) []byte { return digitOf(1, 0)(append([]byte{0xff}, op[2:]...)) }

// nop stands in for instructions without operands of three bytes.
func nop(op []byte) []byte { return append([]byte{0x90}, op[3:]...) }

// multiply stands in for instructions of two general operands: imul, whose opcode
// is one byte shorter.
func multiply(op []byte) []byte { return append([]byte{0x0f, 0xaf}, op[3:]...) }
