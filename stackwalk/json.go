package stackwalk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

var _ json.Marshaler = (*Report)(nil)

// MarshalJSON is the report as WriteJSON writes it, compact.
func (r *Report) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	if err := r.WriteJSON(&b, false); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// WriteJSON writes the report as JSON, see json.md. Keys are in alphabetical
// order, what is unknown is null, and there is no newline at the end. pretty
// indents it. The error is w's.
func (r *Report) WriteJSON(w io.Writer, pretty bool) error {
	j := reportWriter{newJSONWriter(w, pretty), r}
	j.open('{')
	j.key("crash_info")
	j.crashInfo()
	if r.CrashingThread != nil {
		j.key("crashing_thread")
		j.thread(r.CrashingThread, true)
	}
	j.crashpad()
	j.key("handles")
	j.handles()
	j.key("linux_memory_map_count")
	j.count(r.LinuxMemoryMapCount)
	j.key("lsb_release")
	j.lsb()
	j.key("mac_boot_args")
	j.pointer(r.MacBootArgs)
	j.key("mac_crash_info")
	j.macCrashInfo()
	j.key("main_module")
	j.int(0)
	j.key("modules")
	j.modules()
	j.key("modules_contains_cert_info")
	j.bool(r.ModulesContainCertInfo)
	j.key("pid")
	j.pid()
	j.key("proc_limits")
	j.limits()
	j.key("process_uptime")
	j.uptime()
	j.key("soft_errors")
	j.raw(r.SoftErrors)
	j.key("status")
	j.text(r.Status)
	j.key("system_info")
	j.systemInfo()
	j.key("thread_count")
	j.int(int64(len(r.Threads)))
	j.key("threads")
	j.open('[')
	for i := range r.Threads {
		j.item()
		j.thread(&r.Threads[i], false)
	}
	j.close(']')
	j.key("unloaded_modules")
	j.unloadedModules()
	j.textsIfAny("warnings", j.r.Warnings)
	j.close('}')
	if err := j.out.Flush(); err != nil {
		return fmt.Errorf("stackwalk: write JSON: %w", err)
	}
	return nil
}

// A reportWriter writes the parts of a report.
type reportWriter struct {
	*jsonWriter
	r *Report
}

// hex writes an address, as wide as the CPU's.
func (j reportWriter) hex(v uint64) {
	j.out.byte('"')
	j.scratch = appendAddress(j.scratch[:0], v, j.r.pointerSize)
	j.out.bytes(j.scratch)
	j.out.byte('"')
}

// appendAddress appends 0x and 8 digits for a CPU of 32 bits, 16 for others.
func appendAddress(b []byte, v uint64, pointerSize int) []byte {
	width := 16
	if pointerSize == 4 {
		width = 8
	}
	var digits [16]byte
	text := strconv.AppendUint(digits[:0], v, 16)
	b = append(b, '0', 'x')
	for range width - len(text) {
		b = append(b, '0')
	}
	return append(b, text...)
}

// hexIf, textIf and uintIf write null for what is not known.
func (j reportWriter) hexIf(known bool, v uint64) {
	if !known {
		j.null()
		return
	}
	j.hex(v)
}

func (j reportWriter) textIf(known bool, s string) {
	if !known {
		j.null()
		return
	}
	j.text(s)
}

func (j reportWriter) uintIf(known bool, v uint32) {
	if !known {
		j.null()
		return
	}
	j.uint(uint64(v))
}

func (j reportWriter) count(n *int) {
	if n == nil {
		j.null()
		return
	}
	j.int(int64(*n))
}

func (j reportWriter) pid() {
	if j.r.PID == nil {
		j.null()
		return
	}
	j.uint(uint64(*j.r.PID))
}

func (j reportWriter) uptime() {
	if j.r.ProcessUptime == nil {
		j.null()
		return
	}
	j.int(int64(j.r.ProcessUptime.Seconds()))
}

func (j reportWriter) crashInfo() {
	c := &j.r.CrashInfo
	crashed := c.Address != nil
	j.open('{')
	j.key("address")
	if crashed {
		j.hex(*c.Address)
	} else {
		j.null()
	}
	j.key("adjusted_address")
	j.adjusted(c.Adjusted)
	j.key("assertion")
	j.assertion()
	j.key("crash_inconsistencies")
	if crashed {
		j.inconsistencies(c.Inconsistencies)
	} else {
		j.null()
	}
	j.key("crashing_thread")
	j.count(c.CrashingThread)
	j.key("instruction")
	j.textOrNull(c.Instruction)
	j.key("instruction_pointer_update")
	j.target(c.InstructionPointerUpdate)
	j.key("memory_accesses")
	j.accesses(c.MemoryAccesses)
	j.key("possible_bit_flips")
	j.bitFlips(c.PossibleBitFlips)
	j.key("type")
	j.textOrNull(c.Type)
	j.close('}')
}

