package minidump

import (
	"encoding/binary"
	"fmt"
)

// A buf reads numbers out of one part of the file. Its first error sticks: later
// reads give zeros, so that a reader can go straight through and look once.
type buf struct {
	stream string
	start  int64 // offset of data in the file
	data   []byte
	off    int
	order  binary.ByteOrder
	err    error
}

// fail keeps the first reason, at the place that the buf has come to.
func (b *buf) fail(format string, args ...any) {
	if b.err == nil {
		b.err = &FormatError{
			Kind: Malformed, Stream: b.stream,
			Offset: b.start + int64(b.off), Reason: fmt.Sprintf(format, args...),
		}
	}
}

func (b *buf) left() int { return len(b.data) - b.off }

// take is the next n bytes, or nil when they are not all there.
func (b *buf) take(n int) []byte {
	if b.err != nil {
		return nil
	}
	if n < 0 || n > b.left() {
		b.fail("%d bytes wanted, %d left", n, b.left())
		return nil
	}
	v := b.data[b.off : b.off+n : b.off+n]
	b.off += n
	return v
}

func (b *buf) skip(n int) { b.take(n) }

func (b *buf) u8() uint8 {
	if v := b.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (b *buf) u16() uint16 {
	if v := b.take(2); v != nil {
		return b.order.Uint16(v)
	}
	return 0
}

func (b *buf) u32() uint32 {
	if v := b.take(4); v != nil {
		return b.order.Uint32(v)
	}
	return 0
}

func (b *buf) u64() uint64 {
	if v := b.take(8); v != nil {
		return b.order.Uint64(v)
	}
	return 0
}

// A location is where in the file something is.
type location struct{ size, rva uint32 }

func (b *buf) location() location {
	size := b.u32()
	return location{size, b.u32()}
}

// count reads the head of a list whose entries have the given size and leaves
// the buf at the first entry. Some writers put 4 bytes between the count and the
// entries so that those are aligned; any other slack means that the list is not
// what we think it is.
func (b *buf) count(entry int) int {
	n := b.u32()
	if b.err != nil {
		return 0
	}
	need := int64(n) * int64(entry)
	switch int64(b.left()) - need {
	case 0:
	case 4:
		b.skip(4)
	default:
		b.fail("%d entries need %d bytes, %d left", n, need, b.left())
		return 0
	}
	return int(n)
}

// countEx is count for the newer lists, which say how big their head and their
// entries are. Bytes after the last entry are allowed.
func (b *buf) countEx(entries ...int) (n, entry int) {
	head, size, count := b.u32(), b.u32(), b.u32()
	if b.err != nil {
		return 0, 0
	}
	for _, e := range entries {
		if int64(size) == int64(e) {
			entry = e
		}
	}
	if entry == 0 {
		b.fail("entries of %d bytes, which we do not know", size)
		return 0, 0
	}
	if int64(head) < int64(b.off) {
		b.fail("a head of %d bytes is too small", head)
		return 0, 0
	}
	if need := int64(head) + int64(count)*int64(entry); need > int64(len(b.data)) {
		b.fail("%d entries need %d bytes, the stream has %d", count, need, len(b.data))
		return 0, 0
	}
	b.skip(int(head) - b.off)
	return int(count), entry
}
