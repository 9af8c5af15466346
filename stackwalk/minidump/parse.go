package minidump

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

const (
	signature   = 0x504d444d // "MDMP"
	version     = 0xa793     // low half of the header's version; the high half is the writer's own
	headerSize  = 32
	entrySize   = 12 // of the directory
	maxWarnings = 100
)

// A parser fills a Dump from a file, stream by stream.
type parser struct {
	file    []byte
	order   binary.ByteOrder
	d       *Dump
	streams map[StreamType]Stream
	texts   map[uint32]*string // by RVA; nil for a text that is none
	// credit is how many bytes of memory we may still spend on things that the
	// file can refer to many times over. A file of 1 MB that names one string of
	// 900 KB from 10,000 handles would otherwise cost 9 GB.
	credit int64
}

// A step reads one stream. The order matters only where a step says so.
type step struct {
	stream StreamType
	read   func(*parser, *buf)
}

func steps() []step {
	return []step{
		{ModuleListStream, (*parser).moduleList},
		{UnloadedModuleListStream, (*parser).unloadedModuleList},
		{ThreadNamesStream, (*parser).threadNames},
		{ExceptionStream, (*parser).exception},
		{MiscInfoStream, (*parser).miscInfo},
		{MemoryInfoListStream, (*parser).memoryInfoList},
		{ThreadInfoListStream, (*parser).threadInfoList},
		{FunctionTableStream, (*parser).functionTable},
		{HandleDataStream, (*parser).handleData},
		{BreakpadInfoStream, (*parser).breakpadInfo},
		{AssertionInfoStream, (*parser).assertionInfo},
		{CrashpadInfoStream, (*parser).crashpadInfo}, // after the modules, which it annotates
		{LinuxMapsStream, (*parser).linuxMaps},
		{LinuxLSBReleaseStream, (*parser).lsbRelease},
		{LinuxProcStatusStream, (*parser).procStatus},
		{LinuxCPUInfoStream, (*parser).linuxCPUInfo},
		{MozLinuxLimitsStream, (*parser).limits},
		{MozSoftErrorsStream, (*parser).softErrors},
		{LinuxCmdLineStream, (*parser).linuxCmdLine},
		{LinuxEnvironStream, (*parser).linuxEnviron},
		{StabilityReportStream, (*parser).stabilityReport},
		{MozMacCrashInfoStream, (*parser).macCrashInfo},
		{MozMacBootArgsStream, (*parser).macBootArgs},
	}
}

// Parse reads a whole minidump, of either byte order. The Dump refers to data,
// which must not change. The error is a [*FormatError]: the file is no minidump,
// or has no readable list of threads or system information. Any other stream
// that does not parse is left out, and Dump.Warnings says so.
func Parse(data []byte) (*Dump, error) {
	p := &parser{
		file:    data,
		d:       &Dump{file: data, partial: map[StreamType]bool{}},
		streams: map[StreamType]Stream{},
		texts:   map[uint32]*string{},
		credit:  4*int64(len(data)) + 1<<20,
	}
	if err := p.header(); err != nil {
		return nil, fmt.Errorf("minidump: %w", err)
	}
	systemErr := p.required(SystemInfoStream, MissingSystemInfo, p.systemInfo) // before anything with registers
	p.memory()                                                                 // before the threads, whose stacks may be there
	if err := p.required(ThreadListStream, MissingThreadList, p.threadList); err != nil {
		return nil, fmt.Errorf("minidump: %w", err)
	}
	if systemErr != nil {
		return nil, fmt.Errorf("minidump: %w", systemErr)
	}
	for _, s := range steps() {
		if b, ok := p.stream(s.stream); ok {
			s.read(p, b)
			p.warn(b.err)
		}
	}
	return p.d, nil
}

// ModuleAt is the index in Modules of the module that addr is in. Where modules
// overlap, the one that starts lowest has the address.
func (d *Dump) ModuleAt(addr uint64) (int, bool) { return d.modules.at(addr) }

// ModulesByAddress are the indices of the modules that ModuleAt can find, lowest address first.
func (d *Dump) ModulesByAddress() []int {
	out := make([]int, len(d.modules.spans))
	for i, s := range d.modules.spans {
		out[i] = s.index
	}
	return out
}

// UnloadedModulesByAddress are the indices of the unloaded modules, lowest address first.
func (d *Dump) UnloadedModulesByAddress() []int { return d.unloaded }

// UnloadedModulesAt are the indices of the unloaded modules that once were at
// addr, lowest base first. There can be several, as addresses are used again.
func (d *Dump) UnloadedModulesAt(addr uint64) []int {
	var out []int
	for _, i := range d.unloaded {
		m := &d.UnloadedModules[i]
		if m.Base > addr {
			break
		}
		if addr-m.Base < m.Size {
			out = append(out, i)
		}
	}
	return out
}

// PID is the process's number, and whether the dump says it.
func (d *Dump) PID() (uint32, bool) {
	switch {
	case d.Misc != nil && d.Misc.PID != nil:
		return *d.Misc.PID, true
	case d.Misc == nil && d.ProcStatus != nil:
		return d.ProcStatus.PID, true
	}
	return 0, false
}

// Uptime is how long the process lived, whole seconds, and whether the dump says
// it. Clocks go back: then it is 0.
func (d *Dump) Uptime() (time.Duration, bool) {
	if d.Misc == nil || d.Misc.CreateTime.IsZero() {
		return 0, false
	}
	return max(0, d.Time.Sub(d.Misc.CreateTime)), true
}

