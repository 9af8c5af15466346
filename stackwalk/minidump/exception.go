package minidump

func (p *parser) exception(b *buf) {
	e := Exception{ThreadID: b.u32()}
	b.skip(4)
	e.Code, e.Flags, e.Record, e.Address = b.u32(), b.u32(), b.u64(), b.u64()
	e.Parameters = int(min(b.u32(), uint32(len(e.Information))))
	b.skip(4)
	for i := range e.Information {
		e.Information[i] = b.u64()
	}
	context := b.location()
	if b.err != nil {
		return
	}
	e.Context = p.context(context, "exception")
	p.d.crash, _ = p.part(context)
	p.d.Exception = &e
}

func (p *parser) breakpadInfo(b *buf) {
	valid, dump, requesting := b.u32(), b.u32(), b.u32()
	if b.err != nil {
		return
	}
	info := &BreakpadInfo{}
	if valid&1 != 0 {
		info.DumpThread = &dump
	}
	if valid&2 != 0 {
		info.RequestingThread = &requesting
	}
	p.d.Breakpad = info
}

func (p *parser) assertionInfo(b *buf) {
	const text = 128 * 2
	expression, function, file := b.take(text), b.take(text), b.take(text)
	line, typ := b.u32(), b.u32()
	if b.err != nil {
		return
	}
	p.d.Assertion = &Assertion{
		Expression: p.fixed16(expression), Function: p.fixed16(function), File: p.fixed16(file),
		Line: line, Type: typ,
	}
}
