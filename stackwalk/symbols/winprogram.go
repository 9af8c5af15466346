package symbols

import (
	"strconv"
	"strings"
)

// A winMachine runs the program of a STACK WIN record, which is postfix and
// assigns to variables: "$T0 $ebp = $eip $T0 4 + ^ = …". Programs are short and
// use few variables, so lists in arrays beat maps and need no memory.
type winMachine struct {
	vars       [24]winVar
	count      int
	moreVars   []winVar // of hostile files
	values     [16]winValue
	depth      int
	moreValues []winValue // of hostile files
	frame      Frame
}

type winVar struct {
	name  string
	value uint32
	known bool
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

// variable is a variable's place, made when there is none.
func (m *winMachine) variable(name string) *winVar {
	for i := range m.count {
		if m.vars[i].name == name {
			return &m.vars[i]
		}
	}
	for i := range m.moreVars {
		if m.moreVars[i].name == name {
			return &m.moreVars[i]
		}
	}
	if m.count < len(m.vars) {
		m.count++
		m.vars[m.count-1] = winVar{name: name}
		return &m.vars[m.count-1]
	}
	m.moreVars = append(m.moreVars, winVar{name: name})
	return &m.moreVars[len(m.moreVars)-1]
}

func (m *winMachine) set(name string, v uint32) { *m.variable(name) = winVar{name, v, true} }

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
	m := winMachine{frame: f}
	m.set("$esp", esp)
	m.set("$ebp", ebp)
	m.set(".cbParams", w.params)
	m.set(".cbCalleeParams", callee)
	m.set(".cbSavedRegs", w.saved)
	m.set(".cbLocals", w.locals)
	m.set(".raSearch", uint32(search))
	m.set(".raSearchStart", uint32(search))
	if ebx, ok := register32(f, "ebx"); ok {
		m.set("$ebx", ebx)
	}
	if !m.run(program) {
		return false
	}
	f.InProgram()
	for _, name := range [...]string{"$eip", "$esp", "$ebp", "$ebx", "$esi", "$edi"} {
		if v := m.variable(name); v.known {
			f.SetCaller(name[1:], uint64(v.value))
		}
	}
	return true
}

func (m *winMachine) run(program string) bool {
	for token := range strings.FieldsSeq(program) {
		// Some compilers write "=$eip" for "= $eip".
		if len(token) > 1 && token[0] == '=' {
			if !m.step("=") {
				return false
			}
			token = token[1:]
		}
		if !m.step(token) || len(m.moreVars) > maxRules {
			return false
		}
	}
	return true
}

func (m *winMachine) push(v winValue) {
	if m.depth < len(m.values) {
		m.values[m.depth] = v
		m.depth++
		return
	}
	m.moreValues = append(m.moreValues, v)
}

func (m *winMachine) pop() (winValue, bool) {
	if last := len(m.moreValues) - 1; last >= 0 {
		v := m.moreValues[last]
		m.moreValues = m.moreValues[:last]
		return v, true
	}
	if m.depth == 0 {
		return winValue{}, false
	}
	m.depth--
	return m.values[m.depth], true
}

func (m *winMachine) popNumber() (uint32, bool) {
	v, ok := m.pop()
	switch {
	case !ok || v.kind == winUndefined:
		return 0, false
	case v.kind == winVariable:
		held := m.variable(v.name)
		return held.value, held.known
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
		m.push(winValue{number: uint32(v)})
		return ok1 && ok2 && ok3
	case "=":
		return m.assign()
	case "^":
		at, ok := m.popNumber()
		if !ok {
			return false
		}
		v, ok := m.frame.Word(uint64(at))
		m.push(winValue{number: uint32(v)})
		return ok
	case ".undef":
		m.push(winValue{kind: winUndefined})
		return true
	}
	if token[0] == '$' || token[0] == '.' {
		m.push(winValue{kind: winVariable, name: token})
		return true
	}
	n, err := strconv.ParseInt(token, 10, 32)
	m.push(winValue{number: uint32(n)})
	return err == nil
}

// assign gives the value on top to the variable below.
func (m *winMachine) assign() bool {
	right, ok1 := m.pop()
	left, ok2 := m.pop()
	if !ok1 || !ok2 || left.kind != winVariable {
		return false
	}
	if right.kind == winUndefined {
		*m.variable(left.name) = winVar{name: left.name}
		return true
	}
	m.push(right)
	v, ok := m.popNumber()
	if ok {
		m.set(left.name, v)
	}
	return ok
}
