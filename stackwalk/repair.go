package stackwalk

import (
	"cmp"
	"slices"
	"strings"

	"socorro/stackwalk/minidump"
)

// The repairs of rust-minidump's known mistakes, each with an example in
// docs/stackwalk.md. Options.Compat leaves them out. Others are where the mistake
// is: [minidump.Dump.Strict] (one bad line or entry), [symbols.Options] (one bad
// line of a symbol file), [unwind.Stack] (the end of the stack, registers after
// STACK WIN).

// asRead is the dump that a walk works on.
func asRead(d *minidump.Dump, compat bool) (_ *minidump.Dump, pieces []int) {
	if compat {
		return d.Strict(), nil
	}
	return joinModules(d)
}

// joinModules makes one module of those that are pieces of one file. lld leaves
// gaps between the segments of an ELF file, which are not mapped, and writers of
// minidumps that see two groups of mappings write two modules. Symbol files count
// from the first segment, so names looked up from the second one are confidently
// wrong: Rust programs since 1.90, everything on Android. The kernel's list of
// mappings tells pieces from a library that is loaded twice: a piece does not
// begin at offset 0 of the file.
//
// pieces are how many modules of the dump each module was, 0 for those that were
// one; nil when nothing was joined.
func joinModules(d *minidump.Dump) (_ *minidump.Dump, pieces []int) {
	if len(d.Maps) == 0 {
		return d, nil
	}
	starts := map[uint64]*minidump.LinuxMap{}
	for i := range d.Maps {
		starts[d.Maps[i].Start] = &d.Maps[i]
	}
	byAddress := make([]int, len(d.Modules))
	for i := range byAddress {
		byAddress[i] = i
	}
	slices.SortStableFunc(byAddress, func(a, b int) int { return cmp.Compare(d.Modules[a].Base, d.Modules[b].Base) })
	first := make([]int, len(d.Modules)) // of the pieces of a file, by module
	end := map[int]uint64{}              // of a first piece with others: where the last one ends
	whole := -1
	for _, i := range byAddress {
		first[i] = i
		if whole >= 0 && isPiece(&d.Modules[whole], &d.Modules[i], starts) {
			first[i] = whole
			end[whole] = max(end[whole], d.Modules[i].End())
			continue
		}
		whole = i
	}
	if len(end) == 0 {
		return d, nil
	}
	var modules []minidump.Module
	renumber := make([]int, len(d.Modules))
	for i := range d.Modules {
		if first[i] != i {
			continue
		}
		m := d.Modules[i]
		m.Size = max(m.End(), end[i]) - m.Base
		renumber[i] = len(modules)
		modules, pieces = append(modules, m), append(pieces, 0)
	}
	for i := range renumber {
		renumber[i] = renumber[first[i]]
		pieces[renumber[i]]++
	}
	for i := range pieces {
		if pieces[i] == 1 {
			pieces[i] = 0
		}
	}
	return d.WithModules(modules, renumber), pieces
}

// isPiece says whether m is a later part of the file that whole begins.
func isPiece(whole, m *minidump.Module, starts map[uint64]*minidump.LinuxMap) bool {
	if m.CodeFile == "" || m.CodeFile != whole.CodeFile {
		return false
	}
	if m.DebugID != "" && m.DebugID != whole.DebugID {
		return false
	}
	begin, at := starts[whole.Base], starts[m.Base]
	return begin != nil && at != nil && begin.Offset == 0 && at.Offset != 0 &&
		begin.Inode == at.Inode && begin.Path == at.Path && m.Base >= whole.End()
}

// beginsStacks says whether nothing calls a function: the system starts programs
// and threads there. Not all of their rules say so.
func beginsStacks(os minidump.OS, function string) bool {
	switch os {
	case minidump.Linux, minidump.Android:
		switch function {
		case "_start", "clone", "__clone", "clone3", "__clone3", "__start_thread", "__bionic_clone":
			return true
		}
	case minidump.MacOS, minidump.IOS:
		switch function {
		case "start", "_dyld_start", "thread_start", "start_wqthread":
			return true
		}
	case minidump.Windows:
		name, _, _ := strings.Cut(function, "@")
		return name == "RtlUserThreadStart" || name == "_RtlUserThreadStart"
	}
	return false
}

// Memory of [Frame.Memory] that belongs to no file.
const madeCode = "jit"

// A codeRange is memory that the process could run.
type codeRange struct {
	first, last uint64
	name        string
}

// codeRanges are the executable memory of the process, by address.
func codeRanges(d *minidump.Dump) []codeRange {
	var ranges []codeRange
	add := func(start, end uint64, name string) {
		if end > start {
			ranges = append(ranges, codeRange{start, end - 1, name})
		}
	}
	for i := range d.Maps {
		if m := &d.Maps[i]; m.Execute {
			add(m.Start, m.End, mappedName(m.Path))
		}
	}
	for i := range d.MemoryInfo {
		const commit, image = 0x1000, 0x1000000
		m := &d.MemoryInfo[i]
		if !m.Executable() || m.State != commit {
			continue
		}
		name := madeCode
		if m.Type == image {
			name = "image"
		}
		add(m.Base, m.Base+m.Size, name)
	}
	slices.SortFunc(ranges, func(a, b codeRange) int { return cmp.Compare(a.first, b.first) })
	return ranges
}

// mappedName is the path of a mapping, or madeCode for memory that has a name but
// no file: that is what engines call theirs.
func mappedName(path string) string {
	for _, prefix := range [...]string{"[anon", "/memfd:", "/dev/ashmem", "/dev/zero", "//anon", "[heap]", "[stack"} {
		if strings.HasPrefix(path, prefix) {
			return madeCode
		}
	}
	return cmp.Or(leaf(path), madeCode)
}

// codeAt is the name of the executable memory at addr.
func codeAt(ranges []codeRange, addr uint64) (string, bool) {
	i, ok := slices.BinarySearchFunc(ranges, addr, func(r codeRange, addr uint64) int { return cmp.Compare(r.first, addr) })
	if !ok {
		i--
	}
	if i < 0 || addr > ranges[i].last {
		return "", false
	}
	return ranges[i].name, true
}

// MadeAt says whether addr is in executable memory, for [unwind.Code]. It is asked
// of addresses that are in no module.
func (w *walker) MadeAt(addr uint64) bool {
	_, ok := codeAt(w.code, addr)
	return ok
}