func (j reportWriter) systemInfo() {
	s := &j.r.SystemInfo
	j.open('{')
	j.key("cpu_arch")
	j.text(s.CPUArch)
	j.key("cpu_count")
	j.int(int64(s.CPUCount))
	j.key("cpu_info")
	j.textOrNull(s.CPUInfo)
	j.key("cpu_microcode_version")
	if s.CPUMicrocodeVersion == nil {
		j.null()
	} else {
		j.text("0x" + strconv.FormatUint(*s.CPUMicrocodeVersion, 16))
	}
	j.key("os")
	j.text(s.OS)
	j.key("os_ver")
	j.textOrNull(s.OSVer)
	j.close('}')
}

func (j reportWriter) thread(t *Thread, crashing bool) {
	j.open('{')
	j.key("frame_count")
	j.int(int64(len(t.Frames)))
	j.key("frames")
	j.open('[')
	for i := range t.Frames {
		j.item()
		j.frame(&t.Frames[i], crashing && i == 0)
	}
	j.close(']')
	j.key("last_error_value")
	j.textOrNull(t.LastErrorValue)
	if t.StartAddress != nil && !j.r.compat {
		j.key("start_address")
		j.hex(*t.StartAddress)
	}
	j.key("thread_id")
	j.uint(uint64(t.ThreadID))
	j.key("thread_name")
	j.textIf(t.HasName, t.ThreadName)
	if crashing {
		j.key("threads_index")
		j.int(int64(t.Index))
	}
	if t.Truncated && !j.r.compat {
		j.key("truncated")
		j.bool(true)
	}
	j.close('}')
}

func (j reportWriter) frame(f *Frame, registers bool) {
	j.open('{')
	j.key("file")
	j.textIf(f.HasLine, f.File)
	j.key("frame")
	j.int(int64(f.Index))
	j.key("function")
	j.textIf(f.HasFunction, f.Function)
	j.key("function_offset")
	j.hexIf(f.HasFunction, f.FunctionOffset)
	j.key("inlines")
	j.inlines(f.Inlines)
	j.key("line")
	j.uintIf(f.HasLine, f.Line)
	j.textIfAny("memory", f.Memory)
	j.key("missing_symbols")
	j.bool(f.MissingSymbols)
	j.key("module")
	j.textIf(f.ModuleIndex >= 0, f.Module)
	j.key("module_offset")
	j.hexIf(f.ModuleIndex >= 0, f.ModuleOffset)
	j.key("offset")
	j.hex(f.Offset)
	if registers {
		j.key("registers")
		known := f.Registers()
		j.registers(&known)
	}
	j.key("trust")
	j.text(string(f.Trust))
	j.key("unloaded_modules")
	j.unloadedAt(f.UnloadedModules)
	j.close('}')
}

func (j reportWriter) inlines(list []symbols.Inline) {
	if len(list) == 0 {
		j.null()
		return
	}
	j.open('[')
	for i := range list {
		j.item()
		j.open('{')
		j.key("file")
		j.textOrNull(list[i].File)
		j.key("function")
		j.text(list[i].Function)
		j.key("line")
		j.uintIf(list[i].HasLine, list[i].Line)
		j.close('}')
	}
	j.close(']')
}

func (j reportWriter) unloadedAt(list []UnloadedAt) {
	if len(list) == 0 {
		j.null()
		return
	}
	j.open('[')
	for _, u := range list {
		j.item()
		j.open('{')
		j.key("module")
		j.text(u.Module)
		j.key("offsets")
		j.open('[')
		for _, off := range u.Offsets {
			j.item()
			j.hex(off)
		}
		j.close(']')
		j.close('}')
	}
	j.close(']')
}

// registers writes those that are known, by name.
func (j reportWriter) registers(r *minidump.Registers) {
	j.open('{')
	for _, n := range registersByName(r.CPU) {
		if v, ok := r.Get(n); ok {
			j.key(r.CPU.RegisterName(n))
			j.out.byte('"')
			j.scratch = appendRegister(j.scratch[:0], r.CPU, v)
			j.out.bytes(j.scratch)
			j.out.byte('"')
		}
	}
	j.close('}')
}
