package stackwalk

import (
	"fmt"
	"strings"

	"socorro/stackwalk/minidump"
)

// The lists of a dump as text, see [WriteDump].

func (t dumpText) threads() {
	for i := range t.d.Threads {
		th := &t.d.Threads[i]
		t.line("  Thread %d", i)
		t.line("    id %d (%#x)  suspend count %d  priority %d class %d  TEB %#x", th.ID, th.ID, th.SuspendCount, th.Priority, th.PriorityClass, th.TEB)
		t.line("    stack %d bytes at %#x", len(th.Stack.Data), th.StackBase)
		t.context(i, th.Context)
		if len(th.Stack.Data) > 0 {
			t.bytes(th.Stack.Base, th.Stack.Data)
		}
	}
}

// context writes the registers of a thread, or of the exception as thread -1, and
// what there is beyond them.
func (t dumpText) context(thread int, r *minidump.Registers) {
	raw := t.d.RawContext(thread)
	if r == nil {
		t.line("    context of %d bytes, not read", len(raw))
		return
	}
	t.line("    context of %d bytes", len(raw))
	var row strings.Builder
	for n := range r.CPU.RegisterCount() {
		v, _ := r.Get(n)
		fmt.Fprintf(&row, "  %6s %s", r.CPU.RegisterName(n), appendRegister(nil, r.CPU, v))
		if n%3 == 2 {
			t.line("    %s", row.String())
			row.Reset()
		}
	}
	if row.Len() > 0 {
		t.line("    %s", row.String())
	}
	t.xstate(raw)
}

// xstate writes the parts of a context beyond the registers that MiscInfo names.
func (t dumpText) xstate(raw []byte) {
	if t.d.Misc == nil || t.d.Misc.XState == nil {
		return
	}
	for _, f := range t.d.Misc.XState.Features {
		end := uint64(f.Offset) + uint64(f.Size)
		if f.Size == 0 || end > uint64(len(raw)) {
			continue
		}
		t.line("    %s", f.Name())
		t.bytes(uint64(f.Offset), raw[f.Offset:end])
	}
}

func (t dumpText) threadInfo() {
	for i := range t.d.Threads {
		th := &t.d.Threads[i]
		if th.Info == nil {
			continue
		}
		t.line("  Thread %d, id %d", i, th.ID)
		t.hex("  started at", th.Info.StartAddress)
		t.pair("  created", th.Info.CreateTime)
		t.pair("  ended", th.Info.ExitTime)
		t.pair("  kernel time", th.Info.KernelTime)
		t.pair("  user time", th.Info.UserTime)
		t.hex("  exit status", uint64(th.Info.ExitStatus))
		t.hex("  affinity", th.Info.Affinity)
		t.line("    dump flags %#x, dump error %#x", th.Info.DumpFlags, th.Info.DumpError)
	}
}

func (t dumpText) threadNames() {
	for i := range t.d.Threads {
		if th := &t.d.Threads[i]; th.Named {
			t.line("  %d %q", th.ID, th.Name)
		}
	}
}

func (t dumpText) modules() {
	for i := range t.d.Modules {
		m := &t.d.Modules[i]
		t.line("  %d  %#x - %#x  %s", i, m.Base, m.End(), plain(m.CodeFile))
		t.pair("  version", m.Version)
		t.pair("  debug file", m.DebugFile)
		t.pair("  debug id", m.DebugID)
		t.pair("  code id", m.CodeID)
		t.line("    time stamp %#x  checksum %#x", m.TimeStamp, m.CheckSum)
	}
}

func (t dumpText) unloaded() {
	for i := range t.d.UnloadedModules {
		m := &t.d.UnloadedModules[i]
		t.line("  %d  %#x - %#x  %s  code id %s  checksum %#x", i, m.Base, m.End(), plain(m.Name), m.CodeID, m.CheckSum)
	}
}

func (t dumpText) memory() {
	for i, r := range t.d.Memory.Regions {
		t.line("  %d  %#x - %#x", i, r.Base, r.End())
		if !t.brief {
			t.bytes(r.Base, r.Data)
		}
	}
}

func (t dumpText) memoryInfo() {
	for i := range t.d.MemoryInfo {
		m := &t.d.MemoryInfo[i]
		t.line("  %d  %#x  %d bytes  %s  %s  %s  allocated at %#x as %s", i, m.Base, m.Size,
			number(m.State, memoryStates[:]), protection(m.Protect), number(m.Type, memoryTypes[:]), m.AllocationBase, protection(m.AllocationProtect))
	}
}

// A named number of Windows.
type numberName struct {
	value uint32
	name  string
}

var (
	memoryStates = [...]numberName{{0x1000, "committed"}, {0x2000, "reserved"}, {0x10000, "free"}}
	memoryTypes  = [...]numberName{{0x20000, "private"}, {0x40000, "mapped"}, {0x1000000, "image"}}
	protections  = [...]numberName{
		{0x01, "---"},
		{0x02, "r--"},
		{0x04, "rw-"},
		{0x08, "rc-"},
		{0x10, "--x"},
		{0x20, "r-x"},
		{0x40, "rwx"},
		{0x80, "rcx"},
	}
)

func number(v uint32, names []numberName) string {
	for _, n := range names {
		if n.value == v {
			return n.name
		}
	}
	return fmt.Sprintf("%#x", v)
}

// protection is like the letters of ls(1), c for copied when written.
func protection(v uint32) string {
	text := number(v&0xff, protections[:])
	if v&0x100 != 0 {
		text += " guard"
	}
	return text
}

func (t dumpText) handles() {
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return plain(*s)
	}
	for i := range t.d.Handles {
		h := &t.d.Handles[i]
		t.line("  %#x  %s  %s  attributes %#x  access %#x  handles %d  pointers %d", h.Value, text(h.TypeName), text(h.ObjectName),
			h.Attributes, h.GrantedAccess, h.HandleCount, h.PointerCount)
	}
}

func (t dumpText) functionTables() {
	for i := range t.d.FunctionTables {
		f := &t.d.FunctionTables[i]
		t.line("  %d  %#x - %#x  base %#x  %d functions of %d bytes", i, f.First, f.Last, f.Base, f.Entries, f.EntrySize)
		const amd64 = 12
		if f.EntrySize != amd64 || t.brief {
			continue
		}
		for at := 0; at+amd64 <= len(f.Raw); at += amd64 {
			word := func(n int) uint32 { return t.d.Memory.Order().Uint32(f.Raw[at+4*n:]) }
			t.line("    %#x - %#x  unwind information at %#x", f.Base+uint64(word(0)), f.Base+uint64(word(1)), f.Base+uint64(word(2)))
		}
	}
}
