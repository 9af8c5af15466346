package symbols

// hexValue is one more than the value of each hexadecimal digit, 0 for others.
var hexValue = [256]uint8{
	'0': 1, '1': 2, '2': 3, '3': 4, '4': 5, '5': 6, '6': 7, '7': 8, '8': 9, '9': 10,
	'a': 11, 'b': 12, 'c': 13, 'd': 14, 'e': 15, 'f': 16,
	'A': 11, 'B': 12, 'C': 13, 'D': 14, 'E': 15, 'F': 16,
}

// longestFast is more than the four numbers of a line record need.
const longestFast = 64

// fast reads a line of a function if it is one that a tool wrote: single blanks
// and no surprises. Nine lines of ten in a symbol file are. It gives back how many
// bytes the line has, or 0 when the line must be looked at with care; then
// nothing has been kept of it.
func (p *parser) fast(b []byte) int {
	if len(b) < longestFast {
		return 0
	}
	if b[0] == 'I' {
		return p.fastInline(b)
	}
	if b[0] == 'F' { // may be FUNC or FILE
		return 0
	}
	b = b[:longestFast]
	var addr, size uint64
	var number, file uint32
	var i int
	if addr, i = fastHex(b, 0, 16, ' '); i == 0 {
		return 0
	}
	if size, i = fastHex(b, i, 8, ' '); i == 0 {
		return 0
	}
	if number, i = fastDecimal(b, i, ' '); i == 0 {
		return 0
	}
	if file, i = fastDecimal(b, i, '\n'); i == 0 {
		return 0
	}
	if p.keepsBodies() {
		if first, last, ok := span(addr, uint32(size)); ok {
			p.lines = push(p.lines, line{first, last, file, number})
		}
	}
	return i
}

// fastHex reads a number of at most digits digits at b[i:] and the byte that must
// follow. It gives back where to go on, 0 for failure.
func fastHex(b []byte, i, digits int, after byte) (v uint64, next int) {
	first := i
	for ; i < len(b); i++ {
		d := hexValue[b[i]]
		if d == 0 {
			break
		}
		v = v<<4 | uint64(d-1)
	}
	if i == first || i-first > digits || i == len(b) || b[i] != after {
		return 0, 0
	}
	return v, i + 1
}

func fastDecimal(b []byte, i int, after byte) (v uint32, next int) {
	first := i
	var n uint64
	for ; i < len(b) && i-first <= 10; i++ {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		n = n*10 + uint64(d)
	}
	if i == first || i-first > 10 || n > 1<<32-1 || i == len(b) || b[i] != after {
		return 0, 0
	}
	return uint32(n), i + 1
}

// fastInline reads INLINE depth line file origin and pairs of address and size.
func (p *parser) fastInline(b []byte) int {
	if string(b[:7]) != "INLINE " {
		return 0
	}
	var in inline
	i := 7
	for _, v := range [...]*uint32{&in.depth, &in.callLine, &in.callFile, &in.origin} {
		if *v, i = fastDecimal(b, i, ' '); i == 0 {
			return 0
		}
	}
	before, keep := len(p.inlines), p.keepsBodies()
	for {
		addr, next := fastHex(b, i, 16, ' ')
		if next == 0 {
			break
		}
		size, end := fastHex(b, next, 8, ' ')
		last := end == 0
		if last {
			size, end = fastHex(b, next, 8, '\n')
		}
		if end == 0 || end > longestLine {
			break
		}
		if keep && addr <= 1<<32-1 {
			in.addr, in.size = uint32(addr), uint32(size)
			p.inlines = push(p.inlines, in)
		}
		if last {
			return end
		}
		i = end
	}
	p.inlines = p.inlines[:before]
	return 0
}
