package symbols

import (
	"math/bits"
	"strconv"
	"strings"
)

// A rule says how to compute a register of the caller: by a postfix expression.
type rule struct{ register, expr string }

// A ruleSet is the rules in force at an address. A function saves few registers,
// so a list beats a map.
type ruleSet []rule

// maxRules is more registers than any CPU has.
const maxRules = 256

func (s *ruleSet) put(r rule) {
	for i := range *s {
		if (*s)[i].register == r.register {
			(*s)[i] = r
			return
		}
	}
	*s = append(*s, r)
}

// add puts the rules of one record, such as ".cfa: $rsp 8 + .ra: .cfa -8 + ^",
// over those before it. It is false when the record makes no sense.
func (s *ruleSet) add(text string) bool {
	register := ""
	first, last := -1, -1 // the expression, as a piece of text
	flush := func() bool {
		if register == "" || first < 0 || len(*s) >= maxRules {
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

func (s ruleSet) find(register string) (expr string, ok bool) {
	for _, r := range s {
		if r.register == register {
			return r.expr, true
		}
	}
	return "", false
}

// first says whether the rules know the frame and leave its return address
// undefined: nothing called it.
func (s ruleSet) first() bool {
	_, known := s.find(".cfa")
	ra, returns := s.find(".ra")
	return known && (!returns || strings.TrimSpace(ra) == ".undef") && !s.returnsByName()
}

// returnsByName says whether a rule names the instruction pointer where .ra
// should stand. Old writers did so by mistake; their frames have callers.
func (s ruleSet) returnsByName() bool {
	for _, name := range [...]string{"rip", "eip", "pc"} {
		if _, ok := s.find(name); ok {
			return true
		}
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// A step is one token of an expression.
type step struct {
	op    byte   // one of +-*/%@^, or c for .cfa, n for a number, r for a register
	value uint64 // of a number
	name  string // of a register
}

// compile turns an expression into steps. It is nil when the expression can never
// work out: there is a token that is none, or .undef, or the stack runs empty.
func compile(expr string) []step {
	var steps []step
	depth := 0
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
		var s step
		need, gain := 0, 1
		switch token {
		case "+", "-", "*", "/", "%", "@":
			s.op, need, gain = token[0], 2, -1
		case "^":
			s.op, need, gain = '^', 1, 0
		case ".cfa":
			s.op = 'c'
		case ".undef":
			return nil
		default:
			var ok bool
			if s, ok = operand(token); !ok {
				return nil
			}
		}
		if depth < need {
			return nil
		}
		depth += gain
		steps = append(steps, s)
	}
	if depth != 1 {
		return nil
	}
	return steps
}

// operand is a register or a number. The $ may be missing before a register:
// files for ARM have none.
func operand(token string) (step, bool) {
	if _, name, ok := strings.Cut(token, "$"); ok {
		return step{op: 'r', name: name}, true
	}
	if c := token[0]; c >= '0' && c <= '9' || c == '-' || c == '+' {
		n, err := strconv.ParseInt(token, 10, 64)
		return step{op: 'n', value: uint64(n)}, err == nil
	}
	return step{op: 'r', name: token}, true
}

// evaluate computes a compiled expression. It is false when a part is unknown.
func evaluate(steps []step, f Frame, cfa uint64, haveCFA bool) (uint64, bool) {
	if len(steps) == 0 {
		return 0, false
	}
	var array [16]uint64
	stack := array[:0]
	for i := range steps {
		s := &steps[i]
		top := len(stack) - 1
		ok := true
		switch s.op {
		case 'n':
			stack = append(stack, s.value)
		case 'r':
			var v uint64
			v, ok = f.Register(s.name)
			stack = append(stack, v)
		case 'c':
			stack, ok = append(stack, cfa), haveCFA
		case '^':
			stack[top], ok = f.Word(stack[top])
		default:
			stack[top-1], ok = calculate(s.op, stack[top-1], stack[top])
			stack = stack[:top]
		}
		if !ok {
			return 0, false
		}
	}
	return stack[0], true
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
