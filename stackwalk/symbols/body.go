package symbols

import (
	"encoding/binary"
	"hash/crc32"
)

// Bodies are packed: a function's lines and inlined calls are runs of small
// differences, three or four bytes for a line of which a symbol file has twenty.
// Each body, and each name, has a checksum of its own, because a cache file is
// checked as a whole only where every lookup goes.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const checksumSize = 4

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// pack puts bytes and their checksum into the blob.
func (p *parser) pack(b []byte) ref {
	at := len(p.out.blob)
	p.out.blob = append(p.out.blob, b...)
	p.out.blob = binary.LittleEndian.AppendUint32(p.out.blob, checksum(b))
	return ref{uint32(at), uint32(len(b))}
}

// seal puts the checksum after what was added to the blob since at.
func (p *parser) seal(at int) ref {
	size := len(p.out.blob) - at
	p.out.blob = binary.LittleEndian.AppendUint32(p.out.blob, checksum(p.out.blob[at:]))
	return ref{uint32(at), uint32(size)}
}

// zigzag makes small numbers of small differences in either direction.
func zigzag(now, before uint32) uint64 {
	d := int32(now - before)
	return uint64(uint32(d<<1) ^ uint32(d>>31))
}

func unzigzag(v uint64, before uint32) uint32 {
	u := uint32(v)
	return before + (u>>1 ^ -(u & 1))
}

// appendSmall is binary.AppendUvarint with the common case in front.
func appendSmall(b []byte, v uint64) []byte {
	if v < 0x80 {
		return append(b, byte(v))
	}
	return binary.AppendUvarint(b, v)
}

// packFunction packs the lines and inlined calls of the current function, those
// as they stand in the file: sorting them took more time than all else, for
// functions of which few are ever asked for. None make an empty ref.
func (p *parser) packFunction(f *function) ref {
	if len(p.lines)+len(p.inlines) == 0 {
		return ref{}
	}
	at := len(p.out.blob)
	b := appendSmall(p.out.blob, uint64(len(p.lines)))
	next, file, number := f.addr, uint32(0), uint32(0)
	for _, l := range p.lines {
		gap := uint64(l.addr-next) << 1 // wraps around for a line before its function
		if l.file != file {
			gap |= 1
		}
		b = appendSmall(b, gap)
		if l.file != file {
			b = appendSmall(b, zigzag(l.file, file))
		}
		b = appendSmall(b, uint64(l.last-l.addr))
		b = appendSmall(b, zigzag(l.number, number))
		next, file, number = l.last+1, l.file, l.number
	}
	before := inline{addr: f.addr}
	for _, in := range p.inlines {
		same := in.depth == before.depth && in.callFile == before.callFile && in.callLine == before.callLine && in.origin == before.origin
		if same {
			b = append(b, 1) // another range of the same call
		} else {
			b = appendSmall(b, zigzag(in.depth, before.depth)<<1)
			b = appendSmall(b, zigzag(in.callFile, before.callFile))
			b = appendSmall(b, zigzag(in.callLine, before.callLine))
			b = appendSmall(b, zigzag(in.origin, before.origin))
		}
		b = appendSmall(b, zigzag(in.addr, before.addr))
		b = appendSmall(b, uint64(in.size))
		before = in
	}
	p.out.blob = b
	return p.seal(at)
}

// An unpacker reads a packed body. The first failure sticks.
type unpacker struct {
	rest []byte
	bad  bool
}

func (u *unpacker) number() uint64 {
	if len(u.rest) > 0 && u.rest[0] < 0x80 {
		v := u.rest[0]
		u.rest = u.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(u.rest)
	if n <= 0 {
		u.bad = true
		u.rest = nil
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) u32() uint32 {
	v := u.number()
	if v > 1<<32-1 {
		u.bad = true
	}
	return uint32(v)
}

// unpackFunction is the reverse of packFunction. It is false when the body makes
// no sense.
func unpackFunction(body []byte, f *function, onLine func(line), onInline func(inline)) bool {
	if len(body) == 0 {
		return true
	}
	u := unpacker{rest: body}
	n := u.number()
	l := line{last: f.addr - 1}
	for ; n > 0 && !u.bad; n-- {
		gap := u.number()
		if gap&1 != 0 {
			l.file = unzigzag(u.number(), l.file)
		}
		l.addr = l.last + 1 + uint32(gap>>1)
		l.last = l.addr + u.u32()
		l.number = unzigzag(u.number(), l.number)
		onLine(l)
	}
	in := inline{addr: f.addr}
	for len(u.rest) > 0 {
		if head := u.number(); head&1 == 0 {
			in.depth = unzigzag(head>>1, in.depth)
			in.callFile = unzigzag(u.number(), in.callFile)
			in.callLine = unzigzag(u.number(), in.callLine)
			in.origin = unzigzag(u.number(), in.origin)
		}
		in.addr = unzigzag(u.number(), in.addr)
		in.size = u.u32()
		onInline(in)
	}
	return !u.bad
}

// packCFI packs the rules of the current STACK CFI INIT. The rules themselves
// stand before it, and it says how far, which stays true when the blob is moved.
func (p *parser) packCFI(c *cfiBlock) ref {
	at := len(p.out.blob)
	b := p.out.blob
	put := func(r ref) {
		if r.len == 0 {
			r.off = uint32(at)
		}
		b = appendSmall(appendSmall(b, uint64(uint32(at)-r.off)), uint64(r.len))
	}
	put(p.init)
	addr := c.addr
	for _, row := range p.rows {
		b = appendSmall(b, uint64(row.addr-addr))
		put(row.rules)
		addr = row.addr
	}
	p.out.blob = b
	return p.seal(at)
}

// unpackCFI is the reverse of packCFI. at is where the body stands.
func unpackCFI(body []byte, at uint32, c *cfiBlock) (rows []cfiRow, ok bool) {
	u := unpacker{rest: body}
	row := cfiRow{addr: c.addr}
	for first := true; first || len(u.rest) > 0; first = false {
		if !first {
			row.addr += u.u32()
		}
		back, size := u.u32(), u.u32()
		row.rules = ref{at - back, size}
		rows = append(rows, row)
	}
	return rows, !u.bad
}
