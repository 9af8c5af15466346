package symbols

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
)

// mostParsers bounds the parsers of one file, and so the memory that it takes to
// read it: each has a chunk or two.
const mostParsers = 8

// An assembly puts a table together from the chunks of a file, in order.
type assembly struct {
	opt   Options
	chunk int // bytes parsed at a time; 0 means middleChunk
	// out takes the packed bodies and names. nil leaves them in the file: then
	// refs are places in the text.
	out io.Writer

	index   index
	module  *moduleLine
	url     string
	lines   int // so far
	bad     int
	samples []BadLine
	good    bool   // a record made sense
	base    uint64 // what refs of the next chunk are relative to
}

// A job is a chunk on its way through a parser. Jobs go round and round, so that
// a file of any size is read in the memory of a few chunks.
type job struct {
	text []byte
	last bool
	err  error // of reading; then there is nothing to parse
	out  chunk
	done chan struct{}
}

// read parses the file that r gives, on several CPUs if it is long.
func (a *assembly) read(r io.Reader) error {
	cutter := &chunker{r: r, limit: a.opt.limit(), mark: !a.opt.Strict, size: cmp.Or(a.chunk, middleChunk)}
	text, last, err := cutter.next(nil)
	a.base = a.skipped(cutter, text)
	if err != nil {
		return a.readError(err)
	}
	if last {
		p := a.newParser()
		return a.add(p.parse(text, true))
	}
	return a.readParallel(cutter, text)
}

// skipped is how many bytes a byte order mark took from the front of the text.
func (a *assembly) skipped(c *chunker, text []byte) uint64 {
	if a.out != nil {
		return 0
	}
	return uint64(c.total) - uint64(len(text)) - uint64(len(c.carry))
}

func (a *assembly) newParser() *parser {
	mode := inText
	if a.out != nil {
		mode = packed
	}
	return newParser(a.opt.Strict, mode)
}

// readParallel has one goroutine read, several parse, and puts the results
// together in this one.
func (a *assembly) readParallel(cutter *chunker, first []byte) error {
	parsers := min(runtime.GOMAXPROCS(0), mostParsers)
	work := make(chan *job)
	jobs := parsers + 2
	order := make(chan *job, jobs)
	free := make(chan *job, jobs)
	for range jobs {
		free <- &job{done: make(chan struct{}, 1)}
	}
	var stop atomic.Bool
	var group sync.WaitGroup
	group.Go(func() { cutAll(cutter, first, free, work, order, &stop) })
	for range parsers {
		group.Go(func() {
			p := a.newParser()
			for j := range work {
				p.parseGuarded(j)
				j.done <- struct{}{}
			}
		})
	}
	var failure error
	for j := range order {
		if j.err == nil {
			<-j.done
		}
		switch {
		case failure != nil:
		case j.err != nil:
			failure = a.readError(j.err)
		default:
			if failure = a.add(&j.out); failure != nil {
				stop.Store(true)
			}
		}
		if cap(j.text) > 2*cutter.size {
			j.text = nil // one long function must not make all buffers large
		}
		free <- j
	}
	group.Wait()
	return failure
}

// cutAll cuts the file until it ends, reading fails or somebody says stop.
func cutAll(cutter *chunker, first []byte, free, work, order chan *job, stop *atomic.Bool) {
	defer close(order)
	defer close(work)
	j := <-free
	for j.text = first; ; {
		order <- j
		if j.err != nil {
			return
		}
		last := j.last
		work <- j
		if last || stop.Load() {
			return
		}
		j = <-free
		j.text, j.last, j.err = cutter.guardedNext(j.text)
	}
}

// guardedNext turns a panic of the reader into an error: the goroutine belongs to
// nobody, so that it would end the program.
func (c *chunker) guardedNext(buf []byte) (text []byte, last bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return c.next(buf)
}

func (p *parser) parseGuarded(j *job) {
	defer func() {
		if r := recover(); r != nil {
			j.out.err = fmt.Errorf("stackwalk/symbols: parse: panic: %v\n%s", r, debug.Stack())
		}
	}()
	j.out.reset()
	p.out = &j.out
	p.parse(j.text, j.last)
}

func (a *assembly) readError(err error) error {
	_, tooLarge := errors.AsType[tooLargeError](err)
	_, tooLong := errors.AsType[longBlockError](err)
	if tooLarge || tooLong {
		return &ParseError{a.lines, err.Error()}
	}
	return fmt.Errorf("stackwalk/symbols: read after line %d: %w", a.lines, err)
}

