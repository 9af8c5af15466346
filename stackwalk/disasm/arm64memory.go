package disasm

// memory is the operand in memory, if the instruction loads or stores. The groups
// are those of the Arm architecture reference manual, chapter C4, "Loads and
// Stores".
func (w arm64Word) memory() (Operand, bool) {
	if w.bits(27, 1) != 1 || w.bits(25, 1) != 0 {
		return Operand{}, false
	}
	m := Operand{Kind: Memory, Base: x(w.bits(5, 5)), Scale: 1}
	ok := false
	switch w.bits(27, 3) {
	case 0b001:
		switch {
		case w.bits(26, 1) == 1 && w.bits(31, 1) == 0:
			ok = w.vectors(&m)
		case w.bits(26, 1) == 0 && w.bits(24, 2) == 0:
			ok = w.exclusive(&m)
		}
	case 0b011:
		switch {
		case w.bits(24, 2) == 0:
			ok = w.literal(&m)
		case w.bits(26, 1) == 0 && w.bits(24, 2) == 1 && w.bits(21, 1) == 0 && w.bits(10, 2) == 0:
			ok = w.unscaledOrdered(&m)
		}
	case 0b101:
		ok = w.pair(&m)
	case 0b111:
		ok = w.single(&m)
	}
	return m, ok
}

// pair is ldp, stp and their kin.
func (w arm64Word) pair(m *Operand) bool {
	size := 4 << w.bits(31, 1)
	if w.bits(26, 1) == 1 {
		size = 4 << w.bits(30, 2)
	}
	if w.bits(30, 2) == 3 {
		return false
	}
	m.Access = direction(w.bits(22, 1) == 1)
	if w.bits(23, 2) != 1 { // else the base is changed after the access
		m.Disp = w.signed(15, 7) * int64(size)
	}
	m.size = 2 * size
	// The store beside the load of two words with their sign is one of tags.
	return w.bits(26, 1) == 1 || w.bits(30, 2) != 1 || w.bits(22, 1) == 1
}

func direction(load bool) Access {
	if load {
		return Read
	}
	return Write
}

// literal is a load relative to the instruction.
func (w arm64Word) literal(m *Operand) bool {
	m.Base, m.Access, m.Disp = "pc", Read, w.signed(5, 19)*4-4
	switch opc := w.bits(30, 2); {
	case w.bits(26, 1) == 1 && opc < 3:
		m.size = 4 << opc
	case w.bits(26, 1) == 1 || opc == 3: // not allocated, or a prefetch
		return false
	case opc == 1:
		m.size = 8
	default:
		m.size = 4
	}
	return true
}

// single is ldr, str and their kin, in all their addressing modes, and the atomic
// operations.
func (w arm64Word) single(m *Operand) bool {
	size, opc, vector := w.bits(30, 2), w.bits(22, 2), w.bits(26, 1) == 1
	m.size = 1 << size
	m.Access = direction(opc != 0)
	if vector {
		if opc >= 2 {
			if size != 0 {
				return false
			}
			m.size = 16
		}
		m.Access = direction(opc&1 == 1)
	} else if size == 3 && opc >= 2 {
		// Prefetches, but for the atomic operations in between.
		return w.bits(24, 1) == 0 && w.bits(21, 1) == 1 && w.bits(10, 2) != 2 && w.atomic(m)
	}
	switch {
	case w.bits(24, 1) == 1:
		m.Disp = int64(w.bits(10, 12)) * int64(m.size)
		return true
	case w.bits(21, 1) == 0:
		if w.bits(10, 2) != 1 { // else the base is changed after the access
			m.Disp = w.signed(12, 9)
		}
		return true
	case w.bits(10, 2) == 2:
		return w.indexed(m)
	}
	return !vector && w.atomic(m)
}

// indexed is an address with an index register.
func (w arm64Word) indexed(m *Operand) bool {
	if n := w.bits(16, 5); n != 31 { // 31 is the register that is always 0
		m.Index = x(n)
	}
	switch w.bits(13, 3) {
	case 0b010:
		m.Extend = ZeroExtend
	case 0b110:
		m.Extend = SignExtend
	case 0b011, 0b111:
	default:
		return false
	}
	if w.bits(12, 1) == 1 {
		m.Scale = uint8(m.size)
	}
	return true
}

// atomic is an atomic operation, or a load that checks the signature of the base.
func (w arm64Word) atomic(m *Operand) bool {
	size := w.bits(30, 2)
	switch {
	case w.bits(10, 2) == 0:
		m.size, m.Access = 1<<size, ReadWrite
		if w.bits(12, 4) == 0b1100 && w.bits(22, 2) == 2 {
			m.Access = Read // ldapr
		}
		return true
	case w.bits(10, 1) == 1 && size == 3: // ldraa, ldrab
		m.size, m.Access = 8, Read
		m.Disp = int64(w.bits(22, 1))<<9 | int64(w.bits(12, 9))
		m.Disp = m.Disp << 54 >> 54 * 8
		return true
	}
	return false
}

// exclusive is a load or store that is exclusive or ordered, or a compare and swap.
func (w arm64Word) exclusive(m *Operand) bool {
	size := 1 << w.bits(30, 2)
	m.size, m.Access = size, direction(w.bits(22, 1) == 1)
	swap := w.bits(10, 5) == 31 && w.bits(21, 1) == 1
	switch {
	case w.bits(23, 1) == 1 && swap: // cas
		m.Access = ReadWrite
	case w.bits(23, 1) == 0 && w.bits(21, 1) == 1 && w.bits(31, 1) == 1: // a pair
		m.size = 2 * size
	case w.bits(23, 1) == 0 && swap: // casp
		m.size, m.Access = 2*(4<<w.bits(30, 1)), ReadWrite
	case w.bits(21, 1) == 1:
		return false
	}
	return true
}

// unscaledOrdered is ldapur, stlur and their kin.
func (w arm64Word) unscaledOrdered(m *Operand) bool {
	m.size, m.Access, m.Disp = 1<<w.bits(30, 2), direction(w.bits(22, 2) != 0), w.signed(12, 9)
	return true
}

// vectors is a load or store of one to four vectors, or of one element of each.
func (w arm64Word) vectors(m *Operand) bool {
	m.Access = direction(w.bits(22, 1) == 1)
	if w.bits(24, 1) == 0 {
		n := map[uint32]int{0b0000: 4, 0b0010: 4, 0b0100: 3, 0b0110: 3, 0b0111: 1, 0b1000: 2, 0b1010: 2}[w.bits(12, 4)]
		m.size = n * (8 << w.bits(30, 1))
		return n > 0 && w.bits(21, 1) == 0
	}
	n := int(w.bits(13, 1)<<1|w.bits(21, 1)) + 1
	element := 1 << w.bits(14, 2)
	switch {
	case w.bits(14, 2) == 3: // one element for all lanes
		element = 1 << w.bits(10, 2)
	case w.bits(14, 2) == 2 && w.bits(10, 1) == 1:
		element = 8
	}
	m.size = n * element
	return true
}
