package synth

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"socorro/stackwalk/minidump"
)

// A section is a stream and how to write it. write puts what the stream refers
// to into the file and returns the stream itself.
type section struct {
	typ   minidump.StreamType
	write func(*file) []byte
}

func (d *Dump) streams() []section {
	all := []section{{minidump.SystemInfoStream, d.systemInfo}, {minidump.ThreadListStream, d.threadList}}
	add := func(has bool, t minidump.StreamType, write func(*file) []byte) {
		if has {
			all = append(all, section{t, write})
		}
	}
	add(d.named(), minidump.ThreadNamesStream, d.threadNames)
	add(d.informed(), minidump.ThreadInfoListStream, d.threadInfos)
	add(len(d.modules) > 0, minidump.ModuleListStream, d.moduleList)
	add(len(d.gone) > 0, minidump.UnloadedModuleListStream, d.unloadedList)
	add(len(d.memory) > 0 && d.wide, minidump.Memory64ListStream, d.memory64List)
	add(len(d.memory) > 0 && !d.wide, minidump.MemoryListStream, d.memoryList)
	add(len(d.infos) > 0, minidump.MemoryInfoListStream, d.memoryInfoList)
	add(d.exception != nil, minidump.ExceptionStream, d.exceptionStream)
	add(d.misc != nil, minidump.MiscInfoStream, d.miscInfo)
	add(len(d.handles) > 0, minidump.HandleDataStream, d.handleData)
	add(d.breakpad != nil, minidump.BreakpadInfoStream, d.breakpadInfo)
	add(d.assertion != nil, minidump.AssertionInfoStream, d.assertionInfo)
	add(d.crashpad != nil, minidump.CrashpadInfoStream, d.crashpadInfo)
	add(len(d.mac) > 0, minidump.MozMacCrashInfoStream, d.macCrashInfo)
	add(d.bootArgs != nil, minidump.MozMacBootArgsStream, func(f *file) []byte {
		return f.u64(f.u32(nil, uint32(minidump.MozMacBootArgsStream)), uint64(f.utf16(*d.bootArgs)))
	})
	return all
}

func (d *Dump) systemInfo(f *file) []byte {
	s := d.system
	platform := map[minidump.OS]uint32{
		minidump.Windows: 2, minidump.MacOS: 0x8101, minidump.IOS: 0x8102, minidump.Linux: 0x8201,
		minidump.Solaris: 0x8202, minidump.Android: 0x8203, minidump.PS3: 0x8204, minidump.NaCl: 0x8205,
		minidump.UnknownOS: s.PlatformID,
	}[d.os]
	architecture := map[minidump.CPU]uint16{
		minidump.X86: 0, minidump.MIPS: 1, minidump.PPC: 3, minidump.ARM: 5, minidump.AMD64: 9, minidump.ARM64: 12,
		minidump.SPARC: 0x8001, minidump.PPC64: 0x8002, minidump.ARM64Old: 0x8003, minidump.MIPS64: 0x8004, minidump.RISCV64: 0x8006,
		minidump.UnknownCPU: 0xffff,
	}[d.cpu]
	csd := f.utf16(s.CSD)
	b := f.u16(nil, architecture, s.CPULevel, s.CPURevision)
	b = append(b, byte(s.CPUCount), s.ProductType)
	b = f.u32(b, s.Major, s.Minor, s.Build, platform, csd)
	b = f.u16(b, s.SuiteMask, 0)
	var words [6]uint32
	switch d.cpu {
	case minidump.X86:
		for i := range min(12, len(s.Vendor)) {
			words[i/4] |= uint32(s.Vendor[i]) << (8 * (i % 4))
		}
	case minidump.ARM:
		words[0], words[1] = s.CPUID, s.ELFHwCaps
	}
	return f.u32(b, words[:]...)
}

func (d *Dump) threadList(f *file) []byte {
	b := f.u32(nil, uint32(len(d.threads)))
	for _, t := range d.threads {
		b = f.u32(b, t.ID, t.SuspendCount, t.PriorityClass, t.Priority)
		base := t.Stack.Base
		if len(t.Stack.Data) == 0 {
			base = t.StackBase
		}
		b = f.u64(b, t.TEB, base)
		b = f.location(b, t.Stack.Data)
		b = f.location(b, context(f, t.Context))
	}
	return b
}

func (d *Dump) named() bool {
	for _, t := range d.threads {
		if t.Named || t.Name != "" {
			return true
		}
	}
	return false
}

func (d *Dump) threadNames(f *file) []byte {
	var b []byte
	n := uint32(0)
	for _, t := range d.threads {
		if t.Named || t.Name != "" {
			b = f.u64(f.u32(b, t.ID), uint64(f.utf16(t.Name)))
			n++
		}
	}
	return append(f.u32(nil, n), b...)
}

func (d *Dump) informed() bool {
	return slices.ContainsFunc(d.threads, func(t minidump.Thread) bool { return t.Info != nil })
}

