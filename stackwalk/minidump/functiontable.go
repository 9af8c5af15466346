package minidump

import "unsafe"

// A FunctionTable is a list of functions that a process made at run time and told
// Windows of, so that stacks with them can be unwound.
type FunctionTable struct {
	First, Last uint64 // addresses that the functions lie in
	Base        uint64 // what Entries are relative to
	Entries     int
	EntrySize   int    // bytes; 12 on amd64
	Raw         []byte // the entries
}

// functionTable reads the list of tables. Sizes come first, because the structures
// are those of the CPU: a descriptor of ours, one of the system's, the entries, and
// what it takes to align the next.
func (p *parser) functionTable(b *buf) {
	head, descriptor, native, entry := b.u32(), b.u32(), b.u32(), b.u32()
	count, pad := b.u32(), b.u32()
	if b.err == nil && (int64(head) < int64(b.off) || descriptor < 32) {
		b.fail("a head of %d bytes and descriptors of %d are too small", head, descriptor)
	}
	b.skip(int(head) - b.off)
	b.skip(int(pad))
	var tables []FunctionTable
	for range count {
		t := FunctionTable{First: b.u64(), Last: b.u64(), Base: b.u64(), Entries: int(b.u32()), EntrySize: int(entry)}
		after := b.u32()
		b.skip(int(descriptor) - 32)
		b.skip(int(native))
		if size := int64(t.Entries) * int64(entry); size <= int64(b.left()) {
			t.Raw = b.take(int(size))
		} else {
			b.fail("%d entries of %d bytes are not in the stream", t.Entries, entry)
		}
		b.skip(int(after))
		if b.err == nil && !p.spend(int(unsafe.Sizeof(t))) {
			b.fail("more tables than the credit of a file of %d bytes", len(p.file))
		}
		if b.err != nil {
			return
		}
		tables = append(tables, t)
	}
	if b.err == nil {
		p.d.FunctionTables = append([]FunctionTable{}, tables...)
	}
}
