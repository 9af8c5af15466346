package stackwalk

import (
	"cmp"
	"slices"

	"socorro/stackwalk/minidump"
)

// registersByName are the numbers of a CPU's registers in the order of their names.
func registersByName(cpu minidump.CPU) []int {
	numbers := make([]int, cpu.RegisterCount())
	for i := range numbers {
		numbers[i] = i
	}
	slices.SortFunc(numbers, func(a, b int) int { return cmp.Compare(cpu.RegisterName(a), cpu.RegisterName(b)) })
	return numbers
}

// appendRegister appends a register's value, as wide as the CPU's registers. Dumps
// have the registers of 32-bit MIPS in 64 bits.
func appendRegister(b []byte, cpu minidump.CPU, v uint64) []byte {
	if cpu == minidump.MIPS {
		return appendAddress(b, v, 8)
	}
	return appendAddress(b, v, cpu.PointerSize())
}

func (j reportWriter) modules() {
	j.open('[')
	for i := range j.r.Modules {
		m := &j.r.Modules[i]
		j.item()
		j.open('{')
		j.key("base_addr")
		j.hex(m.BaseAddr)
		j.key("cert_subject")
		j.textOrNull(m.CertSubject)
		j.key("code_id")
		j.text(m.CodeID)
		j.key("corrupt_symbols")
		j.bool(m.CorruptSymbols)
		j.key("debug_file")
		j.text(m.DebugFile)
		j.key("debug_id")
		j.text(m.DebugID)
		j.key("end_addr")
		j.hex(m.EndAddr)
		j.key("filename")
		j.text(m.Filename)
		j.key("loaded_symbols")
		j.bool(m.LoadedSymbols)
		j.key("missing_symbols")
		j.bool(m.MissingSymbols)
		j.countIfAny("pieces", m.Pieces)
		j.key("symbol_url")
		j.textOrNull(m.SymbolURL)
		j.symbols(m)
		j.key("version")
		j.textOrNull(m.Version)
		j.close('}')
	}
	j.close(']')
}

func (j reportWriter) unloadedModules() {
	j.open('[')
	for i := range j.r.UnloadedModules {
		m := &j.r.UnloadedModules[i]
		j.item()
		j.open('{')
		j.key("base_addr")
		j.hex(m.BaseAddr)
		j.key("cert_subject")
		j.textOrNull(m.CertSubject)
		j.key("code_id")
		j.text(m.CodeID)
		j.key("end_addr")
		j.hex(m.EndAddr)
		j.key("filename")
		j.text(m.Filename)
		j.close('}')
	}
	j.close(']')
}

func (j reportWriter) handles() {
	if j.r.Handles == nil {
		j.null()
		return
	}
	j.open('[')
	for i := range j.r.Handles {
		h := &j.r.Handles[i]
		j.item()
		j.open('{')
		j.key("handle")
		j.uint(h.Value)
		j.key("object_name")
		j.pointer(h.ObjectName)
		j.key("type_name")
		j.pointer(h.TypeName)
		j.close('}')
	}
	j.close(']')
}

func (j reportWriter) pointer(s *string) {
	if s == nil {
		j.null()
		return
	}
	j.text(*s)
}

func (j reportWriter) lsb() {
	l := j.r.LSBRelease
	if l == nil {
		j.null()
		return
	}
	j.open('{')
	j.key("codename")
	j.text(l.Codename)
	j.key("description")
	j.text(l.Description)
	j.key("id")
	j.text(l.ID)
	j.key("release")
	j.text(l.Release)
	j.close('}')
}

func (j reportWriter) limits() {
	if j.r.ProcLimits == nil {
		j.null()
		return
	}
	// The peer's order is random; ours is by name, so that reports can be compared.
	limits := slices.Clone(j.r.ProcLimits)
	slices.SortStableFunc(limits, func(a, b minidump.Limit) int { return cmp.Compare(a.Name, b.Name) })
	j.open('{')
	j.key("limits")
	j.open('[')
	for i := range limits {
		j.item()
		j.open('{')
		j.key("hard")
		j.limit(limits[i].Hard)
		j.key("name")
		j.text(limits[i].Name)
		j.key("soft")
		j.limit(limits[i].Soft)
		j.key("unit")
		j.text(limits[i].Unit)
		j.close('}')
	}
	j.close(']')
	j.close('}')
}

func (j reportWriter) limit(v minidump.LimitValue) {
	switch v.Kind {
	case minidump.LimitUnlimited:
		j.text("unlimited")
	case minidump.LimitError:
		j.text("err")
	default:
		j.uint(v.Value)
	}
}

func (j reportWriter) macCrashInfo() {
	if j.r.MacCrashInfo == nil {
		j.null()
		return
	}
	j.open('{')
	j.key("num_records")
	j.int(int64(len(j.r.MacCrashInfo)))
	j.key("records")
	j.open('[')
	for i := range j.r.MacCrashInfo {
		m := &j.r.MacCrashInfo[i]
		j.item()
		j.open('{')
		j.key("abort_cause")
		j.macNumber(m, 5, m.AbortCause)
		j.key("backtrace")
		j.text(m.Backtrace)
		j.key("dialog_mode")
		j.macNumber(m, 4, m.DialogMode)
		j.key("message")
		j.text(m.Message)
		j.key("message2")
		j.text(m.Message2)
		j.key("module")
		j.text(m.Module)
		j.key("signature_string")
		j.text(m.Signature)
		j.key("thread")
		j.macNumber(m, 4, m.Thread)
		j.close('}')
	}
	j.close(']')
	j.close('}')
}

// macNumber writes a field that records have since a version of theirs.
func (j reportWriter) macNumber(m *minidump.MacCrashRecord, since, v uint64) {
	if m.Version < since {
		j.null()
		return
	}
	j.hex(v)
}
