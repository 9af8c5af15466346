package signature

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"socorro"
)

// packVersion begins every packed crash. Data of another version is refused,
// and its reader goes back to the processed crash.
const packVersion = 1

// Pack writes what signatures are made of in a few hundred bytes, so that
// stored crashes can be signed again without reading their reports: thread 0
// and the crashing one, as many frames as count. It reports false for a crash
// with values that have no place in the format, which clients may send; keep
// the crash itself for those.
func Pack(d *CrashData) ([]byte, bool) {
	p := packer{known: map[string]uint64{}}
	if !p.crash(d) {
		return nil, false
	}
	return p.out, true
}

const maxLine = 1<<31 - 1

// Bits of a packed crash's header.
const (
	packHang = 1 << iota
	packSize
	packUnknownThread
)

type packer struct {
	out   []byte
	known map[string]uint64 // texts that were written, by number from 1
}

func (p *packer) number(n uint64) { p.out = binary.AppendUvarint(p.out, n) }

// text writes a text once, and its number from then on: stacks name the same
// modules again and again.
func (p *packer) text(s string) {
	if s == "" {
		p.number(0)
		return
	}
	if n, ok := p.known[s]; ok {
		p.number(n<<1 | 1)
		return
	}
	p.known[s] = uint64(len(p.known))
	p.number(uint64(len(s)) << 1)
	p.out = append(p.out, s...)
}

func (p *packer) texts(list []string) {
	p.number(uint64(len(list)))
	for _, s := range list {
		p.text(s)
	}
}

func (p *packer) crash(d *CrashData) bool {
	flags := uint64(0)
	if d.odd != nil {
		if len(d.odd.faults) > 0 || d.odd.oomNamed || d.odd.threadText != "" {
			return false
		}
		if d.odd.unknownThread {
			flags |= packUnknownThread
		}
	}
	if d.Hang != nil {
		flags |= packHang
	}
	if d.OOMAllocationSize != nil {
		flags |= packSize
	}
	p.number(packVersion)
	p.number(flags)
	for _, field := range d.packedTexts() {
		p.text(*field)
	}
	p.text(string(d.JavaException))
	p.texts(d.AdditionalMinidumps)
	if d.Hang != nil {
		p.text(*d.Hang)
	}
	if d.OOMAllocationSize != nil {
		p.out = binary.AppendVarint(p.out, *d.OOMAllocationSize)
	}
	p.out = binary.AppendVarint(p.out, int64(d.CrashingThread))
	return p.threads(d)
}

// packedTexts are the fields that are nothing but text, in the order of the format.
func (d *CrashData) packedTexts() []*string {
	return []*string{
		&d.OS, &d.Reason, &d.AbortMessage, &d.JSLargeAllocationFailure, &d.AsyncShutdownTimeout, &d.IPCChannelError,
		&d.IPCMessageName, &d.MDSWStatusString, &d.JavaStackTrace, &d.OriginalSignature,
	}
}

func (p *packer) threads(d *CrashData) bool {
	if len(d.Threads) > maxThreads {
		return false
	}
	p.number(uint64(len(d.Threads)))
	for i := range d.Threads {
		t := &d.Threads[i]
		if i != 0 && t != d.thread(d.CrashingThread) {
			continue
		}
		if t.fault != "" {
			return false
		}
		p.text(t.LastError)
		frames := t.Frames[:min(len(t.Frames), maxFrames)]
		p.number(uint64(len(frames)))
		for j := range frames {
			if !p.frame(&frames[j]) {
				return false
			}
		}
	}
	return true
}

func (p *packer) frame(f *Frame) bool {
	if !f.odd.packable() || f.Line < 0 || f.Line > maxLine {
		return false
	}
	p.text(f.Function)
	p.text(signedFile(f.Function, f.File))
	p.number(uint64(f.Line))
	module, offset := f.Module, f.Offset
	if f.named() {
		module, offset = "", ""
	}
	p.text(module)
	p.text(offset)
	p.number(uint64(min(len(f.Inlines), maxFrames)))
	for i := range f.Inlines[:min(len(f.Inlines), maxFrames)] {
		in := &f.Inlines[i]
		if !in.odd.packable() || in.Line < 0 || in.Line > maxLine {
			return false
		}
		p.text(in.Function)
		p.text(signedFile(in.Function, in.File))
		p.number(uint64(in.Line))
	}
	unloaded := ""
	if len(f.UnloadedModules) > 0 {
		unloaded = f.UnloadedModules[0].Module
	}
	p.number(uint64(min(len(f.UnloadedModules), 1)))
	p.text(unloaded)
	return true
}

// named reports whether the frame and all functions inlined into it have names,
// so that nobody asks for their module.
func (f *Frame) named() bool {
	return f.Function != "" && !slices.ContainsFunc(f.Inlines, func(in Inline) bool { return in.Function == "" })
}

