package symbols

import "sort"

// A winRecord is a STACK WIN record: how to leave a function of 32-bit Windows.
type winRecord struct {
	addr, last      uint32
	params          uint32 // bytes of parameters
	saved           uint32 // bytes of saved registers
	locals          uint32 // bytes of local variables
	program         ref    // of type 4
	usesBasePointer uint32 // of type 0: 1 or 0
}

func winSpan(w winRecord) (uint32, uint32) { return w.addr, w.last }

func (t *Table) win(list []winRecord, addr uint64) (*winRecord, bool) {
	i := sort.Search(len(list), func(i int) bool { return uint64(list[i].last) >= addr })
	if i == len(list) || uint64(list[i].addr) > addr {
		return nil, false
	}
	return &list[i], true
}

// stackWin reads STACK WIN type address size prologue epilogue parameters saved
// locals maxstack hasprogram, then a program or whether ebp is used.
func (p *parser) stackWin(f *fields) string {
	kind := f.hexDigit()
	addr, size := f.addr(), f.size()
	f.size() // prologue
	f.size() // epilogue
	w := winRecord{params: f.size(), saved: f.size(), locals: f.size()}
	f.size() // most stack
	hasProgram := f.hexDigit() == '1'
	rest := f.name()
	if f.reason != "" {
		return f.reason
	}
	p.out.good = true
	if hasProgram != (kind == '4') {
		return ""
	}
	var ok bool
	if w.addr, w.last, ok = span(addr, size); !ok {
		return ""
	}
	switch kind {
	case '4':
		w.program = p.keepRules(rest)
		p.out.frames = append(p.out.frames, w)
	case '0':
		if string(rest) == "1" {
			w.usesBasePointer = 1
		}
		p.out.fpos = append(p.out.fpos, w)
	}
	return ""
}

// hexDigit reads one digit and the blanks after it.
func (f *fields) hexDigit() byte {
	if len(f.rest) == 0 || hexDigit(f.rest[0]) < 0 {
		f.fail("a digit is missing")
		return 0
	}
	c := f.rest[0]
	f.rest = f.rest[1:]
	f.gap()
	return c
}

// appendWin adds a record. PDB files have runs of records which all reach to the
// end of their function, such as 0+10 1+9 4+6: then each ends where the next
// begins. Others that overlap are left out.
func appendWin(list []winRecord, w winRecord) []winRecord {
	if len(list) > 0 {
		last := &list[len(list)-1]
		if w.addr <= last.last && last.addr <= w.last {
			switch {
			case w.addr > last.addr:
				last.last = w.addr - 1
			case w.addr != last.addr || w.last != last.last:
				return list
			}
		}
	}
	return append(list, w)
}

func register32(f Frame, name string) (uint32, bool) {
	v, ok := f.Register(name)
	return uint32(v), ok
}

// frameless leaves a function that has no program: the return address stands
// above its locals, saved registers and the parameters of what it called.
func (w *winRecord) frameless(f Frame) bool {
	esp, ok := f.Register("esp")
	if !ok {
		return false
	}
	ebp, haveEBP := f.Register("ebp")
	callee, hasCallee := f.CalleeParams()
	at := esp + uint64(w.locals+w.saved+callee)
	eip, ok := f.Word(at)
	if !ok {
		return false
	}
	// Some system calls return without popping their return address, so that the
	// top frame finds its own address first. Skip it.
	if own, known := f.Register("eip"); !hasCallee && known && own == eip {
		at += 4
		if eip, ok = f.Word(at); !ok {
			return false
		}
	}
	if w.usesBasePointer != 0 {
		if ebp, haveEBP = f.Word(esp + uint64(callee) + uint64(w.saved) - 8); !haveEBP {
			return false
		}
	}
	if !haveEBP {
		return false
	}
	f.InProgram()
	if ebx, known := f.Register("ebx"); known && w.usesBasePointer == 0 {
		// Forwarding functions of ntdll leave ebx alone.
		f.SetCaller("ebx", ebx)
	}
	f.SetCaller("eip", eip)
	f.SetCaller("esp", at+4)
	f.SetCaller("ebp", ebp)
	return true
}
