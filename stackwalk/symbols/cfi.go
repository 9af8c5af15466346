package symbols

import (
	"math/bits"
	"sort"
	"strconv"
	"strings"
)

// A Frame is what unwinding by symbols needs of the frame it leaves.
type Frame interface {
	// Register is the value of a register by its name in symbol files, without
	// $. It is false when the register is unknown.
	Register(name string) (uint64, bool)
	// Word reads a word of the stack. It is false outside of it.
	Word(addr uint64) (uint64, bool)
	// CalleeParams is how many bytes of parameters the function called by this
	// frame pops, and whether this frame has called one at all.
	CalleeParams() (bytes uint32, called bool)
	// SetCaller sets a register of the caller. It is false when the CPU has no
	// such register or v does not fit.
	SetCaller(name string, v uint64) bool
	// ClearCaller says that a register of the caller cannot be known.
	ClearCaller(name string)
	// SetCFA and SetReturn set the caller's stack and instruction pointer.
	SetCFA(v uint64) bool
	SetReturn(v uint64) bool
	// InRules says that the rules in use begin at the address start, relative to
	// the module, before they are evaluated.
	InRules(start uint64)
}

func (t *Table) cfiAt(addr uint64) *cfiBlock {
	i := sort.Search(len(t.cfi), func(i int) bool { return uint64(t.cfi[i].last) >= addr })
	if i == len(t.cfi) || uint64(t.cfi[i].addr) > addr {
		return nil
	}
	return &t.cfi[i]
}

// Unwind finds the registers of the caller of the frame at addr, which is
// relative to the module: by STACK WIN, and if that does not work by STACK CFI.
// It is false when neither does; then some of the caller's registers may have
// been set.
func (t *Table) Unwind(addr uint64, f Frame) bool {
	if t.unwindWin(addr, f) {
		return true
	}
	block := t.cfiAt(addr)
	if block == nil {
		return false
	}
	f.InRules(uint64(block.addr))
	var set ruleSet
	if !set.add(t.str(block.init)) {
		return false
	}
	for _, row := range t.rows[block.rowFrom:block.rowTo] {
		if uint64(row.addr) > addr {
			break
		}
		if !set.add(t.str(row.rules)) {
			return false
		}
	}
	return set.apply(f)
}

// A rule says how to compute a register of the caller: by a postfix expression.
type rule struct{ register, expr string }

// A ruleSet is the rules in force at an address. A function saves few registers,
// so a list in an array beats a map.
type ruleSet struct {
	rules [24]rule
	n     int
	more  []rule // of hostile files
}

func (s *ruleSet) put(r rule) {
	for i := range s.n {
		if s.rules[i].register == r.register {
			s.rules[i] = r
			return
		}
	}
	for i := range s.more {
		if s.more[i].register == r.register {
			s.more[i] = r
			return
		}
	}
	if s.n < len(s.rules) {
		s.rules[s.n] = r
		s.n++
		return
	}
	s.more = append(s.more, r)
}

// maxRules is more registers than any CPU has.
const maxRules = 256