// add puts what a chunk says behind what those before it said.
func (a *assembly) add(c *chunk) error {
	if bad, ok := errors.AsType[*ParseError](c.err); ok {
		return &ParseError{bad.Line + a.lines, bad.Reason}
	}
	if c.err != nil {
		return c.err
	}
	if c.module != nil {
		if a.opt.Strict && a.lines+c.module.line != 1 {
			return &ParseError{a.lines + c.module.line, "MODULE is not the first line"}
		}
		if a.module == nil {
			a.module = c.module
		} else {
			c.bad++
			c.samples = append(c.samples, BadLine{c.module.line, secondModule})
			slices.SortStableFunc(c.samples, func(x, y BadLine) int { return cmp.Compare(x.Line, y.Line) })
		}
	}
	if c.hasURL {
		a.url = c.url
	}
	a.bad += c.bad
	a.good = a.good || c.good
	for _, s := range c.samples[:min(len(c.samples), badSamples-len(a.samples))] {
		a.samples = append(a.samples, BadLine{s.Line + a.lines, s.Reason})
	}
	a.lines += c.lines
	end := a.base + uint64(c.size)
	if end > math.MaxUint32 {
		return &ParseError{a.lines, "the records do not fit 4 GiB"}
	}
	if a.out != nil {
		if _, err := a.out.Write(c.blob); err != nil {
			return fmt.Errorf("stackwalk/symbols: keep: %w", err)
		}
	}
	a.index.add(&c.index, uint32(a.base))
	a.base = end
	return nil
}

// add appends the records of a chunk whose refs are relative to base.
func (x *index) add(c *index, base uint32) {
	for _, n := range c.files {
		x.files = push(x.files, named{n.id, n.name.from(base)})
	}
	for _, n := range c.origins {
		x.origins = push(x.origins, named{n.id, n.name.from(base)})
	}
	for _, f := range c.funcs {
		f.name, f.body = f.name.from(base), f.body.from(base)
		x.funcs = push(x.funcs, f)
	}
	for _, p := range c.publics {
		p.name = p.name.from(base)
		x.publics = push(x.publics, p)
	}
	for _, b := range c.cfi {
		b.body = b.body.from(base)
		x.cfi = push(x.cfi, b)
	}
	for _, w := range c.frames {
		w.program = w.program.from(base)
		x.frames = appendWin(x.frames, w)
	}
	for _, w := range c.fpos {
		w.program = w.program.from(base)
		x.fpos = appendWin(x.fpos, w)
	}
}

func (r ref) from(base uint32) ref {
	if r.len == 0 {
		return ref{}
	}
	return ref{r.off + base, r.len}
}

// verdict says whether what was read is a symbol file at all.
func (a *assembly) verdict() error {
	switch {
	case a.lines == 0:
		return &ParseError{0, "the file is empty"}
	case !a.good && a.bad > 0:
		// A web server's error page, or UTF-16: nothing in it is a record.
		return &ParseError{a.samples[0].Line, a.samples[0].Reason}
	}
	return nil
}

// finish gives t what was read, sorted by address or number. t's data must be
// there.
func (a *assembly) finish(t *Table) error {
	if err := a.verdict(); err != nil {
		return err
	}
	t.Lines, t.Bad, t.Samples, t.URL = a.lines, a.bad, a.samples, a.url
	if m := a.module; m != nil {
		t.OS, t.Arch, t.DebugID, t.DebugFile = m.os, m.arch, m.id, m.file
	}
	x := &a.index
	x.funcs = fit(dropOverlaps(x.funcs, func(f function) (uint32, uint32) { return f.addr, f.last }))
	x.cfi = fit(dropOverlaps(x.cfi, func(c cfiBlock) (uint32, uint32) { return c.addr, c.last }))
	x.frames = fit(dropOverlaps(x.frames, winSpan))
	x.fpos = fit(dropOverlaps(x.fpos, winSpan))
	x.files, x.origins = fit(lastOfEach(x.files)), fit(lastOfEach(x.origins))
	byAddress := func(a, b public) int {
		if a.addr != b.addr {
			return cmp.Compare(a.addr, b.addr)
		}
		return cmp.Or(t.compareNames(a.name, b.name), cmp.Compare(a.params, b.params))
	}
	if !slices.IsSortedFunc(x.publics, byAddress) {
		slices.SortFunc(x.publics, byAddress)
	}
	x.publics = fit(x.publics)
	t.index = *x
	return nil
}

// compareNames orders two names.
func (t *Table) compareNames(a, b ref) int {
	x, _ := t.bytes(a)
	y, _ := t.bytes(b)
	return slices.Compare(x, y)
}
