package minidump

import (
	"encoding/binary"
	"fmt"
)

// A MemoryMap is the memory that a dump holds, ready for lookup by address. Where
// regions overlap, the one that starts lowest has the address.
type MemoryMap struct {
	Regions []Region // in the order of the file, those that do not fit left out
	order   binary.ByteOrder
	index   rangeMap
}

// NewMemoryMap makes a map of regions, for tests and for memory from elsewhere.
func NewMemoryMap(order binary.ByteOrder, regions ...Region) MemoryMap {
	spans := make([]span, 0, len(regions))
	for i, r := range regions {
		spans = appendSpan(spans, r.Base, uint64(len(r.Data)), i)
	}
	return MemoryMap{Regions: regions, order: order, index: newRangeMap(spans)}
}

// At is the region that holds addr.
func (m MemoryMap) At(addr uint64) (Region, bool) {
	i, ok := m.index.at(addr)
	if !ok {
		return Region{}, false
	}
	return m.Regions[i], true
}

// Uint reads a number of size bytes (1, 2, 4 or 8) in the dump's byte order. It
// is false when a byte of it is not in the dump.
func (m MemoryMap) Uint(addr uint64, size int) (uint64, bool) {
	r, ok := m.At(addr)
	if !ok {
		return 0, false
	}
	return r.Uint(addr, size, m.Order())
}

// Order is the dump's byte order; little endian for the zero MemoryMap.
func (m MemoryMap) Order() binary.ByteOrder {
	if m.order == nil {
		return binary.LittleEndian
	}
	return m.order
}

// Uint reads a number of size bytes (1, 2, 4 or 8) at addr.
func (r Region) Uint(addr uint64, size int, order binary.ByteOrder) (uint64, bool) {
	off := addr - r.Base
	if addr < r.Base || off > uint64(len(r.Data)) || uint64(len(r.Data))-off < uint64(size) {
		return 0, false
	}
	b := r.Data[off:]
	switch size {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(order.Uint16(b)), true
	case 4:
		return uint64(order.Uint32(b)), true
	case 8:
		return order.Uint64(b), true
	}
	return 0, false
}

// Contains says whether addr is in the region.
func (r Region) Contains(addr uint64) bool {
	return addr >= r.Base && addr-r.Base < uint64(len(r.Data))
}

const (
	memorySize     = 16 // of a MemoryList entry
	memory64Size   = 16
	memoryInfoSize = 48
)

// memory reads Memory64List, or MemoryList when there is no good one.
func (p *parser) memory() {
	var wide []Region
	if b, ok := p.stream(Memory64ListStream); ok {
		if wide = p.memory64List(b); b.err == nil {
			p.d.Memory = NewMemoryMap(p.order, wide...)
			return
		}
		p.warn(b.err)
	}
	if b, ok := p.stream(MemoryListStream); ok {
		regions := p.memoryList(b)
		p.warn(b.err)
		p.d.Memory = NewMemoryMap(p.order, regions...)
		return
	}
	// The disk was full before the dump was: what is there is still good.
	if len(wide) > 0 {
		p.d.partial[Memory64ListStream] = true
	}
	p.d.Memory = NewMemoryMap(p.order, wide...)
}

// memoryList leaves out regions that are not in the file: writers of minidumps
// run out of disk, and then the last regions are missing.
func (p *parser) memoryList(b *buf) []Region {
	n := b.count(memorySize)
	regions := make([]Region, 0, n)
	for range n {
		base, loc := b.u64(), b.location()
		if loc.rva == 0 || loc.size == 0 {
			continue
		}
		data, ok := p.part(loc)
		if !ok {
			p.warn(&FormatError{
				Malformed, b.stream, b.start + int64(b.off) - memorySize,
				fmt.Sprintf("the memory at %#x, %d bytes, is not in the file", base, loc.size),
			})
			continue
		}
		regions = append(regions, Region{base, data})
	}
	return regions
}

// memory64List has one place in the file for all regions, one after the other, so
// that one bad size spoils all that follow.
func (p *parser) memory64List(b *buf) []Region {
	count, rva := b.u64(), b.u64()
	if b.err != nil {
		return nil
	}
	if uint64(b.left())%memory64Size != 0 || count != uint64(b.left()/memory64Size) {
		b.fail("%d entries of %d bytes do not fit the %d left", count, memory64Size, b.left())
		return nil
	}
	regions := make([]Region, 0, count)
	for range count {
		base, size := b.u64(), b.u64()
		end := rva + size
		if end < rva || end > uint64(len(p.file)) {
			b.fail("the memory at %#x, %d bytes, and all after it is not in the file", base, size)
			return regions
		}
		regions = append(regions, Region{base, p.file[rva:end:end]})
		rva = end
	}
	return regions
}

func (p *parser) memoryInfoList(b *buf) {
	n, _ := b.countEx(memoryInfoSize)
	infos := make([]MemoryInfo, 0, n)
	for range n {
		var m MemoryInfo
		m.Base, m.AllocationBase, m.AllocationProtect = b.u64(), b.u64(), b.u32()
		b.skip(4)
		m.Size, m.State, m.Protect, m.Type = b.u64(), b.u32(), b.u32(), b.u32()
		b.skip(4)
		infos = append(infos, m)
	}
	if b.err == nil {
		p.d.MemoryInfo = infos
	}
}

// Readable says whether the process could read there.
func (m MemoryInfo) Readable() bool { return m.Protect&(0x02|0x04|0x20|0x40) != 0 }

// Writable says whether the process could write there.
func (m MemoryInfo) Writable() bool { return m.Protect&(0x04|0x08|0x40|0x80) != 0 }

// Executable says whether the process could run code there.
func (m MemoryInfo) Executable() bool { return m.Protect&(0x10|0x20|0x40|0x80) != 0 }
