package stackwalk

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"socorro/stackwalk/minidump"
)

// WriteDump writes what a minidump holds, stream by stream in the order of the
// file, as text for people who work on writers and readers of dumps. Nothing is
// interpreted: no stacks are walked. brief leaves out the bytes of memory and of
// streams that are not known. The text is for eyes; its form may change. The error
// is w's.
func WriteDump(w io.Writer, d *minidump.Dump, brief bool) error {
	t := dumpText{Writer: bufio.NewWriterSize(w, 64<<10), d: d, brief: brief, budget: new(4 * int64(d.Size()))}
	t.header()
	for i, s := range d.Streams {
		t.stream(i, s)
	}
	if len(d.Warnings) > 0 {
		t.title("Warnings")
		for _, warning := range d.Warnings {
			t.line("  %s", plain(warning))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("stackwalk: write dump: %w", err)
	}
	return nil
}

// A dumpText writes the parts. Its buffer keeps the first error.
type dumpText struct {
	*bufio.Writer
	d     *minidump.Dump
	brief bool
	// budget is how many bytes may still be shown. Stacks are in the lists of threads
	// and of memory, but a hostile dump has a thousand regions that all refer to the
	// same megabyte.
	budget *int64
}

func (t dumpText) line(format string, args ...any) {
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

func (t dumpText) title(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.line("\n%s\n%s", text, strings.Repeat("-", utf8.RuneCountInString(text)))
}

// pair writes a name and what it is, if that is known.
func (t dumpText) pair(name string, v any) {
	switch v := v.(type) {
	case string:
		if v != "" {
			t.line("  %-18s %s", name, plain(v))
		}
	case time.Time:
		if !v.IsZero() {
			t.line("  %-18s %s", name, v.Format(time.RFC3339Nano))
		}
	case time.Duration:
		if v != 0 {
			t.line("  %-18s %s", name, v)
		}
	case *uint64:
		if v != nil {
			t.line("  %-18s %d", name, *v)
		}
	case *uint32:
		if v != nil {
			t.line("  %-18s %d", name, *v)
		}
	case *string:
		if v != nil {
			t.line("  %-18s %q", name, *v)
		}
	case uint32, uint16, uint8, int:
		t.line("  %-18s %d", name, v)
	default:
		t.line("  %-18s %v", name, v)
	}
}

func (t dumpText) hex(name string, v uint64) { t.line("  %-18s %#x", name, v) }

func (t dumpText) header() {
	d := t.d
	t.line("Minidump of %d bytes", d.Size())
	t.pair("written", d.Time)
	t.hex("flags", d.Flags)
	order := "little"
	if d.BigEndian {
		order = "big"
	}
	t.pair("byte order", order+" endian")
	t.title("Directory of %d streams", len(d.Streams))
	for i, s := range d.Streams {
		t.line("  %3d  %-24s type 0x%08x  %10d bytes at 0x%08x  (%s)", i, streamTitle(s.Type), uint32(s.Type), s.Size, s.RVA, streamVendor(s.Type))
	}
}

// streamTitle is the name of a stream, also of those that nobody reads.
func streamTitle(t minidump.StreamType) string {
	name := t.String()
	if other, _ := streamName(t); strings.HasPrefix(name, "stream ") && other != "" {
		return strings.TrimSuffix(other, "Stream")
	}
	return name
}

// stream writes one entry of the directory. Of two streams of a type the last one
// has been read.
func (t dumpText) stream(i int, s minidump.Stream) {
	t.title("Stream %d: %s", i, streamTitle(s.Type))
	raw, ok := t.d.Raw(s)
	if !ok {
		t.line("  its %d bytes at %#x are not in the file", s.Size, s.RVA)
		return
	}
	for _, later := range t.d.Streams[i+1:] {
		if later.Type == s.Type && s.Type != 0 {
			t.line("  a later stream of this type counts; these are its bytes")
			t.bytes(0, raw)
			return
		}
	}
	if !t.known(s.Type) {
		t.bytes(0, raw)
	}
}

// known writes what has been read of a stream. It is false when nothing has.
func (t dumpText) known(typ minidump.StreamType) bool {
	d := t.d
	switch typ {
	case minidump.SystemInfoStream:
		t.system()
	case minidump.ThreadListStream:
		t.threads()
	case minidump.ModuleListStream:
		return t.list(d.Modules != nil, t.modules)
	case minidump.MemoryListStream, minidump.Memory64ListStream:
		return t.list(len(d.Memory.Regions) > 0, t.memory)
	case minidump.ExceptionStream:
		return t.list(d.Exception != nil, t.exception)
	case minidump.HandleDataStream:
		return t.list(d.Handles != nil, t.handles)
	case minidump.FunctionTableStream:
		return t.list(d.FunctionTables != nil, t.functionTables)
	case minidump.UnloadedModuleListStream:
		return t.list(d.UnloadedModules != nil, t.unloaded)
	case minidump.MiscInfoStream:
		return t.list(d.Misc != nil, t.misc)
	case minidump.MemoryInfoListStream:
		return t.list(d.MemoryInfo != nil, t.memoryInfo)
	case minidump.ThreadInfoListStream:
		return t.list(len(d.Threads) > 0, t.threadInfo)
	case minidump.ThreadNamesStream:
		t.threadNames()
	case minidump.BreakpadInfoStream:
		return t.list(d.Breakpad != nil, t.breakpad)
	case minidump.AssertionInfoStream:
		return t.list(d.Assertion != nil, t.assertion)
	case minidump.CrashpadInfoStream:
		return t.list(d.Crashpad != nil, t.crashpad)
	case minidump.StabilityReportStream:
		return t.list(d.Stability != nil, t.stability)
	case minidump.MozMacCrashInfoStream:
		return t.list(d.MacCrashInfo != nil, t.mac)
	case minidump.MozMacBootArgsStream:
		t.pair("boot arguments", d.MacBootArgs)
		return d.MacBootArgs != nil
	default:
		return t.text(typ)
	}
	return true
}

func (t dumpText) list(read bool, write func()) bool {
	if read {
		write()
	}
	return read
}

// text writes the streams that are text, as they stand.
func (t dumpText) text(typ minidump.StreamType) bool {
	d := t.d
	switch typ {
	case minidump.LinuxCmdLineStream:
		for i, arg := range d.CommandLine {
			t.line("  %d %q", i, arg)
		}
		return d.CommandLine != nil
	case minidump.LinuxEnvironStream:
		for _, kv := range d.Environment {
			t.line("  %s=%s", plain(kv.Key), plain(kv.Value))
		}
		return d.Environment != nil
	case auxiliaryVector:
		return t.auxiliary()
	case minidump.LinuxCPUInfoStream, minidump.LinuxProcStatusStream, minidump.LinuxLSBReleaseStream, minidump.LinuxMapsStream,
		minidump.MozLinuxLimitsStream, minidump.MozSoftErrorsStream, minidump.CommentStreamA:
		t.lines(typ)
		return true
	case minidump.CommentStreamW:
		text, ok := d.Text16(typ)
		if ok {
			t.line("  %s", plain(text))
		}
		return ok
	}
	return false
}

func (t dumpText) lines(typ minidump.StreamType) {
	for line := range strings.Lines(strings.TrimRight(string(t.last(typ)), "\x00")) {
		t.line("  %s", plain(strings.TrimRight(line, "\r\n")))
	}
}

// last is the bytes of the stream of a type that counts.
func (t dumpText) last(typ minidump.StreamType) []byte {
	for i := len(t.d.Streams) - 1; i >= 0; i-- {
		if t.d.Streams[i].Type == typ {
			raw, _ := t.d.Raw(t.d.Streams[i])
			return raw
		}
	}
	return nil
}

// bytes writes a hex dump. base is the address of the first byte.
func (t dumpText) bytes(base uint64, data []byte) {
	if t.brief {
		t.line("  %d bytes", len(data))
		return
	}
	if *t.budget -= int64(len(data)); *t.budget < 0 {
		t.line("  %d bytes, left out: the dump refers to more memory than it holds", len(data))
		return
	}
	const width = 16
	var row, last []byte
	same := false
	for off := 0; off < len(data); off += width {
		part := data[off:min(off+width, len(data))]
		if off > 0 && off+width < len(data) && string(part) == string(last) {
			// The star of hexdump(1): rows like the one before it.
			if !same {
				t.WriteString("  *\n")
			}
			same = true
			continue
		}
		same, last = false, part
		row = fmt.Appendf(row[:0], "  %016x ", base+uint64(off))
		for i := range width {
			if i < len(part) {
				row = fmt.Appendf(row, " %02x", part[i])
			} else {
				row = append(row, "   "...)
			}
		}
		row = append(row, "  |"...)
		for _, c := range part {
			if c < ' ' || c > '~' {
				c = '.'
			}
			row = append(row, c)
		}
		t.Write(append(row, "|\n"...))
	}
}

// plain makes text safe to print: what could command a terminal is escaped. The
// texts of a dump are those of whoever sent it.
func plain(s string) string {
	bad := func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError }
	if !strings.ContainsFunc(s, bad) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case bad(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
