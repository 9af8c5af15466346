package symbols

import (
	"bytes"
	"unicode/utf8"
)

// A chunk is what a piece of a symbol file says. Refs are relative to its text,
// or to its blob when there is one.
type chunk struct {
	index
	module  *moduleLine // the first
	url     string      // of the last INFO URL
	hasURL  bool
	lines   int
	bad     int
	samples []BadLine // by line of the chunk
	good    bool      // a record made sense
	blob    []byte
	size    int // of what refs are relative to
	err     error
}

func (c *chunk) reset() {
	x := &c.index
	*c = chunk{blob: c.blob[:0], samples: c.samples[:0], index: index{
		x.files[:0], x.origins[:0], x.funcs[:0], x.publics[:0], x.cfi[:0], x.frames[:0], x.fpos[:0],
	}}
}

type moduleLine struct {
	line               int
	os, arch, id, file string
}

// A mode is what a parser does with the bodies of functions and STACK CFI INIT.
type mode uint8

const (
	inText mode = iota // checks them and leaves them in the text
	packed             // packs them into the blob
	kept               // keeps the last one in the parser
)

// A parser reads one chunk after the other.
type parser struct {
	strict bool
	mode   mode

	text    []byte // of the chunk; its capacity ends where it does
	at      int    // where the current line begins
	number  int    // of the current line, from 1
	block   block  // what the current line may continue
	blockAt int    // where the block began
	init    ref    // rules of the STACK CFI INIT
	lines   []line // of the current function
	inlines []inline
	rows    []cfiRow       // of the current STACK CFI INIT
	rules   map[string]ref // CFI rules of the chunk; a file repeats few of them often
	out     *chunk
}

type block uint8

const (
	noBlock block = iota
	inFunction
	inSkippedFunction // one without size: its lines are read and left out
	inCFI
	inSkippedCFI
)

func newParser(strict bool, m mode) *parser {
	return &parser{strict: strict, mode: m, rules: map[string]ref{}, out: &chunk{}}
}

// parse reads a chunk, of which only the last of a file may end within a line.
func (p *parser) parse(text []byte, last bool) *chunk {
	p.text, p.at, p.number, p.block = text[:len(text):len(text)], 0, 0, noBlock
	clear(p.rules)
	for p.at < len(p.text) {
		if p.block == inFunction || p.block == inSkippedFunction {
			if n := p.fast(p.text[p.at:]); n > 0 {
				p.at += n
				p.number++
				continue
			}
		}
		if err := p.next(last); err != nil {
			p.out.err = err
			break
		}
	}
	p.endBlock()
	p.out.lines, p.out.size = p.number, len(p.text)
	if p.mode == packed {
		p.out.size = len(p.out.blob)
	}
	return p.out
}

// next reads the line at p.at.
func (p *parser) next(last bool) error {
	b := p.text[p.at:]
	end := bytes.IndexByte(b, '\n')
	next := p.at + end + 1
	whole := end >= 0
	if !whole {
		end, next = len(b), len(p.text)
	}
	p.number++
	switch {
	case end >= longestLine:
		p.bad("the line is too long")
		p.at = next
		return nil
	case !whole && last && p.strict:
		return &ParseError{p.number, "the last line does not end with a newline"}
	}
	b = b[:end]
	for len(b) > 0 && b[len(b)-1] == '\r' {
		b = b[:len(b)-1]
	}
	if reason := p.line(b); reason != "" {
		if p.strict {
			return &ParseError{p.number, reason}
		}
		p.bad(reason)
	}
	p.at = next
	return nil
}

func (p *parser) bad(reason string) {
	p.out.bad++
	if len(p.out.samples) < badSamples {
		p.out.samples = append(p.out.samples, BadLine{p.number, reason})
	}
}

// line reads one line and says what is wrong with it, "" for nothing.
func (p *parser) line(b []byte) string {
	if p.strict && bytes.IndexByte(b, '\r') >= 0 {
		return "there is a carriage return in the line"
	}
	if len(b) == 0 || !p.strict && len(trimBlanks(b)) == 0 {
		if p.strict {
			p.endBlock()
		}
		return ""
	}
	switch p.block {
	case inCFI, inSkippedCFI:
		if f, ok := record(b, "STACK CFI"); ok && !bytes.HasPrefix(f.rest, []byte("INIT")) {
			return p.cfiRow(&f)
		}
	case inFunction, inSkippedFunction:
		switch {
		case hexDigit(b[0]) >= 0 && b[0] != 'F':
			return p.sourceLine(&fields{rest: b})
		case bytes.HasPrefix(b, []byte("INLINE ")):
			f, _ := record(b, "INLINE")
			return p.inline(&f)
		case bytes.HasPrefix(b, []byte("INLINE_ORIGIN ")):
			f, _ := record(b, "INLINE_ORIGIN")
			return p.named(&f, &p.out.origins)
		case b[0] == 'F' && !bytes.HasPrefix(b, []byte("FUNC")) && !bytes.HasPrefix(b, []byte("FILE")):
			return p.sourceLine(&fields{rest: b})
		}
	}
	return p.topLevel(b)
}

