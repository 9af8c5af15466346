package collect

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"socorro"
)

// Crashpad writes the annotations that its handler sends as fields into the
// minidump too, in a stream of its own. They are all there is when somebody
// posts a dump and nothing else.

const (
	crashpadStream  = 0x43500001
	maxStreams      = 4096
	maxCrashpad     = 10_000   // annotations of a dump
	maxCrashpadText = 64 << 10 // bytes of one; the format has 20 KiB
	stringObject    = 1        // the only type of annotation object that Crashpad defines
)

var errNoCrashpad = errors.New("the dump has no Crashpad stream")

// dumpReader reads structures of a minidump by their offset. The first error stays.
type dumpReader struct {
	r    io.ReaderAt
	size int64
	left int // annotations that may still be read
	err  error
}

// location is where a structure lies.
type location struct{ size, rva uint32 }

func (d *dumpReader) bytes(rva uint32, n int) []byte {
	if d.err != nil {
		return make([]byte, n)
	}
	b := make([]byte, n)
	if int64(rva)+int64(n) > d.size {
		d.err = fmt.Errorf("%d bytes at %#x are past the end", n, rva)
		return b
	}
	if _, err := d.r.ReadAt(b, int64(rva)); err != nil {
		d.err = err
	}
	return b
}

func (d *dumpReader) u32(rva uint32) uint32 { return binary.LittleEndian.Uint32(d.bytes(rva, 4)) }

func (d *dumpReader) location(rva uint32) location {
	b := d.bytes(rva, 8)
	return location{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
}

// text reads a length and as many bytes of UTF-8.
func (d *dumpReader) text(rva uint32) string {
	n := d.u32(rva)
	if n > maxCrashpadText {
		d.err = errors.Join(d.err, fmt.Errorf("a text of %d bytes at %#x", n, rva))
		return ""
	}
	b := d.bytes(rva+4, int(n))
	if !utf8.Valid(b) {
		return ""
	}
	return string(b)
}

// list calls do for each element of a counted list.
func (d *dumpReader) list(at location, element uint32, do func(rva uint32)) {
	if at.size == 0 || d.err != nil {
		return
	}
	n := d.u32(at.rva)
	if int64(n)*int64(element)+4 > int64(at.size) || int(n) > d.left {
		d.err = errors.Join(d.err, fmt.Errorf("a list of %d elements at %#x", n, at.rva))
		return
	}
	d.left -= int(n)
	for i := range n {
		if d.err != nil {
			return
		}
		do(at.rva + 4 + i*element)
	}
}

// crashpadInfo reads the id of the report and the annotations of a dump.
func crashpadInfo(path string) (report string, found map[string]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	return readCrashpad(f, info.Size())
}

func readCrashpad(r io.ReaderAt, size int64) (report string, found map[string]string, err error) {
	d := &dumpReader{r: r, size: size, left: maxCrashpad}
	found = map[string]string{}
	if string(d.bytes(0, 4)) != minidumpMagic {
		return "", nil, errNoCrashpad
	}
	stream := d.stream(crashpadStream)
	if d.err != nil {
		return "", nil, d.err
	}
	const infoSize = 52
	if stream.size < infoSize {
		return "", nil, errNoCrashpad
	}
	report = guid(d.bytes(stream.rva+4, 16))
	dictionary := func(at location) {
		d.list(at, 8, func(rva uint32) { found[d.text(d.u32(rva))] = d.text(d.u32(rva + 4)) })
	}
	// What the modules of the process set comes first: what the handler was
	// started with names the product and wins.
	d.list(d.location(stream.rva+44), 12, func(link uint32) {
		module := d.location(link + 4)
		if module.size < 28 {
			return
		}
		dictionary(d.location(module.rva + 12))
		d.list(d.location(module.rva+20), 12, func(rva uint32) {
			if kind := d.u32(rva+4) & 0xffff; kind == stringObject {
				found[d.text(d.u32(rva))] = d.text(d.u32(rva + 8))
			}
		})
	})
	dictionary(d.location(stream.rva + 36))
	delete(found, "")
	return report, found, d.err
}

// stream finds a stream in the dump's directory.
func (d *dumpReader) stream(kind uint32) location {
	n, directory := d.u32(8), d.u32(12)
	for i := range min(n, maxStreams) {
		if d.u32(directory+12*i) == kind {
			return d.location(directory + 12*i + 4)
		}
	}
	return location{}
}

func guid(b []byte) string {
	le := binary.LittleEndian
	if string(b) == string(make([]byte, 16)) {
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}

// askDump takes annotations from the crash's own minidump when the client named
// no product: somebody sent the dump alone.
func (p *payload) askDump(maxName int) {
	if p.annotations.Product() != "" {
		return
	}
	for _, f := range p.files {
		if f.Name != socorro.MainDump || !f.isMinidump() {
			continue
		}
		report, found, err := crashpadInfo(f.Path)
		if err != nil && len(found) == 0 {
			return // the stack walker will say what is wrong with the dump
		}
		if p.report == "" && p.reportID() == "" {
			p.report = report
		}
		taken := 0
		for key, value := range found {
			if _, has := p.annotations[key]; !has && len(key) <= maxName && value != "" {
				p.annotations[key] = value
				taken++
			}
		}
		if taken > 0 {
			p.note(fmt.Sprintf("%d annotations taken from the minidump", taken))
		}
	}
}
