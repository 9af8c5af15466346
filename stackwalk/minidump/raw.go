package minidump

import "strings"

// Size is the bytes of the whole file.
func (d *Dump) Size() int { return len(d.file) }

// Text16 is a stream that is UTF-16 text from end to end, such as a comment; false
// when the dump has none or it is no such text.
func (d *Dump) Text16(t StreamType) (string, bool) {
	p := &parser{file: d.file, order: d.Memory.Order()}
	for i := len(d.Streams) - 1; i >= 0; i-- {
		if d.Streams[i].Type == t {
			raw, ok := d.Raw(d.Streams[i])
			if !ok {
				return "", false
			}
			text, ok := p.decode16(raw)
			return strings.TrimRight(text, "\x00"), ok
		}
	}
	return "", false
}

// Raw is a stream as it stands in the file, false when it is not all there.
func (d *Dump) Raw(s Stream) ([]byte, bool) {
	return (&parser{file: d.file}).part(location{s.Size, s.RVA})
}
