package disasm

import "strconv"

// sizeName is how accesses of so many bytes are written.
func sizeName(bytes int) string {
	switch bytes {
	case 1:
		return "byte"
	case 2:
		return "word"
	case 4:
		return "dword"
	case 6:
		return "far"
	case 8:
		return "qword"
	case 10:
		return "mword"
	case 16:
		return "xmmword"
	case 32:
		return "ymmword"
	case 64:
		return "zmmword"
	}
	return "ptr"
}

// write makes the text.
func (in *Inst) write() string {
	b := append([]byte(nil), in.prefix...)
	b = append(b, in.Mnemonic...)
	for i := range in.Operands {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ' ')
		b = in.Operands[i].append(b)
	}
	return string(b)
}

func (o *Operand) append(b []byte) []byte {
	switch o.Kind {
	case Register:
		b = append(b, o.Reg...)
	case Immediate:
		if o.unsigned {
			b = append(b, "0x"...)
			b = strconv.AppendUint(b, uint64(o.Value), 16)
		} else {
			b = appendSigned(b, "", "-", o.Value)
		}
	case Relative:
		b = appendSigned(append(b, '$'), "+", "-", o.Value)
	case Far:
		b = strconv.AppendUint(append(b, "0x"...), uint64(o.Value), 16)
		b = strconv.AppendUint(append(b, ":0x"...), uint64(o.Disp), 16)
	case Memory:
		b = o.appendMemory(b)
	}
	return append(b, o.suffix...)
}

func appendSigned(b []byte, plus, minus string, v int64) []byte {
	u := uint64(v)
	if v < 0 {
		b, u = append(b, minus...), -u
	} else {
		b = append(b, plus...)
	}
	return strconv.AppendUint(append(b, "0x"...), u, 16)
}

func (o *Operand) appendMemory(b []byte) []byte {
	b = append(append(b, sizeName(o.size)...), ' ')
	if o.Segment != "" {
		b = append(append(b, o.Segment...), ':')
	}
	b = append(b, '[')
	if o.Base == "" && o.Index == "" {
		disp := uint64(o.Disp)
		if int64(int32(o.Disp)) == o.Disp {
			disp &= 0xffffffff // the sign is for the address
		}
		b = strconv.AppendUint(append(b, "0x"...), disp, 16)
		return append(b, ']')
	}
	b = append(b, o.Base...)
	if o.Index != "" {
		if o.Base != "" {
			b = append(b, " + "...)
		}
		b = append(b, o.Index...)
		b = append(b, " * "...)
		b = strconv.AppendUint(b, uint64(o.Scale), 10)
	}
	if o.Disp != 0 {
		b = appendSigned(append(b, ' '), "+ ", "- ", o.Disp)
	}
	return append(b, ']')
}