func (d *Dump) threadInfos(f *file) []byte {
	var b []byte
	n := uint32(0)
	for _, t := range d.threads {
		if t.Info == nil {
			continue
		}
		i := t.Info
		n++
		b = f.u32(b, t.ID, i.DumpFlags, i.DumpError, i.ExitStatus)
		b = f.u64(b, fileTime(i.CreateTime), fileTime(i.ExitTime), uint64(i.KernelTime/100), uint64(i.UserTime/100))
		b = f.u64(b, i.StartAddress, i.Affinity)
	}
	return append(f.u32(nil, 12, 64, n), b...)
}

// fileTime is tenths of microseconds since 1601, in which year 1970 begins after
// 369 years with 89 leap days.
func fileTime(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano()/100) + (369*365+89)*86400*10_000_000
}

func (d *Dump) moduleList(f *file) []byte {
	b := f.u32(nil, uint32(len(d.modules)))
	for _, m := range d.modules {
		b = f.u64(b, m.Base)
		b = f.u32(b, uint32(m.Size), m.CheckSum, m.TimeStamp, f.utf16(m.CodeFile))
		b = f.u32(b, d.version(m.Version)...)
		b = f.location(b, codeView(f, m))
		b = f.u64(f.u32(b, 0, 0), 0, 0)
	}
	return b
}

// version is a VS_FIXEDFILEINFO, zeros when there is no version.
func (d *Dump) version(s string) []uint32 {
	info := make([]uint32, 13)
	if s == "" {
		return info
	}
	info[0], info[1] = 0xfeef04bd, 0x00010000
	for i, part := range strings.SplitN(s, ".", 4) {
		n, err := strconv.ParseUint(part, 10, 32)
		if err != nil {
			panic(fmt.Sprintf("synth: module version %q: %v", s, err))
		}
		switch d.os {
		case minidump.Windows, minidump.MacOS, minidump.IOS:
			info[2+i/2] |= uint32(n) << (16 * (1 - i%2))
		default:
			info[2+i] = uint32(n)
		}
	}
	return info
}

func codeView(f *file, m minidump.Module) []byte {
	switch {
	case m.BuildID != nil:
		return append(f.u32(nil, 0x4270454c), m.BuildID...)
	case len(m.DebugID) > 32:
		b := guid(f, f.u32(nil, 0x53445352), m.DebugID[:32])
		return append(f.u32(b, age(m.DebugID[32:])), m.DebugFile+"\x00"...)
	case len(m.DebugID) > 8:
		b := f.u32(nil, 0x3031424e, 0, age(m.DebugID[:8]), age(m.DebugID[8:]))
		return append(b, m.DebugFile+"\x00"...)
	default:
		return nil
	}
}

func age(s string) uint32 {
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		panic(fmt.Sprintf("synth: debug id: %v", err))
	}
	return uint32(n)
}

// guid appends 32 hex digits, maybe with dashes; "" is the GUID of zeros.
func guid(f *file, b []byte, s string) []byte {
	raw := make([]byte, 16)
	if s != "" {
		var err error
		if raw, err = hex.DecodeString(strings.ReplaceAll(s, "-", "")); err != nil || len(raw) != 16 {
			panic(fmt.Sprintf("synth: %q is no GUID", s))
		}
	}
	b = f.u32(b, uint32(raw[0])<<24|uint32(raw[1])<<16|uint32(raw[2])<<8|uint32(raw[3]))
	b = f.u16(b, uint16(raw[4])<<8|uint16(raw[5]), uint16(raw[6])<<8|uint16(raw[7]))
	return append(b, raw[8:]...)
}

func (d *Dump) unloadedList(f *file) []byte {
	b := f.u32(nil, 12, 24, uint32(len(d.gone)))
	for _, m := range d.gone {
		b = f.u32(f.u64(b, m.Base), uint32(m.Size), m.CheckSum, m.TimeStamp, f.utf16(m.Name))
	}
	return b
}

func (d *Dump) memoryList(f *file) []byte {
	b := f.u32(nil, uint32(len(d.memory)))
	for _, r := range d.memory {
		b = f.location(f.u64(b, r.Base), r.Data)
	}
	return b
}

func (d *Dump) memory64List(f *file) []byte {
	start := f.put(nil)
	b := f.u64(nil, uint64(len(d.memory)), uint64(start))
	for _, r := range d.memory {
		f.b = append(f.b, r.Data...) // no alignment: one region follows the other
		b = f.u64(b, r.Base, uint64(len(r.Data)))
	}
	return b
}

func (d *Dump) memoryInfoList(f *file) []byte {
	// The number has 64 bits in Windows' headers; readers take the first 32.
	b := f.u32(nil, 16, 48, uint32(len(d.infos)), 0)
	for _, m := range d.infos {
		b = f.u64(b, m.Base, m.AllocationBase)
		b = f.u64(f.u32(b, m.AllocationProtect, 0), m.Size)
		b = f.u32(b, m.State, m.Protect, m.Type, 0)
	}
	return b
}

func (d *Dump) exceptionStream(f *file) []byte {
	e := d.exception
	b := f.u32(nil, e.ThreadID, 0, e.Code, e.Flags)
	b = f.u64(b, e.Record, e.Address)
	b = f.u64(f.u32(b, uint32(e.Parameters), 0), e.Information[:]...)
	return f.location(b, context(f, e.Context))
}
