package stackwalk

import (
	"fmt"

	"socorro/stackwalk/minidump"
)

// What a dump says of the process and its machine as text, see [WriteDump].

func (t dumpText) system() {
	s := &t.d.System
	t.line("  %-18s %s (%d)", "system", s.OSName(), s.PlatformID)
	t.line("  %-18s %d.%d.%d", "version", s.Major, s.Minor, s.Build)
	t.pair("service pack", s.CSD)
	t.line("  %-18s %s (%d)", "CPU", s.CPU, s.Architecture)
	t.pair("CPUs", s.CPUCount)
	t.pair("CPU facts", s.CPUInfo())
	t.line("  %-18s level %d, revision %#x", "CPU numbers", s.CPULevel, s.CPURevision)
	t.line("  %-18s product %d, suite %#x", "edition", s.ProductType, s.SuiteMask)
}

func (t dumpText) exception() {
	e := t.d.Exception
	t.line("  %-18s %d (%#x)", "thread", e.ThreadID, e.ThreadID)
	t.hex("code", uint64(e.Code))
	t.hex("flags", uint64(e.Flags))
	t.hex("record", e.Record)
	t.hex("address", e.Address)
	for i := range e.Parameters {
		t.hex(fmt.Sprintf("information %d", i), e.Information[i])
	}
	t.context(-1, e.Context)
}

func (t dumpText) misc() {
	m := t.d.Misc
	t.hex("flags", uint64(m.Flags))
	t.pair("process", m.PID)
	t.pair("created", m.CreateTime)
	t.pair("user time", m.UserTime)
	t.pair("kernel time", m.KernelTime)
	t.line("  %-18s most %d, now %d, limit %d", "MHz", m.MaxMHz, m.CurrentMHz, m.LimitMHz)
	t.hex("integrity level", uint64(m.IntegrityLevel))
	t.hex("execute flags", uint64(m.ExecuteFlags))
	t.pair("protected", m.Protected)
	t.pair("time zone", m.TimeZoneID)
	t.pair("standard time", m.StandardTimeName)
	t.pair("daylight time", m.DaylightTimeName)
	t.pair("build", m.BuildString)
	t.pair("debug build", m.DebugString)
	t.hex("process cookie", uint64(m.ProcessCookie))
	if x := m.XState; x != nil {
		t.line("  %-18s %#x, contexts of %d bytes", "extended state", x.Enabled, x.ContextSize)
		for _, f := range x.Features {
			t.line("    %-16s %d bytes at %d", f.Name(), f.Size, f.Offset)
		}
	}
}

func (t dumpText) breakpad() {
	t.pair("dump thread", t.d.Breakpad.DumpThread)
	t.pair("requesting thread", t.d.Breakpad.RequestingThread)
}

func (t dumpText) assertion() {
	a := t.d.Assertion
	t.pair("expression", a.Expression)
	t.pair("function", a.Function)
	t.pair("file", a.File)
	t.pair("line", a.Line)
	t.pair("type", a.Type)
}

func (t dumpText) crashpad() {
	c := t.d.Crashpad
	t.pair("report", c.ReportID)
	t.pair("client", c.ClientID)
	for _, kv := range c.Annotations {
		t.line("  %q = %q", kv.Key, kv.Value)
	}
	for i := range c.Modules {
		m := &c.Modules[i]
		t.line("  Module %d", m.Module)
		for _, s := range m.List {
			t.line("    %q", s)
		}
		for _, kv := range m.Simple {
			t.line("    %q = %q", kv.Key, kv.Value)
		}
		for _, o := range m.Objects {
			t.line("    %q = %q (type %d)", o.Name, o.Text, o.Type)
		}
	}
}

func (t dumpText) stability() {
	s := t.d.Stability
	t.pair("commit limit", s.SystemCommitLimit)
	t.pair("commit remaining", s.SystemCommitRemaining)
	t.pair("system handles", s.SystemHandles)
	for i := range s.Processes {
		p := &s.Processes[i]
		t.line("  Process %d (memory in pages of 4 KiB)", i)
		t.pair("  process", p.PID)
		t.pair("  private", p.PrivateUsage)
		t.pair("  peak working set", p.PeakWorkingSet)
		t.pair("  peak page file", p.PeakPagefile)
		t.pair("  asked for, bytes", p.AllocationAttempt)
		t.pair("  open files", p.OpenFiles)
		t.pair("  handles", p.Handles)
	}
}

func (t dumpText) mac() {
	for i := range t.d.MacCrashInfo {
		m := &t.d.MacCrashInfo[i]
		t.line("  Record %d, version %d", i, m.Version)
		t.hex("  thread", m.Thread)
		t.hex("  dialog mode", m.DialogMode)
		t.hex("  abort cause", m.AbortCause)
		t.pair("  module", m.Module)
		t.pair("  message", m.Message)
		t.pair("  signature", m.Signature)
		t.pair("  backtrace", m.Backtrace)
		t.pair("  message 2", m.Message2)
	}
}

// auxiliaryVector is what the kernel hands to a program of Linux beside arguments
// and environment.
const auxiliaryVector minidump.StreamType = 0x47670008

// auxiliary writes pairs of a kind and a value, each a word of the CPU.
func (t dumpText) auxiliary() bool {
	names := [...]string{
		3: "PHDR", 4: "PHENT", 5: "PHNUM", 6: "PAGESZ", 7: "BASE", 8: "FLAGS", 9: "ENTRY", 11: "UID", 12: "EUID", 13: "GID",
		14: "EGID", 15: "PLATFORM", 16: "HWCAP", 17: "CLKTCK", 23: "SECURE", 24: "BASE_PLATFORM", 25: "RANDOM", 26: "HWCAP2",
		31: "EXECFN", 33: "SYSINFO_EHDR", 51: "MINSIGSTKSZ",
	}
	raw, word := t.last(auxiliaryVector), t.d.System.CPU.PointerSize()
	if word == 0 {
		return false
	}
	region := minidump.Region{Data: raw}
	for at := 0; at+2*word <= len(raw); at += 2 * word {
		kind, _ := region.Uint(uint64(at), word, t.d.Memory.Order())
		value, _ := region.Uint(uint64(at+word), word, t.d.Memory.Order())
		name := ""
		if kind < uint64(len(names)) {
			name = names[kind]
		}
		t.line("  %2d %-14s %#x", kind, name, value)
	}
	return true
}