// add puts the rules of one record, such as ".cfa: $rsp 8 + .ra: .cfa -8 + ^",
// over those before it. It is false when the record makes no sense.
func (s *ruleSet) add(text string) bool {
	register := ""
	first, last := -1, -1 // the expression, as a piece of text
	flush := func() bool {
		if register == "" || first < 0 || s.n+len(s.more) >= maxRules {
			return false
		}
		s.put(rule{register, text[first:last]})
		first = -1
		return true
	}
	for at := 0; at < len(text); {
		if isBlank(text[at]) {
			at++
			continue
		}
		end := at
		for end < len(text) && !isBlank(text[end]) {
			end++
		}
		if token := text[at:end]; token[len(token)-1] == ':' {
			if register != "" && !flush() {
				return false
			}
			register = strings.TrimPrefix(token[:len(token)-1], "$")
			if register == "" {
				return false
			}
		} else {
			if register == "" {
				return false
			}
			if first < 0 {
				first = at
			}
			last = end
		}
		at = end
	}
	return flush()
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (s *ruleSet) find(register string) (string, bool) {
	for i := range s.n {
		if s.rules[i].register == register {
			return s.rules[i].expr, true
		}
	}
	for _, r := range s.more {
		if r.register == register {
			return r.expr, true
		}
	}
	return "", false
}

// apply evaluates the rules. .cfa and .ra must be there and work; another
// register that does not work is one the caller has lost.
func (s *ruleSet) apply(f Frame) bool {
	cfaExpr, ok1 := s.find(".cfa")
	raExpr, ok2 := s.find(".ra")
	if !ok1 || !ok2 {
		return false
	}
	cfa, ok := evaluate(cfaExpr, f, 0, false)
	if !ok {
		return false
	}
	ra, ok := evaluate(raExpr, f, cfa, true)
	if !ok || !f.SetCFA(cfa) || !f.SetReturn(ra) {
		return false
	}
	one := func(r rule) {
		if r.register == ".cfa" || r.register == ".ra" {
			return
		}
		if v, ok := evaluate(r.expr, f, cfa, true); ok {
			f.SetCaller(r.register, v)
		} else {
			f.ClearCaller(r.register)
		}
	}
	for i := range s.n {
		one(s.rules[i])
	}
	for _, r := range s.more {
		one(r)
	}
	return true
}

// evaluate computes a postfix expression. It is false when a part is unknown.
func evaluate(expr string, f Frame, cfa uint64, haveCFA bool) (uint64, bool) {
	var array [16]uint64
	stack := array[:0]
	pop := func() (v uint64, ok bool) {
		if len(stack) == 0 {
			return 0, false
		}
		v = stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		return v, true
	}
	for at := 0; at < len(expr); {
		if isBlank(expr[at]) {
			at++
			continue
		}
		end := at
		for end < len(expr) && !isBlank(expr[end]) {
			end++
		}
		token := expr[at:end]
		at = end
		var v uint64
		var ok bool
		switch token {
		case "+", "-", "*", "/", "%", "@":
			right, ok1 := pop()
			left, ok2 := pop()
			v, ok = calculate(token[0], left, right)
			ok = ok && ok1 && ok2
		case "^":
			if v, ok = pop(); ok {
				v, ok = f.Word(v)
			}
		case ".cfa":
			v, ok = cfa, haveCFA
		case ".undef":
			return 0, false
		default:
			v, ok = operand(token, f)
		}
		if !ok {
			return 0, false
		}
		stack = append(stack, v)
	}
	if len(stack) != 1 {
		return 0, false
	}
	return stack[0], true
}

// operand is a register or a number. The $ may be missing before a register:
// files for ARM have none.
func operand(token string, f Frame) (uint64, bool) {
	if _, name, ok := strings.Cut(token, "$"); ok {
		return f.Register(name)
	}
	if c := token[0]; c >= '0' && c <= '9' || c == '-' || c == '+' {
		n, err := strconv.ParseInt(token, 10, 64)
		return uint64(n), err == nil
	}
	return f.Register(token)
}

// calculate does arithmetic that wraps around. It is false for a division by 0
// and for an alignment that is no power of two.
func calculate(op byte, left, right uint64) (uint64, bool) {
	switch op {
	case '+':
		return left + right, true
	case '-':
		return left - right, true
	case '*':
		return left * right, true
	case '@':
		return left &^ (right - 1), bits.OnesCount64(right) == 1
	}
	if right == 0 {
		return 0, false
	}
	if op == '/' {
		return left / right, true
	}
	return left % right, true
}

// cfiInit reads STACK CFI INIT address size rules.
func (p *parser) cfiInit(f *fields) string {
	addr, size := f.addr(), f.size()
	rules := f.name()
	if f.reason != "" {
		return f.reason
	}
	p.good = true
	first, last, ok := span(addr, size)
	if !ok {
		p.block = inSkippedCFI
		return ""
	}
	p.block = inCFI
	p.table.cfi = append(p.table.cfi, cfiBlock{addr: first, last: last, init: p.keepRules(rules), rowFrom: uint32(len(p.table.rows))})
	return ""
}

// cfiRow reads STACK CFI address rules: what changes from an address on.
func (p *parser) cfiRow(f *fields) string {
	addr := f.addr()
	rules := f.name()
	if f.reason != "" {
		return f.reason
	}
	if addr <= 1<<32-1 && p.block == inCFI {
		p.table.rows = push(p.table.rows, cfiRow{uint32(addr), p.keepRules(rules)})
	}
	return ""
}
