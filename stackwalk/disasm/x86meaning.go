package disasm

import "strings"

// mean fills in what the instruction does. compat takes rust-minidump's word for
// it, which holds every mov for privileged because those of control registers are.
func (in *Inst) mean(compat bool) {
	in.Stack, in.Flow = x86Stack(in.Mnemonic), x86Flow(in.Mnemonic, compat)
	in.Divides = in.Mnemonic == "div" || in.Mnemonic == "idiv"
	in.Privileged = in.privileged(compat)
	in.Aligned = in.Mnemonic == "movaps"
	in.Derivable = in.derivable()
	for i := range in.Operands {
		if o := &in.Operands[i]; o.Kind == Memory {
			o.Access = in.x86Access(i, compat)
		}
	}
}

// derivable says whether we know all accesses of an instruction. The list is
// rust-minidump's: the ones that crashes are often about.
func (in *Inst) derivable() bool {
	switch in.Mnemonic {
	case "add", "sub", "inc", "dec", "cmp", "lea", "mov", "movaps", "movups", "ucomiss",
		"push", "pop", "call", "ret", "retf", "jmp", "jmpf":
		return true
	}
	return conditional(in.Mnemonic)
}

func conditional(mnemonic string) bool {
	switch mnemonic {
	case "jo", "jno", "jb", "jnb", "jz", "jnz", "jna", "ja", "js", "jns", "jp", "jnp", "jl", "jge", "jle", "jg":
		return true
	}
	return false
}

// x86Access is what is done with operand i.
func (in *Inst) x86Access(i int, compat bool) Access {
	switch in.Mnemonic {
	case "add", "sub", "inc", "dec":
		if i == 0 {
			return ReadWrite
		}
		return Read
	case "mov", "movaps", "movups", "pop":
		if i == 0 {
			return Write
		}
		return Read
	case "cmp", "ucomiss", "push", "call", "jmp", "jmpf":
		return Read
	case "lea":
		return NoAccess
	}
	// rust-minidump lists these as accesses.
	if !compat && (in.Mnemonic == "nop" || in.Mnemonic == "invlpg" || strings.HasPrefix(in.Mnemonic, "prefetch")) {
		return NoAccess
	}
	return UnknownAccess
}

func x86Stack(mnemonic string) Stack {
	switch mnemonic {
	case "call", "push":
		return Pushes
	case "pop", "ret", "retf":
		return Pops
	}
	return StackUnused
}

func x86Flow(mnemonic string, compat bool) Flow {
	switch mnemonic {
	case "call", "callf", "jmp", "jmpf":
		return Jumps
	case "ret", "retf", "iret", "iretd", "iretq":
		return Return
	case "loop", "loopz", "loopnz", "jrcxz", "jecxz", "jcxz":
		if compat {
			return Next // rust-minidump takes them for no branches
		}
		return May
	}
	if conditional(mnemonic) {
		return May
	}
	return Next
}

func (in *Inst) privileged(compat bool) bool {
	switch in.Mnemonic {
	case "cli", "clts", "hlt", "in", "ins", "int", "into", "invd", "invept", "invlpg", "invvpid", "iret", "iretd",
		"iretq", "lgdt", "lidt", "lldt", "lmsw", "ltr", "monitor", "mwait", "out", "outs", "rdmsr", "rdpmc", "rdtsc",
		"rdtscp", "retf", "sti", "swapgs", "sysexit", "sysret", "wbinvd", "wrmsr", "xsetbv",
		"vmcall", "vmclear", "vmlaunch", "vmptrld", "vmptrst", "vmread", "vmresume", "vmwrite", "vmxoff", "vmxon":
		return true
	case "mov":
		return compat || in.movesControlRegister()
	}
	return false
}

func (in *Inst) movesControlRegister() bool {
	for i := range in.Operands {
		r := in.Operands[i].Reg
		if strings.HasPrefix(r, "cr") || strings.HasPrefix(r, "dr") || strings.HasPrefix(r, "tr") {
			return true
		}
	}
	return false
}
