package symbols

// A position gathers, of a function's lines and inlined calls, those that an
// address is in. They pass by once; nothing but a few is kept of a function that
// may have thousands.
type position struct {
	addr    uint32
	line    line
	hasLine bool

	// Of each depth, the call that begins last at or before addr: it is the one, or
	// there is none at that depth.
	shallow [32]inline
	has     [32]bool
	deep    map[uint32]inline // deeper ones, which hardly any function has
}

func (p *position) onLine(l line) {
	if l.addr <= p.addr && p.addr <= l.last && !p.hasLine {
		p.line, p.hasLine = l, true
	}
}

func (p *position) onInline(in inline) {
	if in.addr > p.addr {
		return
	}
	if in.depth < uint32(len(p.shallow)) {
		if best := &p.shallow[in.depth]; !p.has[in.depth] || compareInlines(*best, in) < 0 {
			*best, p.has[in.depth] = in, true
		}
		return
	}
	if best, ok := p.deep[in.depth]; !ok || compareInlines(best, in) < 0 {
		if p.deep == nil {
			p.deep = map[uint32]inline{}
		}
		p.deep[in.depth] = in
	}
}

// at is the line, nil when there is none.
func (p *position) at() *line {
	if !p.hasLine {
		return nil
	}
	return &p.line
}

// inlineAt is the call inlined at depth, false when there is none.
func (p *position) inlineAt(depth uint32) (inline, bool) {
	in, ok := p.deep[depth]
	if depth < uint32(len(p.shallow)) {
		in, ok = p.shallow[depth], p.has[depth]
	}
	return in, ok && uint64(p.addr) < uint64(in.addr)+uint64(in.size)
}
