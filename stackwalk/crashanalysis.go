package stackwalk

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/disasm"
)

// accesses writes what memory the crashing instruction accessed.
func (j reportWriter) accesses(list []analysis.Access) {
	if list == nil {
		j.null()
		return
	}
	j.open('[')
	for _, a := range list {
		j.item()
		j.open('{')
		if a.Type != disasm.UnknownAccess {
			j.key("access_type")
			j.text(strings.ToLower(a.Type.String()))
		}
		j.key("address")
		j.hex(a.Address)
		j.guardPage(a.GuardPage)
		j.key("size")
		if a.Size > 0 {
			j.int(int64(a.Size))
		} else {
			j.null()
		}
		j.close('}')
	}
	j.close(']')
}

// guardPage writes a key that is there only when it is true.
func (j reportWriter) guardPage(likely bool) {
	if likely {
		j.key("is_likely_guard_page")
		j.bool(true)
	}
}

func (j reportWriter) target(t analysis.Target) {
	if !t.Elsewhere {
		j.null()
		return
	}
	j.open('{')
	j.key("address")
	j.hex(t.Address)
	j.guardPage(t.GuardPage)
	j.close('}')
}

func (j reportWriter) adjusted(a analysis.Adjusted) {
	if a.Kind == analysis.NotAdjusted {
		j.null()
		return
	}
	j.open('{')
	if a.Kind == analysis.NonCanonical {
		j.key("address")
		j.hex(a.Value)
	}
	j.key("kind")
	j.text(a.Kind.String())
	if a.Kind == analysis.NullPointer {
		j.key("offset")
		j.hex(a.Value)
	}
	j.close('}')
}

func (j reportWriter) inconsistencies(list []analysis.Inconsistency) {
	j.open('[')
	for _, i := range list {
		j.item()
		j.text(i.String())
	}
	j.close(']')
}

func (j reportWriter) bitFlips(list []analysis.BitFlip) {
	if len(list) == 0 {
		j.null()
		return
	}
	j.open('[')
	for i := range list {
		f := &list[i]
		j.item()
		j.open('{')
		j.key("address")
		j.hex(f.Address)
		j.key("confidence")
		j.float(f.Confidence)
		j.key("details")
		j.open('{')
		j.key("is_null")
		j.bool(f.Null)
		j.key("nearby_registers")
		j.int(int64(f.Nearby))
		j.key("poison_registers")
		j.bool(f.Poison)
		j.key("was_low")
		j.bool(f.Low)
		j.key("was_non_canonical")
		j.bool(f.NonCanonical)
		j.close('}')
		j.key("source_register")
		j.textOrNull(f.Register)
		j.close('}')
	}
	j.close(']')
}

// float writes a number of 32 bits with the digits that it has in 64, which is
// what rust-minidump does: 0.6625000238418579.
func (j reportWriter) float(v float32) {
	j.scratch = strconv.AppendFloat(j.scratch[:0], float64(v), 'f', -1, 64)
	j.out.bytes(j.scratch)
}

// address is an address as people read it.
func (h humanWriter) address(v uint64) string {
	return string(appendAddress(nil, v, h.r.pointerSize))
}

// crashAddress writes the address of the crash, and a better one below it.
func (h humanWriter) crashAddress(c *CrashInfo) {
	mark, better := "", ""
	switch a := c.Adjusted; a.Kind {
	case analysis.NullPointer:
		mark, better = " **", "Null pointer detected with offset: "+h.address(a.Value)
	case analysis.NonCanonical:
		mark, better = " **", "Non-canonical address detected: "+h.address(a.Value)
	}
	fmt.Fprintf(h, "Crash address: %s%s\n", h.address(*c.Address), mark)
	if better != "" {
		fmt.Fprintf(h, "    ** %s\n", better)
	}
}

// instruction writes what the crashing instruction tells.
func (h humanWriter) instruction(c *CrashInfo) {
	if c.Instruction != "" {
		fmt.Fprintf(h, "Crashing instruction: `%s`\n", c.Instruction)
	}
	h.accesses(c.MemoryAccesses)
	switch t := c.InstructionPointerUpdate; {
	case t.Elsewhere:
		fmt.Fprintf(h, "Instruction pointer update done by instruction:\n  Address: %s\n", h.address(t.Address))
		h.guardPage(t.GuardPage)
	case t.Known:
		fmt.Fprintln(h, "No instruction pointer update by instruction")
	}
	h.bitFlips(c.PossibleBitFlips)
	if len(c.Inconsistencies) > 0 {
		fmt.Fprintln(h, "Crash is inconsistent:")
		for _, i := range c.Inconsistencies {
			fmt.Fprintf(h, "  %s\n", i.Description())
		}
	}
}

func (h humanWriter) accesses(list []analysis.Access) {
	if list == nil {
		return
	}
	if len(list) == 0 {
		fmt.Fprintln(h, "No memory accessed by instruction")
		return
	}
	fmt.Fprintln(h, "Memory accessed by instruction:")
	for i, a := range list {
		size := "Unknown"
		if a.Size > 0 {
			size = strconv.Itoa(a.Size)
		}
		fmt.Fprintf(h, "  %d. Address: %s\n     Size: %s\n", i, h.address(a.Address), size)
		h.guardPage(a.GuardPage)
		if a.Type != disasm.UnknownAccess {
			fmt.Fprintf(h, "     Access type: %s\n", a.Type)
		}
	}
}

func (h humanWriter) guardPage(likely bool) {
	if likely {
		fmt.Fprintln(h, "     This address falls in a likely guard page.")
	}
}

// bitFlips writes the likeliest first.
func (h humanWriter) bitFlips(list []analysis.BitFlip) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(h, "Crashing address may be the result of a flipped bit:")
	sorted := slices.SortedStableFunc(slices.Values(list), func(a, b analysis.BitFlip) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Address, b.Address))
	})
	for i, f := range sorted {
		register := ""
		if f.Register != "" {
			register = f.Register + "="
		}
		fmt.Fprintf(h, "  %d. Valid address: %s%s (%.3f)\n", i, register, h.address(f.Address), f.Confidence)
	}
}
