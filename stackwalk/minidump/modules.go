package minidump

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

const (
	moduleSize         = 108
	unloadedModuleSize = 24
)

// CodeView records say where a module's symbols are.
const (
	cvPDB20 = 0x3031424e // "NB10"
	cvPDB70 = 0x53445352 // "RSDS"
	cvELF   = 0x4270454c // "LEpB", Breakpad's record of an ELF build id
)

// moduleList leaves out modules without a sensible size, which Wine and packers
// make. A name or a CodeView record that is not in the file costs the module only
// that: its place in memory is still what it is.
func (p *parser) moduleList(b *buf) {
	n := b.count(moduleSize)
	modules := make([]Module, 0, n)
	var spans []span
	for i := range n {
		m, ok := p.module(b)
		if b.err != nil {
			return
		}
		if !ok {
			p.warn(&FormatError{
				Malformed, b.stream, b.start + int64(b.off) - moduleSize,
				fmt.Sprintf("module %d at %#x with %d bytes is left out", i, m.Base, m.Size),
			})
			continue
		}
		spans = appendSpan(spans, m.Base, m.Size, len(modules))
		modules = append(modules, m)
	}
	p.d.Modules = modules
	p.d.modules = newRangeMap(spans)
}

// module reads one entry. It is false when the module has no sensible size.
func (p *parser) module(b *buf) (Module, bool) {
	m := Module{Base: b.u64(), Size: uint64(b.u32()), CheckSum: b.u32(), TimeStamp: b.u32()}
	name := b.u32()
	m.Version = p.moduleVersion(b)
	codeView := b.location()
	b.skip(8 + 16) // IMAGE_DEBUG_MISC, which nobody has written since 1998, and reserved fields
	if b.err != nil || m.Size == 0 || m.Base+m.Size < m.Base {
		return m, false
	}
	if text := p.utf16At(uint64(name)); text != nil {
		m.CodeFile = *text
	} else {
		p.leftOut(ModuleListStream, b.start+int64(b.off)-moduleSize, fmt.Sprintf("the name of the module at %#x, which is not readable", m.Base))
	}
	if codeView.size != 0 {
		p.codeView(codeView, &m)
	} else if p.d.System.OS == Windows {
		m.CodeID = peID(m.TimeStamp, m.Size)
	}
	return m, b.err == nil
}

// moduleVersion reads a VS_FIXEDFILEINFO. Windows and macOS have two numbers in
// each word; Breakpad on Linux has a word for each.
func (p *parser) moduleVersion(b *buf) string {
	sig, layout := b.u32(), b.u32()
	fileHi, fileLo, productHi, productLo := b.u32(), b.u32(), b.u32(), b.u32()
	b.skip(7 * 4)
	if sig != 0xfeef04bd || layout != 0x00010000 {
		return ""
	}
	switch p.d.System.OS {
	case Windows, MacOS, IOS:
		return fmt.Sprintf("%d.%d.%d.%d", fileHi>>16, fileHi&0xffff, fileLo>>16, fileLo&0xffff)
	default:
		return fmt.Sprintf("%d.%d.%d.%d", fileHi, fileLo, productHi, productLo)
	}
}

func (p *parser) codeView(loc location, m *Module) {
	// Its error is not the list's.
	cv := p.sub(&buf{stream: ModuleListStream.String(), order: p.order}, "CodeView record", loc)
	switch kind := cv.u32(); kind {
	case cvPDB70:
		id, age := cv.guid(), cv.u32()
		m.DebugFile = p.untilNUL(cv)
		if id != (guid{}) {
			m.DebugID = id.plain() + fmt.Sprintf("%x", age)
		}
		if p.d.System.OS == MacOS || p.d.System.OS == IOS {
			m.CodeID = strings.ToLower(id.plain())
		} else {
			m.CodeID = peID(m.TimeStamp, m.Size)
		}
	case cvPDB20:
		cv.skip(4)
		stamp, age := cv.u32(), cv.u32()
		m.DebugFile = p.untilNUL(cv)
		m.DebugID = fmt.Sprintf("%08X%x", stamp, age)
		m.CodeID = peID(m.TimeStamp, m.Size)
	case cvELF:
		m.DebugFile = m.CodeFile
		p.buildID(cv, m)
	}
	if cv.err != nil {
		m.DebugFile, m.DebugID, m.CodeID, m.BuildID = "", "", "", nil
		p.leftOut(ModuleListStream, int64(loc.rva), fmt.Sprintf("the CodeView record of the module at %#x, which is not readable", m.Base))
	}
}

// buildID makes the ids of an ELF module. Its debug id takes the first 16 bytes
// of the build id for a GUID, as writers did before there was a record for it. A
// build id of zeros stands for a mapped file that is no program, such as a font.
func (p *parser) buildID(cv *buf, m *Module) {
	id := cv.take(cv.left())
	if !p.spend(3 * len(id)) {
		cv.fail("the dump refers to more build ids than the file can hold")
		return
	}
	if len(bytes.Trim(id, "\x00")) == 0 {
		return
	}
	m.BuildID = id
	m.CodeID = hex.EncodeToString(id)
	padded := make([]byte, 16)
	copy(padded, id)
	m.DebugID = (&buf{data: padded, order: p.order}).guid().plain() + "0"
}

// peID is the id of a PE file at a symbol server: its time stamp and its size.
func peID(stamp uint32, size uint64) string { return fmt.Sprintf("%08x%x", stamp, size) }

// untilNUL is the rest of b up to its first NUL, with bytes that are no UTF-8 replaced.
func (p *parser) untilNUL(b *buf) string {
	text, _, _ := bytes.Cut(b.take(b.left()), []byte{0})
	if !p.spend(3 * len(text)) {
		b.fail("the dump refers to more text than the file can hold")
		return ""
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}

func (p *parser) unloadedModuleList(b *buf) {
	n, _ := b.countEx(unloadedModuleSize)
	modules := make([]UnloadedModule, 0, n)
	for range n {
		m := UnloadedModule{Base: b.u64(), Size: uint64(b.u32()), CheckSum: b.u32(), TimeStamp: b.u32()}
		name := p.utf16At(uint64(b.u32()))
		switch {
		case b.err != nil:
			return
		case m.Size == 0 || m.Base+m.Size < m.Base:
			p.leftOut(UnloadedModuleListStream, b.start+int64(b.off)-unloadedModuleSize, fmt.Sprintf("the module at %#x, which has %d bytes", m.Base, m.Size))
			continue
		case name == nil:
			p.leftOut(UnloadedModuleListStream, b.start+int64(b.off)-unloadedModuleSize, fmt.Sprintf("the name of the module at %#x, which is not readable", m.Base))
		default:
			m.Name = *name
		}
		m.CodeID = peID(m.TimeStamp, m.Size)
		modules = append(modules, m)
	}
	if b.err != nil {
		return
	}
	p.d.UnloadedModules = modules
	p.d.unloaded = run(0, len(modules), 1)
	slices.SortStableFunc(p.d.unloaded, func(i, j int) int {
		a, b := &modules[i], &modules[j]
		return cmp.Or(cmp.Compare(a.Base, b.Base), cmp.Compare(a.Size, b.Size))
	})
}
