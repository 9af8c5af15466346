// Package synth builds minidumps for tests: small, valid, of any CPU, system and
// byte order, with what the test says and nothing else.
//
//	dump := synth.New(minidump.AMD64, minidump.Linux).
//		Thread(minidump.Thread{ID: 1, Context: &regs, Stack: stack}).
//		Module(minidump.Module{Base: 0x400000, Size: 0x1000, CodeFile: "/bin/cat"}).
//		Exception(minidump.Exception{ThreadID: 1, Code: 11}).
//		Bytes()
//
// Fields that the format derives, such as Module.CodeID, are not written. The
// package is for tests and examples; nothing in the product imports it.
package synth

import (
	"encoding/binary"
	"slices"
	"time"
	"unicode/utf16"

	"socorro/stackwalk/minidump"
)

// A Dump is a minidump in the making. Its methods change it and return it.
type Dump struct {
	cpu     minidump.CPU
	os      minidump.OS
	order   order
	time    time.Time
	system  minidump.SystemInfo
	threads []minidump.Thread
	modules []minidump.Module
	gone    []minidump.UnloadedModule
	memory  []minidump.Region
	wide    bool // memory as Memory64List
	infos   []minidump.MemoryInfo
	handles []minidump.Handle

	exception *minidump.Exception
	misc      *minidump.MiscInfo
	breakpad  *minidump.BreakpadInfo
	assertion *minidump.Assertion
	crashpad  *minidump.CrashpadInfo
	mac       []minidump.MacCrashRecord
	bootArgs  *string
	raw       []rawStream
	without   []minidump.StreamType
}

type rawStream struct {
	typ  minidump.StreamType
	data []byte
}

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// New starts a little-endian dump with one CPU, an OS version of zeros, no
// threads and a time stamp of 0.
func New(cpu minidump.CPU, os minidump.OS) *Dump {
	return &Dump{
		cpu: cpu, os: os, order: binary.LittleEndian, time: time.Unix(0, 0),
		system: minidump.SystemInfo{CPUCount: 1},
	}
}

// BigEndian makes the dump one of a big-endian machine.
func (d *Dump) BigEndian() *Dump { d.order = binary.BigEndian; return d }

// Time sets when the dump was written.
func (d *Dump) Time(t time.Time) *Dump { d.time = t; return d }

// System sets versions, counts and texts. CPU and OS stay those of New.
func (d *Dump) System(s minidump.SystemInfo) *Dump { d.system = s; return d }

// Thread adds a thread. Its name goes to ThreadNames when Named or not "", its
// Info to ThreadInfoList, its stack to the file when it has Data.
func (d *Dump) Thread(t minidump.Thread) *Dump { d.threads = append(d.threads, t); return d }

// Module adds a module. A DebugID of 33 or more hex digits becomes a PDB 7.0
// record, a BuildID an ELF one, a shorter DebugID a PDB 2.0 one.
func (d *Dump) Module(m minidump.Module) *Dump { d.modules = append(d.modules, m); return d }

// Unloaded adds an unloaded module.
func (d *Dump) Unloaded(m minidump.UnloadedModule) *Dump { d.gone = append(d.gone, m); return d }

// Memory adds memory that is not a thread's stack.
func (d *Dump) Memory(base uint64, data []byte) *Dump {
	d.memory = append(d.memory, minidump.Region{Base: base, Data: data})
	return d
}

// Full writes the memory the way full dumps do, as Memory64List.
func (d *Dump) Full() *Dump { d.wide = true; return d }

// MemoryInfo adds a description of a range of addresses.
func (d *Dump) MemoryInfo(m minidump.MemoryInfo) *Dump { d.infos = append(d.infos, m); return d }

// Handle adds an open handle.
func (d *Dump) Handle(h minidump.Handle) *Dump { d.handles = append(d.handles, h); return d }

// Exception sets why the process died. All of Information is written.
func (d *Dump) Exception(e minidump.Exception) *Dump { d.exception = &e; return d }

// Misc sets the process's number, times and build texts, in the newest layout.
func (d *Dump) Misc(m minidump.MiscInfo) *Dump { d.misc = &m; return d }

// Breakpad sets the threads that a Breakpad writer names.
func (d *Dump) Breakpad(b minidump.BreakpadInfo) *Dump { d.breakpad = &b; return d }

