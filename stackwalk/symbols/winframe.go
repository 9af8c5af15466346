package symbols

import (
	"sort"
	"strconv"
	"strings"
)

// A winRecord is a STACK WIN record: how to leave a function of 32-bit Windows.
type winRecord struct {
	addr, last      uint32
	params          uint32 // bytes of parameters
	saved           uint32 // bytes of saved registers
	locals          uint32 // bytes of local variables
	program         ref    // of type 4
	usesBasePointer bool   // of type 0
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
	p.good = true
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
		p.table.frames = appendWin(p.table.frames, w)
	case '0':
		w.usesBasePointer = string(rest) == "1"
		p.table.fpos = appendWin(p.table.fpos, w)
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

// unwindWin finds the caller's registers by the record of addr. ok is false when
// there is none or it does not work out here.
func (t *Table) unwindWin(addr uint64, f Frame) (ok bool) {
	if w, found := t.win(t.frames, addr); found {
		return w.runProgram(t.str(w.program), f)
	}
	if w, found := t.win(t.fpos, addr); found {
		return w.frameless(f)
	}
	return false
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
	if w.usesBasePointer {
		if ebp, haveEBP = f.Word(esp + uint64(callee) + uint64(w.saved) - 8); !haveEBP {
			return false
		}
	} else if ebx, known := f.Register("ebx"); known {
		// Forwarding functions of ntdll leave ebx alone.
		f.SetCaller("ebx", ebx)
	}
	if !haveEBP {
		return false
	}
	f.SetCaller("eip", eip)
	f.SetCaller("esp", at+4)
	f.SetCaller("ebp", ebp)
	return true
}

// A winMachine runs the program of a STACK WIN record, which is postfix and
// assigns to variables: "$T0 $ebp = $eip $T0 4 + ^ = …".
type winMachine struct {
	vars  map[string]uint32
	stack []winValue
	frame Frame
}

// A winValue is a number, or a variable, or nothing.
type winValue struct {
	kind   winKind
	number uint32
	name   string
}

type winKind uint8

const (
	winNumber winKind = iota
	winVariable
	winUndefined
)

func (w *winRecord) runProgram(program string, f Frame) bool {
	esp, ok1 := register32(f, "esp")
	ebp, ok2 := register32(f, "ebp")
	if !ok1 || !ok2 {
		return false
	}
	callee, _ := f.CalleeParams()
	search := uint64(esp) + uint64(w.locals+w.saved+callee)
	if strings.Contains(program, "@") {
		// The function aligned its stack, so only ebp says where its frame is.
		search = uint64(ebp) + 4
	}
	if search > 1<<32-1 {
		return false
	}
	m := winMachine{frame: f, vars: map[string]uint32{
		"$esp": esp, "$ebp": ebp,
		".cbParams": w.params, ".cbCalleeParams": callee, ".cbSavedRegs": w.saved, ".cbLocals": w.locals,
		".raSearch": uint32(search), ".raSearchStart": uint32(search),
	}}
	if ebx, ok := register32(f, "ebx"); ok {
		m.vars["$ebx"] = ebx
	}
	for token := range strings.FieldsSeq(program) {
		// Some compilers write "=$eip" for "= $eip".
		if len(token) > 1 && token[0] == '=' {
			if !m.step("=") {
				return false
			}
			token = token[1:]
		}
		if !m.step(token) {
			return false
		}
	}
	for _, name := range [...]string{"eip", "esp", "ebp", "ebx", "esi", "edi"} {
		if v, ok := m.vars["$"+name]; ok {
			f.SetCaller(name, uint64(v))
		}
	}
	return true
}

func (m *winMachine) pop() (winValue, bool) {
	if len(m.stack) == 0 {
		return winValue{}, false
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v, true
}

func (m *winMachine) popNumber() (uint32, bool) {
	v, ok := m.pop()
	switch {
	case !ok || v.kind == winUndefined:
		return 0, false
	case v.kind == winVariable:
		n, ok := m.vars[v.name]
		return n, ok
	}
	return v.number, true
}

// step does one token. It is false when the program cannot go on.
func (m *winMachine) step(token string) bool {
	switch token {
	case "+", "-", "*", "/", "%", "@":
		right, ok1 := m.popNumber()
		left, ok2 := m.popNumber()
		v, ok3 := calculate(token[0], uint64(left), uint64(right))
		m.stack = append(m.stack, winValue{number: uint32(v)})
		return ok1 && ok2 && ok3
	case "=":
		right, ok1 := m.pop()
		left, ok2 := m.pop()
		if !ok1 || !ok2 || left.kind != winVariable {
			return false
		}
		if right.kind == winUndefined {
			delete(m.vars, left.name)
			return true
		}
		m.stack = append(m.stack, right)
		v, ok := m.popNumber()
		m.vars[left.name] = v
		return ok
	case "^":
		at, ok := m.popNumber()
		if !ok {
			return false
		}
		v, ok := m.frame.Word(uint64(at))
		m.stack = append(m.stack, winValue{number: uint32(v)})
		return ok
	case ".undef":
		m.stack = append(m.stack, winValue{kind: winUndefined})
		return true
	}
	if token[0] == '$' || token[0] == '.' {
		m.stack = append(m.stack, winValue{kind: winVariable, name: token})
		return true
	}
	n, err := strconv.ParseInt(token, 10, 32)
	m.stack = append(m.stack, winValue{number: uint32(n)})
	return err == nil
}
