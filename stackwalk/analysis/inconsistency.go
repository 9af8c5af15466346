package analysis

import (
	"slices"

	"socorro/stackwalk/disasm"
)

// An Inconsistency is a contradiction between the crash reason and what the
// instruction and the memory say. It hints at bad hardware, or at a system that
// tells stories.
type Inconsistency uint8

// The inconsistencies.
const (
	IntDivByZeroNotPossible Inconsistency = iota + 1
	PrivInstructionCrashWithoutPrivInstruction
	NonCanonicalAddressFalselyReported
	AccessViolationWhenAccessAllowed
	CrashingAccessNotFoundInMemoryAccesses
)

// String is the name in reports: "int_div_by_zero_not_possible".
func (i Inconsistency) String() string {
	switch i {
	case IntDivByZeroNotPossible:
		return "int_div_by_zero_not_possible"
	case PrivInstructionCrashWithoutPrivInstruction:
		return "priv_instruction_crash_without_priv_instruction"
	case NonCanonicalAddressFalselyReported:
		return "non_canonical_address_falsely_reported"
	case AccessViolationWhenAccessAllowed:
		return "access_violation_when_access_allowed"
	case CrashingAccessNotFoundInMemoryAccesses:
		return "crashing_access_not_found_in_memory_accesses"
	default:
		return ""
	}
}

// Description is a sentence about it.
func (i Inconsistency) Description() string {
	switch i {
	case IntDivByZeroNotPossible:
		return "Crash reason is an integer division by zero but the crashing instruction is not a division"
	case PrivInstructionCrashWithoutPrivInstruction:
		return "Crash reason is a privileged instruction but crashing instruction is not a privileged one"
	case NonCanonicalAddressFalselyReported:
		return "Crash address is reported as a non-canonical x86-64 address but the actual address is a canonical one"
	case AccessViolationWhenAccessAllowed:
		return "Crash reason is access violation exception but access is allowed"
	case CrashingAccessNotFoundInMemoryAccesses:
		return "Crash address not found among the memory accesses of the crashing instruction"
	default:
		return ""
	}
}

// inconsistencies fills in Result.Inconsistencies.
func (c *crash) inconsistencies() {
	add := func(is bool, i Inconsistency) {
		if is {
			c.result.Inconsistencies = append(c.result.Inconsistencies, i)
		}
	}
	switch c.cause {
	case divideByZero:
		add(c.decoded && !c.inst.Divides, IntDivByZeroNotPossible)
	case privileged:
		add(c.decoded && !c.inst.Privileged, PrivInstructionCrashWithoutPrivInstruction)
	case readViolation:
		// A read of the highest address is what a protection fault looks like, unless
		// the instruction does read there.
		if c.protectionFault() && c.notAmongAccesses() {
			add(c.noNonCanonical(), NonCanonicalAddressFalselyReported)
			return
		}
		fallthrough
	case writeViolation, executeViolation, stackOverflow:
		add(c.notAmongAccesses(), CrashingAccessNotFoundInMemoryAccesses)
		add(c.allowed(), AccessViolationWhenAccessAllowed)
	}
}

// noNonCanonical says whether we are sure that the instruction cannot have caused a
// protection fault: all its accesses are known and canonical, and it has no other
// reasons for one.
func (c *crash) noNonCanonical() bool {
	return c.decoded && c.inst.Derivable && !c.inst.Aligned &&
		c.result.Accesses != nil && c.result.Target.Known && !slices.ContainsFunc(c.touched(), nonCanonical)
}

// notAmongAccesses says whether we are sure that the instruction did not make the
// access that crashed.
func (c *crash) notAmongAccesses() bool {
	if c.result.Accesses == nil {
		return false
	}
	switch c.cause {
	case readViolation:
		return c.inst.Derivable && !c.accessed(disasm.Read)
	case writeViolation:
		return c.inst.Derivable && !c.accessed(disasm.Write)
	case executeViolation:
		return c.registers.IP() != c.address
	case stackOverflow:
		return c.inst.Derivable && len(c.result.Accesses) == 0
	default:
		return false
	}
}

// accessed says whether the address of the crash was read or written.
func (c *crash) accessed(how disasm.Access) bool {
	return slices.ContainsFunc(c.result.Accesses, func(a Access) bool {
		// The difference may wrap, as accesses at the end of the address space do.
		return (a.Type == how || a.Type == disasm.ReadWrite) && c.address-a.Address < uint64(a.Size)
	})
}

// allowed says whether memory is mapped so that there was nothing to crash on.
func (c *crash) allowed() bool {
	i := c.mapped.at(c.address)
	return i >= 0 && c.cause != stackOverflow && c.possible(&c.mapped[i])
}
