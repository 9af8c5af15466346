package stackwalk

import "io"

// A plainWriter writes text with what could command a terminal escaped. The texts
// of a dump are those of whoever sent it, and a thread may be named "\x1b]0;…".
type plainWriter struct {
	w io.Writer
	// held says that the last byte was 0xc2, which begins the control characters
	// U+0080 to U+009F and much that is harmless. It is not written yet.
	held bool
}

func (p *plainWriter) Write(b []byte) (int, error) {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(b)+16)
	for _, c := range b {
		control := c < ' ' && c != '\n' && c != '\t' || c == 0x7f
		if p.held {
			p.held = false
			if control = c >= 0x80 && c < 0xa0; !control {
				out = append(out, 0xc2)
				control = c < ' ' && c != '\n' && c != '\t' || c == 0x7f
			}
		}
		switch {
		case control:
			out = append(out, '\\', 'x', hex[c>>4], hex[c&15])
		case c == 0xc2:
			p.held = true
		default:
			out = append(out, c)
		}
	}
	if _, err := p.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// finish writes what is held.
func (p *plainWriter) finish() error {
	if !p.held {
		return nil
	}
	p.held = false
	_, err := p.w.Write([]byte{0xc2})
	return err
}