// signedFile is as much of a source file as today's rules look at: of a
// function that has a name, whether it is Rust, and the path if Rust 1.34 may
// have made it. Paths would be a third of the data.
func signedFile(function, file string) string {
	if function == "" {
		return file
	}
	switch path := sourceFile(file); {
	case strings.HasPrefix(path, "src/lib"):
		return "::" + path + ":"
	case strings.HasSuffix(path, ".rs"):
		return "/.rs"
	}
	return ""
}

// packable reports whether the frame's fields say all that today's rules look at.
func (o *oddFrame) packable() bool {
	return o == nil || o.fault == "" && o.line == "" && !o.offsetVerbatim
}

// Unpack reads what Pack wrote. The error is of kind [socorro.ErrInvalid].
func Unpack(data []byte) (*CrashData, error) {
	u := unpacker{in: string(data)}
	d := u.crash()
	if u.fault != "" {
		return nil, fmt.Errorf("signature: unpack crash data: at byte %d: %s: %w", len(data)-len(u.in), u.fault, socorro.ErrInvalid)
	}
	return d, nil
}

// unpacker sticks at the first fault and gives nothing from there on.
type unpacker struct {
	in    string
	known []string
	fault string
}

func (u *unpacker) fail(why string) {
	if u.fault == "" {
		u.fault = why
	}
}

func (u *unpacker) number() uint64 {
	n, shift := uint64(0), 0
	for i := 0; i < len(u.in) && i < binary.MaxVarintLen64 && u.fault == ""; i++ {
		c := u.in[i]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			u.in = u.in[i+1:]
			return n
		}
		shift += 7
	}
	u.fail("a number does not end")
	return 0
}

func (u *unpacker) signed() int64 {
	n := u.number()
	return int64(n>>1) ^ -int64(n&1)
}

// count is the length of a list. Each element takes a byte at least.
func (u *unpacker) count() int {
	n := u.number()
	if n > uint64(len(u.in)) {
		u.fail("a list is longer than the data")
		return 0
	}
	return int(n)
}

func (u *unpacker) text() string {
	n := u.number()
	switch {
	case n == 0:
		return ""
	case n&1 == 1:
		if n>>1 >= uint64(len(u.known)) {
			u.fail("a text refers to one that was not there")
			return ""
		}
		return u.known[n>>1]
	case n>>1 > uint64(len(u.in)):
		u.fail("a text is longer than the data")
		return ""
	}
	s := u.in[:n>>1]
	u.in = u.in[n>>1:]
	u.known = append(u.known, s)
	return s
}

func (u *unpacker) crash() *CrashData {
	if version := u.number(); version != packVersion {
		u.fail(fmt.Sprintf("version %d; this program reads version %d", version, packVersion))
		return nil
	}
	flags := u.number()
	d := &CrashData{}
	for _, field := range d.packedTexts() {
		*field = u.text()
	}
	if exception := u.text(); exception != "" {
		d.JavaException = json.RawMessage(exception)
	}
	for range u.count() {
		d.AdditionalMinidumps = append(d.AdditionalMinidumps, u.text())
	}
	if flags&packHang != 0 {
		hang := u.text()
		d.Hang = &hang
	}
	if flags&packSize != 0 {
		size := u.signed()
		d.OOMAllocationSize = &size
	}
	if flags&packUnknownThread != 0 {
		d.odd = &oddCrash{unknownThread: true}
	}
	d.CrashingThread = int(u.signed())
	u.threads(d)
	return d
}

// maxThreads bounds what a few damaged bytes can make us allocate.
const maxThreads = 1 << 20

func (u *unpacker) threads(d *CrashData) {
	n := u.number()
	if n > maxThreads {
		u.fail("there are too many threads")
		return
	}
	d.Threads = make([]Thread, n)
	for i := range d.Threads {
		t := &d.Threads[i]
		if i != 0 && t != d.thread(d.CrashingThread) {
			continue
		}
		t.LastError = u.text()
		t.Frames = make([]Frame, min(u.count(), maxFrames))
		for j := range t.Frames {
			u.frame(&t.Frames[j])
		}
	}
}

func (u *unpacker) frame(f *Frame) {
	f.Function, f.File, f.Line = u.text(), u.text(), u.line()
	f.Module, f.Offset = u.text(), u.text()
	if n := min(u.count(), maxFrames); n > 0 {
		f.Inlines = make([]Inline, n)
	}
	for i := range f.Inlines {
		in := &f.Inlines[i]
		in.Function, in.File, in.Line = u.text(), u.text(), u.line()
	}
	unloaded := u.number()
	if module := u.text(); unloaded > 0 {
		f.UnloadedModules = []UnloadedModule{{Module: module}}
	}
}

func (u *unpacker) line() int {
	n := u.number()
	if n > maxLine {
		u.fail("a line number is too large")
		return 0
	}
	return int(n)
}