// Assertion sets the text of a failed assertion; each text is cut at 127 letters.
func (d *Dump) Assertion(a minidump.Assertion) *Dump { d.assertion = &a; return d }

// Crashpad sets Crashpad's annotations. ReportID and ClientID must be GUIDs or "".
func (d *Dump) Crashpad(c minidump.CrashpadInfo) *Dump { d.crashpad = &c; return d }

// MacCrash adds a record of __crash_info. All records must have one Version, at least 1.
func (d *Dump) MacCrash(r minidump.MacCrashRecord) *Dump { d.mac = append(d.mac, r); return d }

// MacBootArgs sets the kernel's boot arguments.
func (d *Dump) MacBootArgs(s string) *Dump { d.bootArgs = &s; return d }

// Stream adds a stream as it is: the text of /proc/PID/maps, or bytes that break a rule.
func (d *Dump) Stream(t minidump.StreamType, data []byte) *Dump {
	d.raw = append(d.raw, rawStream{t, data})
	return d
}

// Without leaves a stream out that would be written, such as the list of threads.
func (d *Dump) Without(t minidump.StreamType) *Dump { d.without = append(d.without, t); return d }

// A file is the dump's bytes so far. Streams come after what they refer to, and
// the directory comes last, so nothing is patched but the header.
type file struct {
	order
	b       []byte
	streams []minidump.Stream
}

// Bytes is the dump.
func (d *Dump) Bytes() []byte {
	f := &file{order: d.order, b: make([]byte, 32)}
	for _, s := range d.streams() {
		if slices.Contains(d.without, s.typ) {
			continue
		}
		f.stream(s.typ, s.write(f))
	}
	for _, r := range d.raw {
		f.stream(r.typ, r.data)
	}
	directory := f.put(nil)
	for _, s := range f.streams {
		f.b = f.u32(f.b, uint32(s.Type), s.Size, s.RVA)
	}
	d.order.PutUint32(f.b, 0x504d444d)
	d.order.PutUint32(f.b[4:], 0xa793)
	d.order.PutUint32(f.b[8:], uint32(len(f.streams)))
	d.order.PutUint32(f.b[12:], directory)
	d.order.PutUint32(f.b[20:], uint32(d.time.Unix()))
	return f.b
}

// put adds bytes to the file and says where they are, aligned to 8.
func (f *file) put(data []byte) (rva uint32) {
	for len(f.b)%8 != 0 {
		f.b = append(f.b, 0)
	}
	rva = uint32(len(f.b))
	f.b = append(f.b, data...)
	return rva
}

func (f *file) stream(t minidump.StreamType, data []byte) {
	rva := f.put(data)
	f.streams = append(f.streams, minidump.Stream{Type: t, Size: uint32(len(data)), RVA: rva})
}

// location puts bytes into the file and appends their size and place to b.
func (f *file) location(b, data []byte) []byte {
	if len(data) == 0 {
		return f.u32(b, 0, 0)
	}
	return f.u32(b, uint32(len(data)), f.put(data))
}

func (f *file) u16(b []byte, v ...uint16) []byte {
	for _, v := range v {
		b = f.AppendUint16(b, v)
	}
	return b
}

func (f *file) u32(b []byte, v ...uint32) []byte {
	for _, v := range v {
		b = f.AppendUint32(b, v)
	}
	return b
}

func (f *file) u64(b []byte, v ...uint64) []byte {
	for _, v := range v {
		b = f.AppendUint64(b, v)
	}
	return b
}

// utf16 puts a text with its length before and a NUL behind.
func (f *file) utf16(s string) (rva uint32) {
	body := f.u16(nil, utf16.Encode([]rune(s))...)
	return f.put(append(f.u32(nil, uint32(len(body))), append(body, 0, 0)...))
}

// utf8 puts a text with its length before and a NUL behind.
func (f *file) utf8(s string) (rva uint32) {
	return f.put(append(f.u32(nil, uint32(len(s))), s+"\x00"...))
}

// fixed16 appends a text in n letters, the last of which are NUL.
func (f *file) fixed16(b []byte, s string, n int) []byte {
	letters := utf16.Encode([]rune(s))
	letters = letters[:min(len(letters), n-1)]
	return f.u16(b, append(letters, make([]uint16, n-len(letters))...)...)
}
