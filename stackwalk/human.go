package stackwalk

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"

	"socorro/stackwalk/minidump"
)

// WriteHuman writes the report as text for people. brief leaves out all but the
// crash and its thread. The middle of an endless recursion is left out, and what
// could command a terminal is escaped, unless the walk was in compat mode. The
// error is w's.
func (r *Report) WriteHuman(w io.Writer, brief bool) error {
	if r.compat {
		return r.writeHuman(w, brief)
	}
	plain := &plainWriter{w: w}
	if err := r.writeHuman(plain, brief); err != nil {
		return err
	}
	return plain.finish()
}

func (r *Report) writeHuman(w io.Writer, brief bool) error {
	h := humanWriter{bufio.NewWriterSize(w, 64<<10), r}
	h.system()
	h.crash()
	if r.CrashInfo.CrashingThread != nil {
		t := &r.Threads[*r.CrashInfo.CrashingThread]
		how := "requested dump, did not crash"
		if r.CrashInfo.Address != nil {
			how = "crashed"
		}
		fmt.Fprintf(h, "Thread %d %s (%s) - tid: %d\n", t.Index, t.ThreadName, how, t.ThreadID)
		h.frames(t)
		fmt.Fprintln(h)
	}
	if !brief {
		h.rest()
	}
	if err := h.Flush(); err != nil {
		return fmt.Errorf("stackwalk: write text: %w", err)
	}
	return nil
}

// A humanWriter writes the parts of a report. Its buffer keeps the first error.
type humanWriter struct {
	*bufio.Writer
	r *Report
}

func (h humanWriter) system() {
	s := &h.r.SystemInfo
	fmt.Fprintf(h, "Operating system: %s\n", s.OS)
	if s.OSVer != "" {
		fmt.Fprintf(h, "                  %s\n", s.OSVer)
	}
	fmt.Fprintf(h, "CPU: %s\n", s.CPUArch)
	if s.CPUInfo != "" {
		fmt.Fprintf(h, "     %s\n", s.CPUInfo)
	}
	plural := ""
	if s.CPUCount > 1 {
		plural = "s"
	}
	fmt.Fprintf(h, "     %d CPU%s\n", s.CPUCount, plural)
	if l := h.r.LSBRelease; l != nil {
		fmt.Fprintf(h, "Linux %s %s - %s (%s)\n", l.ID, l.Release, l.Codename, l.Description)
	}
	fmt.Fprintln(h)
}

func (h humanWriter) crash() {
	if c := &h.r.CrashInfo; c.Address != nil {
		fmt.Fprintf(h, "Crash reason:  %s\n", c.Type)
		h.crashAddress(c)
		h.instruction(c)
	} else {
		fmt.Fprintln(h, "No crash")
	}
	h.assertion()
	h.mac()
	if h.r.ProcessUptime != nil {
		fmt.Fprintf(h, "Process uptime: %d seconds\n", int64(h.r.ProcessUptime.Seconds()))
	} else {
		fmt.Fprintln(h, "Process uptime: not available")
	}
	fmt.Fprintln(h)
	if n := h.r.LinuxMemoryMapCount; n != nil {
		fmt.Fprintf(h, "Linux memory map count: %d\n\n", *n)
	}
}

func (h humanWriter) mac() {
	if h.r.MacCrashInfo != nil {
		fmt.Fprintln(h, "Mac Crash Info:")
		for i, m := range h.r.MacCrashInfo {
			fmt.Fprintf(h, "  Record %d\n", i)
			if m.Version >= 4 {
				// Decimal behind 0x is what the peer prints.
				fmt.Fprintf(h, "    thread: 0x%d\n    dialog mode: 0x%d\n", m.Thread, m.DialogMode)
			}
			if m.Version >= 5 {
				fmt.Fprintf(h, "    abort_cause: 0x%d\n", m.AbortCause)
			}
			fmt.Fprintf(h, "    module: %s\n    message: %s\n    signature string: %s\n", m.Module, m.Message, m.Signature)
			fmt.Fprintf(h, "    backtrace: %s\n    message2: %s\n", m.Backtrace, m.Message2)
		}
		fmt.Fprintln(h)
	}
	if h.r.MacBootArgs != nil {
		fmt.Fprintf(h, "Mac Boot Args: %s\n\n", *h.r.MacBootArgs)
	}
}

// frames writes a stack. Inlined calls count as frames here.
func (h humanWriter) frames(t *Thread) {
	if len(t.Frames) == 0 {
		fmt.Fprintln(h, "<no frames>")
	}
	number, folded := 0, fold{}
	for i := 0; i < len(t.Frames); i++ {
		if i >= folded.end() && !h.r.compat {
			folded, _ = foldAt(t.Frames, i)
		}
		if from, to := folded.hidden(); i == from && to > from {
			for ; i < to; i++ {
				number += 1 + len(t.Frames[i].Inlines)
			}
			h.leftOut(folded)
		}
		f := &t.Frames[i]
		for _, in := range f.Inlines {
			fmt.Fprintf(h, "%2d  %s!%s", number, f.Module, in.Function)
			if in.File != "" && in.HasLine {
				fmt.Fprintf(h, " [%s : %d]", leaf(in.File), in.Line)
			}
			fmt.Fprint(h, "\n    Found by: inlining\n")
			number++
		}
		fmt.Fprintf(h, "%2d  ", number)
		number++
		h.place(f)
		registers := f.Registers()
		h.registers(&registers)
		fmt.Fprintf(h, "    Found by: %s\n", f.Trust.Description())
	}
}

