package stackwalk

import (
	"slices"
	"strings"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/reason"
)

// newReport fills in what needs no walk.
func newReport(d *minidump.Dump, evil evilInfo) *Report {
	r := &Report{
		Status:  "OK",
		Handles: d.Handles, LSBRelease: d.LSB, ProcLimits: d.Limits, SoftErrors: slices.Clone(d.SoftErrors),
		MacCrashInfo: d.MacCrashInfo, MacBootArgs: d.MacBootArgs,
		Assertion: d.Assertion, Crashpad: d.Crashpad, Breakpad: d.Breakpad, Streams: d.Streams,
		Warnings:               slices.Clone(d.Warnings),
		ModulesContainCertInfo: len(evil.certs) > 0,
		modulesByAddress:       d.ModulesByAddress(), unloadedModulesByAddress: d.UnloadedModulesByAddress(),
		pointerSize: d.System.CPU.PointerSize(), cpu: d.System.CPU,
		SystemInfo: SystemInfo{
			OS: d.System.OSName(), OSVer: osVersion(&d.System),
			CPUArch: d.System.CPU.String(), CPUInfo: d.System.CPUInfo(), CPUCount: d.System.CPUCount,
			CPUMicrocodeVersion: evil.microcode,
		},
	}
	if d.CPUInfo != nil && d.CPUInfo.Microcode != nil {
		r.SystemInfo.CPUMicrocodeVersion = d.CPUInfo.Microcode
	}
	if pid, ok := d.PID(); ok {
		r.PID = &pid
	}
	if uptime, ok := d.Uptime(); ok {
		r.ProcessUptime = &uptime
	}
	if d.Maps != nil {
		n := len(d.Maps)
		r.LinuxMemoryMapCount = &n
	}
	if d.Exception != nil {
		addr := reason.Address(d)
		r.CrashInfo.Type, r.CrashInfo.Address = reason.Of(d), &addr
	}
	r.addThreads(d)
	r.addModules(d, evil)
	return r
}

// analyse asks the crashing instruction.
func (r *Report) analyse(d *minidump.Dump) {
	a := analysis.Of(d, r.compat)
	c := &r.CrashInfo
	c.Instruction, c.MemoryAccesses, c.InstructionPointerUpdate = a.Instruction, a.Accesses, a.Target
	c.Adjusted, c.PossibleBitFlips, c.Inconsistencies = a.Adjusted, a.BitFlips, a.Inconsistencies
}

func osVersion(s *minidump.SystemInfo) string {
	version, build := s.OSVersion()
	if build == "" {
		return version
	}
	return version + " " + build
}

func (r *Report) addThreads(d *minidump.Dump) {
	var crashing, dumping *uint32
	if d.Breakpad != nil {
		crashing, dumping = d.Breakpad.RequestingThread, d.Breakpad.DumpThread
	}
	if d.Exception != nil {
		crashing = &d.Exception.ThreadID
	}
	r.Threads = make([]Thread, len(d.Threads))
	for i := range d.Threads {
		from, t := &d.Threads[i], &r.Threads[i]
		t.Index, t.ThreadID = i, from.ID
		if dumping != nil && *dumping == from.ID {
			t.dumpThread = true
			continue
		}
		t.ThreadName, t.HasName = from.Name, from.Named
		if from.Info != nil {
			t.StartAddress = &from.Info.StartAddress
		}
		if code, ok := d.LastError(from); ok {
			t.LastErrorValue = reason.LastError(d.System.OS, code)
		}
		if crashing != nil && *crashing == from.ID {
			r.CrashInfo.CrashingThread = &t.Index
		}
	}
}

func (r *Report) addModules(d *minidump.Dump, evil evilInfo) {
	r.Modules = make([]Module, len(d.Modules))
	for i := range d.Modules {
		m := &d.Modules[i]
		id := m.DebugID
		if id == "" {
			id = strings.Repeat("0", 33)
		}
		r.Modules[i] = Module{
			BaseAddr: m.Base, EndAddr: m.End(),
			Filename: leaf(m.CodeFile), CodeFile: m.CodeFile, DebugFile: leaf(m.DebugFile),
			DebugID: id, CodeID: m.CodeID, Version: m.Version,
		}
	}
	r.UnloadedModules = make([]UnloadedModule, len(d.UnloadedModules))
	for i := range d.UnloadedModules {
		m := &d.UnloadedModules[i]
		r.UnloadedModules[i] = UnloadedModule{
			BaseAddr: m.Base, EndAddr: m.End(), CodeID: m.CodeID, Filename: m.Name, CertSubject: evil.certs[m.Name],
		}
	}
}
