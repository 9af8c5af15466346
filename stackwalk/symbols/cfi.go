package symbols

import "sort"

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
	// NoCaller says that the rules in use know the frame and leave its return
	// address undefined: nothing called it.
	NoCaller()
	// InProgram says that a STACK WIN record has been evaluated and that
	// SetCaller follows for each register of the caller that it makes known.
	InProgram()
}

func (t *Table) cfiAt(addr uint64) *cfiBlock {
	i := sort.Search(len(t.cfi), func(i int) bool { return uint64(t.cfi[i].last) >= addr })
	if i == len(t.cfi) || uint64(t.cfi[i].addr) > addr {
		return nil
	}
	return &t.cfi[i]
}

// A plan is how to find the caller of a frame at an address: what the records
// say, read and compiled, so that a frame there costs no memory the next time.
type plan struct {
	addr uint64

	win     winRecord
	winKind byte // '4', '0', or 0 when there is no STACK WIN
	program string

	hasRules bool
	start    uint64 // where the rules begin
	first    bool   // they say that nothing called the frame
	cfa, ra  []step // both nil when the rules make no sense
	others   []restored
}

// A restored register has the value of an expression.
type restored struct {
	register string
	steps    []step // nil when it is lost
}

// Unwind finds the registers of the caller of the frame at addr, which is
// relative to the module: by STACK WIN, and if that does not work by STACK CFI.
// It is false when neither does; then some of the caller's registers may have
// been set.
func (t *Table) Unwind(addr uint64, f Frame) bool {
	slot := &t.plans[memoSlot(addr)]
	p := slot.Load()
	if p == nil || p.addr != addr {
		p = &plan{addr: addr}
		other, ok := t.safely(func() bool { return t.makePlan(p) })
		if !ok {
			return other != nil && other.Unwind(addr, f)
		}
		slot.Store(p)
	}
	return p.run(f)
}

// makePlan is false when the table's file is damaged.
func (t *Table) makePlan(p *plan) bool {
	if w, ok := t.win(t.frames, p.addr); ok {
		p.winKind, p.win = '4', *w
		if p.program, ok = t.str(w.program); !ok {
			return false
		}
	} else if w, ok := t.win(t.fpos, p.addr); ok {
		p.winKind, p.win = '0', *w
	}
	block := t.cfiAt(p.addr)
	if block == nil {
		return true
	}
	p.hasRules, p.start = true, uint64(block.addr)
	records, ok := t.rulesAt(block, p.addr)
	if !ok {
		return false
	}
	var set ruleSet
	for _, text := range records {
		if !set.add(text) {
			return true
		}
	}
	p.first = set.first()
	for _, r := range set {
		switch r.register {
		case ".cfa":
			p.cfa = compile(r.expr)
		case ".ra":
			p.ra = compile(r.expr)
		default:
			p.others = append(p.others, restored{r.register, compile(r.expr)})
		}
	}
	return true
}

// run evaluates the plan. .cfa and .ra must work out; another register that does
// not is one the caller has lost.
func (p *plan) run(f Frame) bool {
	if p.winKind == '4' && p.win.runProgram(p.program, f) || p.winKind == '0' && p.win.frameless(f) {
		return true
	}
	if !p.hasRules {
		return false
	}
	f.InRules(p.start)
	if p.first {
		f.NoCaller()
	}
	cfa, ok := evaluate(p.cfa, f, 0, false)
	if !ok {
		return false
	}
	ra, ok := evaluate(p.ra, f, cfa, true)
	if !ok || !f.SetCFA(cfa) || !f.SetReturn(ra) {
		return false
	}
	for i := range p.others {
		r := &p.others[i]
		if v, ok := evaluate(r.steps, f, cfa, true); ok {
			f.SetCaller(r.register, v)
		} else {
			f.ClearCaller(r.register)
		}
	}
	return true
}

// cfiInit reads STACK CFI INIT address size rules.
func (p *parser) cfiInit(f *fields) string {
	addr, size := f.addr(), f.size()
	rules := f.name()
	if f.reason != "" {
		return f.reason
	}
	p.out.good = true
	first, last, ok := span(addr, size)
	if !ok {
		p.block = inSkippedCFI
		return ""
	}
	p.block, p.blockAt = inCFI, p.at
	p.rows = p.rows[:0]
	if p.mode != inText {
		p.init = p.keepRules(rules)
	}
	p.out.cfi = append(p.out.cfi, cfiBlock{addr: first, last: last})
	return ""
}

// cfiRow reads STACK CFI address rules: what changes from an address on.
func (p *parser) cfiRow(f *fields) string {
	addr := f.addr()
	rules := f.name()
	if f.reason != "" {
		return f.reason
	}
	if addr <= 1<<32-1 && p.block == inCFI && p.mode != inText {
		p.rows = push(p.rows, cfiRow{uint32(addr), p.keepRules(rules)})
	}
	return ""
}
