package symbols

import "bytes"

// fields reads the fields of one line. The first failure sticks, so a record is
// read straight through and checked once.
type fields struct {
	rest   []byte
	reason string // "" while all is well
}

func (f *fields) fail(reason string) {
	if f.reason == "" {
		f.reason = reason
	}
}

// gap skips the blanks between two fields; there must be one.
func (f *fields) gap() {
	i := 0
	for i < len(f.rest) && (f.rest[i] == ' ' || f.rest[i] == '\t') {
		i++
	}
	if i == 0 {
		f.fail("a blank is missing")
	}
	f.rest = f.rest[i:]
}

// hex reads a hexadecimal number of at most digits digits.
func (f *fields) hex(digits int) uint64 {
	var v uint64
	i := 0
	for ; i < len(f.rest); i++ {
		d := hexDigit(f.rest[i])
		if d < 0 {
			break
		}
		if i == digits {
			f.fail("a hexadecimal number is too long")
			return 0
		}
		v = v<<4 | uint64(d)
	}
	if i == 0 {
		f.fail("a hexadecimal number is missing")
	}
	f.rest = f.rest[i:]
	return v
}

// addr and size read a hexadecimal number and the blanks after it.
func (f *fields) addr() uint64 {
	v := f.hex(16)
	f.gap()
	return v
}

func (f *fields) size() uint32 {
	v := f.hex(8)
	f.gap()
	return uint32(v)
}

// decimal reads a decimal number of 32 bits.
func (f *fields) decimal() uint32 {
	var v uint64
	i := 0
	for ; i < len(f.rest) && f.rest[i] >= '0' && f.rest[i] <= '9'; i++ {
		if i == 10 {
			f.fail("a decimal number is too long")
			return 0
		}
		v = v*10 + uint64(f.rest[i]-'0')
	}
	switch {
	case i == 0:
		f.fail("a decimal number is missing")
	case v > 1<<32-1:
		f.fail("a decimal number is too large")
	}
	f.rest = f.rest[i:]
	return uint32(v)
}

// id reads a decimal number and the blanks after it.
func (f *fields) id() uint32 {
	v := f.decimal()
	f.gap()
	return v
}

// word reads up to the next space and skips the blanks.
func (f *fields) word() []byte {
	i := bytes.IndexByte(f.rest, ' ')
	if i < 0 {
		f.fail("a field is missing")
		return nil
	}
	w := f.rest[:i]
	f.rest = f.rest[i:]
	f.gap()
	return w
}

// multiple skips the m that marks a function which shares its address.
func (f *fields) multiple() {
	if len(f.rest) > 1 && f.rest[0] == 'm' && (f.rest[1] == ' ' || f.rest[1] == '\t') {
		f.rest = f.rest[1:]
		f.gap()
	}
}

func (f *fields) end() {
	if len(f.rest) > 0 {
		f.fail("there is more on the line than there should be")
	}
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func countFields(b []byte) int {
	n := 0
	blank := true
	for _, c := range b {
		if isBlank := c == ' ' || c == '\t'; isBlank != blank {
			blank = isBlank
			if !blank {
				n++
			}
		}
	}
	return n
}

// trimBlanks takes blanks off the end. It is called for every line, and
// bytes.TrimRight took a fifth of the time.
func trimBlanks(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