func (h humanWriter) place(f *Frame) {
	switch {
	case f.ModuleIndex < 0:
		fmt.Fprintf(h, "%#x", f.Offset)
		if f.Memory != "" {
			fmt.Fprintf(h, " (%s)", f.Memory)
		}
		for _, u := range f.UnloadedModules {
			fmt.Fprintf(h, " (unloaded %s@", u.Module)
			for i, off := range u.Offsets {
				if i > 0 {
					h.WriteByte('|')
				}
				fmt.Fprintf(h, "%#x", off)
			}
			h.WriteByte(')')
		}
	case !f.HasFunction:
		fmt.Fprintf(h, "%s + %#x", f.Module, f.ModuleOffset)
	case f.HasLine:
		fmt.Fprintf(h, "%s!%s [%s : %d + %#x]", f.Module, f.Function, leaf(f.File), f.Line, f.LineOffset)
	default:
		fmt.Fprintf(h, "%s!%s + %#x", f.Module, f.Function, f.FunctionOffset)
	}
	h.WriteByte('\n')
}

// registers writes those that are known, as many on a line as fit.
func (h humanWriter) registers(r *minidump.Registers) {
	var line []byte
	for n := range r.CPU.RegisterCount() {
		v, ok := r.Get(n)
		if !ok {
			continue
		}
		next := appendRegister(fmt.Appendf(nil, " %6s = ", r.CPU.RegisterName(n)), r.CPU, v)
		if len(line)+len(next) > 80 {
			fmt.Fprintf(h, " %s\n", line)
			line = line[:0]
		}
		line = append(line, next...)
	}
	if len(line) > 0 {
		fmt.Fprintf(h, " %s\n", line)
	}
}

// rest writes what brief leaves out.
func (h humanWriter) rest() {
	r := h.r
	for i := range r.Threads {
		t := &r.Threads[i]
		if t.dumpThread || r.CrashInfo.CrashingThread != nil && *r.CrashInfo.CrashingThread == i {
			continue
		}
		fmt.Fprintf(h, "Thread %d %s - tid: %d\n", i, t.ThreadName, t.ThreadID)
		h.frames(t)
	}
	fmt.Fprint(h, "\nLoaded modules:\n")
	for _, i := range r.modulesByAddress {
		m := &r.Modules[i]
		version := m.Version
		if version == "" {
			version = "???"
		}
		fmt.Fprintf(h, "0x%08x - 0x%08x  %s  %s", m.BaseAddr, m.EndAddr-1, m.Filename, version)
		if m.BaseAddr == r.Modules[0].BaseAddr {
			fmt.Fprint(h, "  (main)")
		}
		h.cert(m.CertSubject)
	}
	fmt.Fprint(h, "\nUnloaded modules:\n")
	for _, i := range r.unloadedModulesByAddress {
		m := &r.UnloadedModules[i]
		fmt.Fprintf(h, "0x%08x - 0x%08x  %s", m.BaseAddr, m.EndAddr-1, leaf(m.Filename))
		h.cert(m.CertSubject)
	}
	h.streams()
	h.softErrors()
	h.annotations()
	h.problems()
}

// cert ends the line of a module.
func (h humanWriter) cert(subject string) {
	if subject != "" {
		fmt.Fprintf(h, " (%s)", subject)
	}
	h.WriteByte('\n')
}

// streams lists those that we do not read, in order of their types.
func (h humanWriter) streams() {
	last := map[minidump.StreamType]minidump.Stream{}
	for _, s := range h.r.Streams {
		last[s.Type] = s
	}
	var known, unknown []minidump.Stream
	for _, s := range last {
		switch name, read := streamName(s.Type); {
		case read:
		case name != "":
			known = append(known, s)
		default:
			unknown = append(unknown, s)
		}
	}
	list := func(title string, streams []minidump.Stream) {
		if len(streams) == 0 {
			return
		}
		slices.SortFunc(streams, func(a, b minidump.Stream) int { return int(int64(a.Type) - int64(b.Type)) })
		fmt.Fprintf(h, "\n%s streams encountered:\n", title)
		for _, s := range streams {
			name, _ := streamName(s.Type)
			if name != "" {
				name += " "
			}
			fmt.Fprintf(h, "Stream 0x%08x %s(%s) @ 0x%08x\n", uint32(s.Type), name, streamVendor(s.Type), s.RVA)
		}
	}
	list("Unimplemented", known)
	list("Unknown", unknown)
}

func (h humanWriter) softErrors() {
	if s := bytes.TrimSpace(h.r.SoftErrors); len(s) == 0 || s[0] != '[' || len(bytes.TrimSpace(s[1:])) == 1 {
		return
	}
	fmt.Fprint(h, "\nSoft errors were encountered when minidump was written:\n")
	j := newJSONWriter(h.Writer, true)
	j.raw(h.r.SoftErrors)
	_ = j.out.Flush() // h.Writer keeps its first error
	h.WriteByte('\n')
}