// topLevel reads a record that continues none. Those that end a block whatever
// it is are the ones where a file is cut, see beginsBlock.
func (p *parser) topLevel(b []byte) string {
	switch b[0] {
	case 'F':
		if f, ok := record(b, "FUNC"); ok {
			p.endBlock()
			return p.function(&f)
		}
		if f, ok := record(b, "FILE"); ok {
			p.pause()
			return p.named(&f, &p.out.files)
		}
	case 'P':
		if f, ok := record(b, "PUBLIC"); ok {
			p.endBlock()
			return p.public(&f)
		}
	case 'S':
		if f, ok := record(b, "STACK CFI INIT"); ok {
			p.endBlock()
			return p.cfiInit(&f)
		}
		if f, ok := record(b, "STACK WIN"); ok {
			p.endBlock()
			return p.stackWin(&f)
		}
		if _, ok := record(b, "STACK CFI"); ok {
			return "STACK CFI without STACK CFI INIT before it"
		}
	case 'I':
		p.pause()
		if f, ok := record(b, "INLINE_ORIGIN"); ok {
			return p.named(&f, &p.out.origins)
		}
		if f, ok := record(b, "INFO URL"); ok {
			return p.infoURL(&f)
		}
		if _, ok := record(b, "INFO"); ok {
			return ""
		}
	case 'M':
		if f, ok := record(b, "MODULE"); ok {
			return p.moduleRecord(&f)
		}
	}
	if hexDigit(b[0]) >= 0 || bytes.HasPrefix(b, []byte("INLINE ")) {
		return "a line record outside a function"
	}
	return "unknown kind of record"
}

// pause is a record that has no business between a function's lines. The lines
// after it are still the function's, unless we are strict.
func (p *parser) pause() {
	if p.strict {
		p.endBlock()
	}
}

// record splits the kind off a line. It is false when the line is of another
// kind.
func record(b []byte, kind string) (fields, bool) {
	if len(b) <= len(kind) || string(b[:len(kind)]) != kind || b[len(kind)] != ' ' && b[len(kind)] != '\t' {
		return fields{}, false
	}
	at := len(kind) + 1
	for at < len(b) && (b[at] == ' ' || b[at] == '\t') {
		at++
	}
	return fields{rest: b[at:]}, true
}

// keep is the ref of a name, which is a piece of the current line.
func (p *parser) keep(b []byte) ref {
	switch {
	case len(b) == 0:
		return ref{}
	case p.mode != packed:
		// All slices of the text end at its end, so this is how far b's is.
		return ref{uint32(cap(p.text) - cap(b)), uint32(len(b))}
	}
	return p.pack(b)
}

// keepRules is like keep for CFI rules, of which each is packed only once.
func (p *parser) keepRules(b []byte) ref {
	if p.mode != packed {
		return p.keep(b)
	}
	if r, ok := p.rules[string(b)]; ok {
		return r
	}
	r := p.keep(b)
	p.rules[string(b)] = r
	return r
}

// name checks the text at the end of a record.
func (f *fields) name() []byte {
	if !utf8.Valid(f.rest) {
		f.fail("a name is not UTF-8")
	}
	return f.rest
}

const secondModule = "a second MODULE line"

// moduleRecord reads MODULE system CPU id name. The assembly, which knows what
// came before, checks that it is the first.
func (p *parser) moduleRecord(f *fields) string {
	m := moduleLine{p.number, string(f.word()), string(f.word()), string(f.word()), string(f.name())}
	if f.reason != "" {
		return f.reason
	}
	for i := range len(m.id) {
		if hexDigit(m.id[i]) < 0 {
			return "the debug id is not hexadecimal"
		}
	}
	if p.out.module != nil {
		return secondModule
	}
	p.out.module = &m
	p.out.good = true
	return ""
}

func (p *parser) infoURL(f *fields) string {
	if url := f.name(); f.reason == "" {
		p.out.url, p.out.hasURL = string(url), true
	}
	return f.reason
}

// named reads FILE and INLINE_ORIGIN: a number and what it stands for.
func (p *parser) named(f *fields, list *[]named) string {
	id := f.decimal()
	if len(f.rest) == 0 && !p.strict {
		f.rest = []byte{' '} // an editor took the blank before an empty name
	}
	f.gap()
	name := f.name()
	if f.reason != "" {
		return f.reason
	}
	*list = append(*list, named{id, p.keep(name)})
	p.out.good = true
	return ""
}
