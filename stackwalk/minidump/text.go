package minidump

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16At is the length-prefixed UTF-16 text at an offset of the file, or nil
// when it is not all in the file or not UTF-16. Texts are kept by offset, because
// dumps point to the same few names from thousands of handles.
func (p *parser) utf16At(rva uint64) *string {
	if rva > uint64(len(p.file)) || len(p.file)-int(rva) < 4 {
		return nil
	}
	if rva == uint64(uint32(rva)) {
		if s, ok := p.texts[uint32(rva)]; ok {
			return s
		}
	}
	size := uint64(p.order.Uint32(p.file[rva:]))
	var text *string
	if body := p.file[rva+4:]; size%2 == 0 && size <= uint64(len(body)) && p.spend(int(size)+32) {
		if s, ok := p.decode16(body[:size]); ok {
			text = &s
		}
	}
	if rva == uint64(uint32(rva)) && p.spend(32) {
		p.texts[uint32(rva)] = text
	}
	return text
}

// decode16 is UTF-16 in the dump's byte order as text; false for half a surrogate pair.
func (p *parser) decode16(b []byte) (string, bool) {
	out := make([]byte, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		r := rune(p.order.Uint16(b[i:]))
		if utf16.IsSurrogate(r) {
			if i+3 >= len(b) {
				return "", false
			}
			r = utf16.DecodeRune(r, rune(p.order.Uint16(b[i+2:])))
			if r == utf8.RuneError {
				return "", false
			}
			i += 2
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out), true
}

// fixed16 is the text of a UTF-16 array that ends at its first NUL, or "" when it is not UTF-16.
func (p *parser) fixed16(b []byte) string {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			b = b[:i]
		}
	}
	s, _ := p.decode16(b)
	return s
}

// utf8At is the length-prefixed UTF-8 text at an offset of the file. Crashpad
// ends its strings with a NUL after the length, but not its values.
func (p *parser) utf8At(b *buf, what string, rva uint32, nul bool) string {
	if b.err != nil {
		return ""
	}
	head, ok := p.part(location{4, rva})
	if !ok {
		b.fail("%s at %#x is not in the file", what, rva)
		return ""
	}
	size := int64(p.order.Uint32(head))
	start := int64(rva) + 4
	end := start + size
	switch {
	case end > int64(len(p.file)) || nul && end >= int64(len(p.file)):
		b.fail("%s at %#x ends outside of the file", what, rva)
	case nul && p.file[end] != 0:
		b.fail("%s at %#x does not end with NUL", what, rva)
	case !p.spend(int(size) + 32): // before looking at the text: looking costs too
		b.fail("%s at %#x: the stream refers to more text than the file can hold", what, rva)
	case !utf8.Valid(p.file[start:end]):
		b.fail("%s at %#x is not UTF-8", what, rva)
	default:
		return string(p.file[start:end])
	}
	return ""
}

// A guid is a GUID with its fields in the dump's byte order.
type guid struct {
	a    uint32
	b, c uint16
	d    [8]byte
}

func (b *buf) guid() guid {
	g := guid{a: b.u32(), b: b.u16(), c: b.u16()}
	copy(g.d[:], b.take(8))
	return g
}

// String is the usual form, in lower case.
func (g guid) String() string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", g.a, g.b, g.c, g.d[:2], g.d[2:])
}

// plain is 32 upper case hex digits.
func (g guid) plain() string { return fmt.Sprintf("%08X%04X%04X%X", g.a, g.b, g.c, g.d[:]) }
