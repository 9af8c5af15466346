package symbols

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

const (
	// longestLine is how long a line may be; longer ones are left out. C++
	// symbols of more than 100 KB have been seen, and the peers stop there too.
	longestLine = 160 << 10
	// DefaultMaxSize bounds a symbol file, unpacked, in bytes.
	DefaultMaxSize = 2 << 30
	badSamples     = 8
)

// Options say how to read a symbol file. The zero value is forgiving.
type Options struct {
	// Strict rejects the whole file for one line that makes no sense, for a
	// missing newline at its end and for a MODULE line that is not the first, as
	// rust-minidump does.
	Strict bool
	// MaxSize is the most bytes a file may have. 0 means [DefaultMaxSize].
	MaxSize int64
}

// A ParseError says where a symbol file stopped making sense.
type ParseError struct {
	Line   int // from 1; 0 when the file as a whole is wrong
	Reason string
}

func (e *ParseError) Error() string {
	if e.Line == 0 {
		return "symbol file: " + e.Reason
	}
	return fmt.Sprintf("symbol file line %d: %s", e.Line, e.Reason)
}

// Parse reads a symbol file. The error is a [*ParseError] when the file is no
// symbol file, or else what r returned.
func Parse(r io.Reader, opt Options) (*Table, error) {
	if opt.MaxSize == 0 {
		opt.MaxSize = DefaultMaxSize
	}
	// Offsets into the text of a table are 32 bits wide.
	limit := min(opt.MaxSize, math.MaxUint32)
	in := &io.LimitedReader{R: r, N: limit + 1}
	br := bufio.NewReaderSize(in, longestLine)
	if !opt.Strict {
		skipMark(br)
	}
	p := &parser{table: &Table{}, strict: opt.Strict, rules: map[string]ref{}}
	if err := p.read(br); err != nil {
		return nil, err
	}
	if in.N <= 0 {
		return nil, &ParseError{p.number, fmt.Sprintf("the file is larger than the %d bytes allowed", limit)}
	}
	return p.finish()
}

// skipMark drops a byte order mark, which Windows editors put before UTF-8.
func skipMark(br *bufio.Reader) {
	if b, err := br.Peek(3); err == nil && string(b) == "\xef\xbb\xbf" {
		br.Discard(3)
	}
}

// A parser holds what the lines so far have said.
type parser struct {
	table  *Table
	strict bool
	number int // of the current line, from 1
	text   strings.Builder
	rules  map[string]ref // CFI rules seen; a file repeats few of them often
	block  block          // what the current line may continue
	good   bool           // a record made sense
}

type block uint8

const (
	noBlock block = iota
	inFunction
	inSkippedFunction // one without size: its lines are read and left out
	inCFI
	inSkippedCFI
)

func (p *parser) read(br *bufio.Reader) error {
	for {
		b, err := br.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if err := p.skipLong(br); err != nil {
				return endOf(err, p.number)
			}
			continue
		case len(b) == 0:
			return endOf(err, p.number)
		}
		p.number++
		whole := b[len(b)-1] == '\n'
		if whole {
			b = b[:len(b)-1]
		} else if p.strict {
			return &ParseError{p.number, "the last line does not end with a newline"}
		}
		for len(b) > 0 && b[len(b)-1] == '\r' {
			b = b[:len(b)-1]
		}
		if reason := p.line(b); reason != "" {
			if p.strict {
				return &ParseError{p.number, reason}
			}
			p.bad(reason)
		}
		if !whole {
			return endOf(err, p.number)
		}
	}
}

// endOf is nil when reading stopped because the file ended.
func endOf(err error, line int) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("stackwalk/symbols: read after line %d: %w", line, err)
}

// skipLong drops the rest of a line that does not fit the buffer.
func (p *parser) skipLong(br *bufio.Reader) error {
	p.number++
	p.bad("the line is too long")
	for {
		_, err := br.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (p *parser) bad(reason string) {
	p.table.Bad++
	if len(p.table.Samples) < badSamples {
		p.table.Samples = append(p.table.Samples, BadLine{p.number, reason})
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
			return p.named(&f, &p.table.origins)
		case b[0] == 'F' && !bytes.HasPrefix(b, []byte("FUNC")) && !bytes.HasPrefix(b, []byte("FILE")):
			return p.sourceLine(&fields{rest: b})
		}
	}
	return p.topLevel(b)
}

// topLevel reads a record that continues none.
func (p *parser) topLevel(b []byte) string {
	switch b[0] {
	case 'F':
		if f, ok := record(b, "FUNC"); ok {
			p.endBlock()
			return p.function(&f)
		}
		if f, ok := record(b, "FILE"); ok {
			p.pause()
			return p.named(&f, &p.table.files)
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
			return p.named(&f, &p.table.origins)
		}
		if f, ok := record(b, "INFO URL"); ok {
			return p.url(&f)
		}
		if _, ok := record(b, "INFO"); ok {
			return ""
		}
	case 'M':
		if f, ok := record(b, "MODULE"); ok {
			return p.module(&f)
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

// keep copies a name into the table's text.
func (p *parser) keep(b []byte) ref {
	if p.text.Cap()-p.text.Len() < len(b) {
		p.text.Grow(max(64<<10, p.text.Len(), len(b))) // doubles, like push
	}
	r := ref{uint32(p.text.Len()), uint32(len(b))}
	p.text.Write(b)
	return r
}

// keepRules copies CFI rules, but each only once.
func (p *parser) keepRules(b []byte) ref {
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

func (p *parser) module(f *fields) string {
	if p.number != 1 && p.strict {
		return "MODULE is not the first line"
	}
	os, arch, id := string(f.word()), string(f.word()), string(f.word())
	file := f.name()
	if f.reason != "" {
		return f.reason
	}
	if p.table.DebugID != "" {
		return "a second MODULE line"
	}
	for i := range len(id) {
		if hexDigit(id[i]) < 0 {
			return "the debug id is not hexadecimal"
		}
	}
	p.table.OS, p.table.Arch, p.table.DebugID, p.table.DebugFile = os, arch, id, string(file)
	p.good = true
	return ""
}

func (p *parser) url(f *fields) string {
	p.table.URL = string(f.name())
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
	p.good = true
	return ""
}