// LastError is what GetLastError of Windows would have given in thread t, and
// whether the dump has it. It is 13 pointers into the thread's environment block.
func (d *Dump) LastError(t *Thread) (uint32, bool) {
	size := uint64(d.System.CPU.PointerSize())
	addr := t.TEB + 13*size
	if size == 0 || addr < t.TEB {
		return 0, false
	}
	v, ok := d.Memory.Uint(addr, 4)
	return uint32(v), ok
}

// Close gives back the file that Open mapped. The Dump and all that came from it
// must not be used after. It does nothing for a Dump from Parse.
func (d *Dump) Close() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}

func (p *parser) header() error {
	bad := func(k Kind, stream string, off int, reason string, args ...any) error {
		return &FormatError{Kind: k, Stream: stream, Offset: int64(off), Reason: fmt.Sprintf(reason, args...)}
	}
	switch {
	case len(p.file) == 0:
		return bad(Empty, "Header", 0, "the file is empty")
	case len(p.file) < headerSize:
		return bad(MissingHeader, "Header", 0, "the file has %d bytes, a header has %d", len(p.file), headerSize)
	case binary.LittleEndian.Uint32(p.file) == signature:
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(p.file) == signature:
		p.order = binary.BigEndian
	default:
		return bad(HeaderMismatch, "Header", 0, "it begins with %q, not MDMP", p.file[:4])
	}
	p.d.BigEndian = p.order == binary.BigEndian
	b := p.at("Header", 4, headerSize-4)
	v := b.u32()
	if v&0xffff != version {
		return bad(VersionMismatch, "Header", 4, "version %#x, not %#x", v&0xffff, version)
	}
	count, rva := b.u32(), b.u32()
	b.skip(4) // checksum, which no writer fills in
	p.d.Time = time.Unix(int64(b.u32()), 0).UTC()
	p.d.Flags = b.u64()
	if need := int64(rva) + int64(count)*entrySize; need > int64(len(p.file)) {
		return bad(MissingDirectory, "Directory", int(rva), "%d streams end at offset %d, the file at %d", count, need, len(p.file))
	}
	p.directory(p.at("Directory", int64(rva), int(count)*entrySize), int(count))
	return nil
}

func (p *parser) directory(b *buf, count int) {
	p.d.Streams = make([]Stream, 0, count)
	for range count {
		typ := StreamType(b.u32())
		loc := b.location()
		s := Stream{Type: typ, Size: loc.size, RVA: loc.rva}
		p.d.Streams = append(p.d.Streams, s)
		// Writers that restart leave the stale stream first, so the last one is
		// the one to read. Unused entries (type 0) are many and mean nothing.
		if _, twice := p.streams[typ]; twice && typ != 0 {
			p.warn(&FormatError{Malformed, typ.String(), int64(loc.rva), "the dump has this stream twice; the last one is used"})
		}
		p.streams[typ] = s
	}
}

// at is a buf over size bytes of the file, which must be there.
func (p *parser) at(stream string, off int64, size int) *buf {
	return &buf{stream: stream, start: off, data: p.file[off : off+int64(size)], order: p.order}
}

// part is the bytes at a location, or false when they are not all in the file.
func (p *parser) part(loc location) ([]byte, bool) {
	end := int64(loc.rva) + int64(loc.size)
	if end > int64(len(p.file)) {
		return nil, false
	}
	return p.file[loc.rva:end:end], true
}

// sub is a buf over a location that b has come by.
func (p *parser) sub(b *buf, what string, loc location) *buf {
	if b.err == nil {
		if _, ok := p.part(loc); !ok {
			b.fail("%s: %d bytes at %#x are not in the file", what, loc.size, loc.rva)
		}
	}
	if b.err != nil {
		return &buf{stream: b.stream, order: b.order, err: b.err}
	}
	return p.at(b.stream, int64(loc.rva), int(loc.size))
}

// stream is a buf over a stream, or false when the dump does not have it. A
// stream that reaches out of the file is warned of and counts as missing.
func (p *parser) stream(t StreamType) (*buf, bool) {
	s, ok := p.streams[t]
	if !ok {
		return nil, false
	}
	if _, ok := p.part(location{s.Size, s.RVA}); !ok {
		p.warn(outOfFile(s))
		return nil, false
	}
	return p.at(t.String(), int64(s.RVA), int(s.Size)), true
}

func outOfFile(s Stream) *FormatError {
	return &FormatError{
		Kind: Malformed, Stream: s.Type.String(), Offset: int64(s.RVA),
		Reason: fmt.Sprintf("its %d bytes are not in the file", s.Size),
	}
}

// required reads a stream without which there is nothing to report.
func (p *parser) required(t StreamType, k Kind, read func(*buf)) error {
	s, ok := p.streams[t]
	if !ok {
		return &FormatError{Kind: k, Stream: t.String(), Reason: "the dump has no such stream"}
	}
	err := error(outOfFile(s))
	if _, ok := p.part(location{s.Size, s.RVA}); ok {
		b := p.at(t.String(), int64(s.RVA), int(s.Size))
		read(b)
		err = b.err
	}
	if fe, ok := errors.AsType[*FormatError](err); ok {
		fe.Kind = k
		return fe
	}
	return nil
}

// warn notes an error. A hostile dump can have millions, of which nobody reads
// more than the first.
func (p *parser) warn(err error) {
	switch n := len(p.d.Warnings); {
	case err == nil || n > maxWarnings:
	case n == maxWarnings:
		p.d.Warnings = append(p.d.Warnings, "and more")
	default:
		p.d.Warnings = append(p.d.Warnings, err.Error())
	}
}

// spend says whether n more bytes of memory are in order, see credit.
func (p *parser) spend(n int) bool {
	p.credit -= int64(n)
	return p.credit >= 0
}
