package minidump

const (
	handleSize  = 32
	handleSize2 = 40 // with a list of object information, which holds nothing that we show
)

func (p *parser) handleData(b *buf) {
	n, size := b.countEx(handleSize, handleSize2)
	handles := make([]Handle, 0, n)
	for range n {
		h := Handle{Value: b.u64(), TypeName: p.optional16(b.u32()), ObjectName: p.optional16(b.u32())}
		h.Attributes, h.GrantedAccess, h.HandleCount, h.PointerCount = b.u32(), b.u32(), b.u32(), b.u32()
		b.skip(size - handleSize)
		handles = append(handles, h)
	}
	if b.err == nil {
		p.d.Handles = handles
	}
}

// optional16 is the text at an offset where 0 means that there is none.
func (p *parser) optional16(rva uint32) *string {
	if rva == 0 {
		return nil
	}
	return p.utf16At(uint64(rva))
}
