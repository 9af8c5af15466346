package analysis_test

import (
	"testing"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/minidump"
)

func TestInconsistencies(t *testing.T) {
	t.Parallel()
	type list []analysis.Inconsistency
	const (
		division = analysis.IntDivByZeroNotPossible
		priv     = analysis.PrivInstructionCrashWithoutPrivInstruction
		wild     = analysis.NonCanonicalAddressFalselyReported
		allowed  = analysis.AccessViolationWhenAccessAllowed
		missing  = analysis.CrashingAccessNotFoundInMemoryAccesses
	)
	violation := func(kind, addr uint64) minidump.Exception {
		return minidump.Exception{Code: 0xc0000005, Parameters: 2, Information: [15]uint64{kind, addr}}
	}
	code := func(c uint32) minidump.Exception { return minidump.Exception{Code: c} }
	mapped := []minidump.MemoryInfo{{Base: dataAt, Size: 0x1000, State: 0x1000, Protect: 0x04}} // read and write
	at := regs{minidump.RAX: dataAt}
	for _, c := range []struct {
		what string
		p    process
		want list
	}{
		{"a division by zero", process{code: "f7fe", exception: code(0xc0000094)}, nil},
		{"a division by zero of no division", process{code: "4889e5", exception: code(0xc0000094)}, list{division}},
		{"a division by zero of an unknown instruction", process{exception: code(0xc0000094)}, nil},
		{"a privileged instruction", process{code: "f4", exception: code(0xc0000096)}, nil},
		{"a privileged instruction that is none", process{code: "0108", exception: code(0xc0000096)}, list{priv}},
		{"a read", process{code: "488b00", regs: at, exception: violation(0, dataAt)}, nil},
		{"a read of another address", process{code: "488b00", regs: at, exception: violation(0, dataAt+8)}, list{missing}},
		{"a read within the access", process{code: "488b00", regs: at, exception: violation(0, dataAt+7)}, nil},
		{"a read at the end of all memory", process{code: "488b00", regs: regs{minidump.RAX: ^uint64(0) - 3}, exception: violation(0, 2)}, nil},
		{"a read by a write", process{code: "488900", regs: at, exception: violation(0, dataAt)}, list{missing}},
		{"a read by an instruction that does both", process{code: "480108", regs: at, exception: violation(0, dataAt)}, nil},
		{"a read by an instruction that we do not know enough of", process{code: "f30f6f00", regs: at, exception: violation(0, 8)}, nil},
		{"a read that is allowed", process{code: "488b00", regs: at, exception: violation(0, dataAt), infos: mapped}, list{allowed}},
		{"an allowed read of another address", process{code: "488b00", regs: at, exception: violation(0, dataAt+8), infos: mapped}, list{missing, allowed}},
		{"a write", process{code: "488900", regs: at, exception: violation(1, dataAt)}, nil},
		{"a write by a read", process{code: "488b00", regs: at, exception: violation(1, dataAt)}, list{missing}},
		{"a write that is allowed", process{code: "488900", regs: at, exception: violation(1, dataAt), infos: mapped}, list{allowed}},
		{"an execution here", process{code: "4889e5", exception: violation(8, codeAt)}, nil},
		{"an execution elsewhere", process{code: "4889e5", exception: violation(8, codeAt+1)}, list{missing}},
		{"an execution that is not allowed", process{code: "4889e5", exception: violation(8, codeAt), infos: mapped}, nil},
		{"a stack overflow of a push", process{code: "55", exception: code(0xc00000fd)}, nil},
		{"a stack overflow of nothing", process{code: "4889e5", exception: code(0xc00000fd)}, list{missing}},
		{"a protection fault", process{code: "488b00", regs: regs{minidump.RAX: 1 << 60}, exception: violation(0, 1<<64-1)}, nil},
		{"a protection fault of a good address", process{code: "488b00", regs: at, exception: violation(0, 1<<64-1)}, list{wild}},
		{"a protection fault, maybe for the alignment", process{code: "0f2800", regs: at, exception: violation(0, 1<<64-1)}, nil},
		{"a protection fault of a jump", process{code: "ffe0", regs: regs{minidump.RAX: 1 << 60}, exception: violation(0, 1<<64-1)}, nil},
		{"a real read of the last byte", process{code: "8a00", regs: regs{minidump.RAX: ^uint64(0)}, exception: violation(0, 1<<64-1)}, nil},
		{"a page that could not be read from its file", process{code: "488b00", regs: at, exception: minidump.Exception{Code: 0xc0000006}, infos: mapped}, nil},
	} {
		c.p.os = minidump.Windows
		same(t, c.what, []analysis.Inconsistency(c.want), c.p.analyse(t).Inconsistencies)
	}
}

func TestDivisionsByZeroOfOtherSystems(t *testing.T) {
	t.Parallel()
	for _, p := range []process{
		{os: minidump.Linux, exception: minidump.Exception{Code: 8, Flags: 1}},
		{os: minidump.MacOS, exception: minidump.Exception{Code: 3, Flags: 1}},
	} {
		p.code = "90"
		if got := p.analyse(t).Inconsistencies; len(got) != 1 || got[0] != analysis.IntDivByZeroNotPossible {
			t.Errorf("%s: %v", p.os, got)
		}
	}
}

func TestInconsistenciesHaveNamesAndSentences(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"": true}
	for i := analysis.IntDivByZeroNotPossible; i <= analysis.CrashingAccessNotFoundInMemoryAccesses; i++ {
		for _, s := range []string{i.String(), i.Description()} {
			if seen[s] {
				t.Errorf("%q is said twice", s)
			}
			seen[s] = true
		}
	}
}
