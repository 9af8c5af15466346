package disasm_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"socorro/stackwalk/disasm"
)

func code(tb testing.TB, digits string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// The texts and the sizes of accesses are those of yaxpeax-x86 2.2.0, measured.
func TestInstructionsOfAMD64ReadLikeThePeers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code, text string
		size       int
	}{
		// moves
		{"4889e5", "mov rbp, rsp", 0},
		{"488b4710", "mov rax, qword [rdi + 0x10]", 8},
		{"8b042500000000", "mov eax, dword [0x0]", 4},
		{"c704254500000005000000", "mov dword [0x45], 0x5", 4},
		{"8a03", "mov al, byte [rbx]", 1},
		{"668b03", "mov ax, word [rbx]", 2},
		{"b0cb", "mov al, 0xcb", 0},
		{"bfd2000000", "mov edi, 0xd2", 0},
		{"48c7c0ffffffff", "mov rax, -0x1", 0},
		{"48b8efbeaddedec0adde", "mov rax, -0x21523f2121524111", 0},
		{"0fb600", "movzx eax, byte [rax]", 1},
		{"480fbe4001", "movsx rax, byte [rax + 0x1]", 1},
		{"4863d0", "movsxd rdx, eax", 0},
		{"440fb69d5897ffff", "movzx r11d, byte [rbp - 0x68a8]", 1},
		{"8c00", "mov word [rax], es", 2},
		{"8ed8", "mov ds, ax", 0},
		{"0f20c0", "mov rax, cr0", 0},
		{"0f22d8", "mov cr3, rax", 0},
		// addresses
		{"488b03", "mov rax, qword [rbx]", 8},
		{"488b47f0", "mov rax, qword [rdi - 0x10]", 8},
		{"488b8700100000", "mov rax, qword [rdi + 0x1000]", 8},
		{"488b8780ffffff", "mov rax, qword [rdi - 0x80]", 8},
		{"488b04c1", "mov rax, qword [rcx + rax * 8]", 8},
		{"4a8b44c9f0", "mov rax, qword [rcx + r9 * 8 - 0x10]", 8},
		{"488b04c500000000", "mov rax, qword [rax * 8]", 8},
		{"488b04c500100000", "mov rax, qword [rax * 8 + 0x1000]", 8},
		{"438a0474", "mov al, byte [r12 + r14 * 2]", 1},
		{"488b0510000000", "mov rax, qword [rip + 0x10]", 8},
		{"488b05f0ffffff", "mov rax, qword [rip - 0x10]", 8},
		{"678b03", "mov eax, dword [ebx]", 4},
		{"67488b4510", "mov rax, qword [ebp + 0x10]", 8},
		{"67428b0408", "mov eax, dword [eax + r9d * 1]", 4},
		{"8b042542000080", "mov eax, dword [0x80000042]", 4},
		{"a128000000000000ff", "mov eax, dword [0xff00000000000028]", 4},
		// segments
		{"64488b042528000000", "mov rax, qword fs:[0x28]", 8},
		{"65488b042530000000", "mov rax, qword gs:[0x30]", 8},
		{"65488b4510", "mov rax, qword gs:[rbp + 0x10]", 8},
		{"2e8b00", "mov eax, dword [rax]", 4},
		{"64c5fa6f00", "vmovdqu xmm0, xmmword fs:[rax]", 16},
		{"67c5fa6f00", "vmovdqu xmm0, xmmword [eax]", 16},
		// arithmetic
		{"0301", "add eax, dword [rcx]", 4},
		{"034608", "add eax, dword [rsi + 0x8]", 4},
		{"0108", "add dword [rax], ecx", 4},
		{"4883c0ff", "add rax, -0x1", 0},
		{"4883f8c0", "cmp rax, -0x40", 0},
		{"483d00f0ffff", "cmp rax, -0x1000", 0},
		{"4881ec90000000", "sub rsp, 0x90", 0},
		{"ff00", "inc dword [rax]", 4},
		{"ff4808", "dec dword [rax + 0x8]", 4},
		{"f7fe", "idiv esi", 0},
		{"48f738", "idiv qword [rax]", 8},
		{"f7d8", "neg eax", 0},
		{"0fafc1", "imul eax, ecx", 0},
		{"69c0a9000000", "imul eax, eax, 0xa9", 0},
		{"d120", "shl dword [rax], 0x1", 4},
		{"48c1e004", "shl rax, 0x4", 0},
		{"c03003", "sal byte [rax], 0x3", 1},
		{"f60080", "test byte [rax], -0x80", 1},
		{"f60880", "test byte [rax], -0x80", 1},
		// stack and branches
		{"55", "push rbp", 8},
		{"6aff", "push -0x1", 8},
		{"68ec000000", "push 0xec", 8},
		{"ff30", "push qword [rax]", 8},
		{"66ff30", "push word [rax]", 2},
		{"58", "pop rax", 8},
		{"8f00", "pop qword [rax]", 8},
		{"e8daffffff", "call $-0x26", 8},
		{"ff10", "call qword [rax]", 8},
		{"ff5008", "call qword [rax + 0x8]", 8},
		{"ffd0", "call rax", 8},
		{"e900010000", "jmp $+0x100", 0},
		{"eb10", "jmp $+0x10", 0},
		{"ff20", "jmp qword [rax]", 8},
		{"ffe0", "jmp rax", 0},
		{"4150", "push r8", 8},
		{"ff18", "callf mword [rax]", 10},
		{"ff28", "jmpf mword [rax]", 10},
		{"c3", "ret", 8},
		{"c20800", "ret 0x8", 8},
		{"cb", "retf", 10},
		{"ca0400", "retf 0x4", 10},
		{"7410", "jz $+0x10", 0},
		{"0f8bf6ffffff", "jnp $-0xa", 0},
		{"e3fe", "jrcxz $-0x2", 0},
		{"e2fe", "loop $-0x2", 0},
		{"c9", "leave", 0},
		{"c85c71d4", "enter 0x715c, 0xd4", 0},
		{"9c", "pushf", 0},
		{"cf", "iretd", 0},
		{"48cf", "iretq", 0},
		// strings
		{"a4", "movs byte es:[rdi], byte ds:[rsi]", 1},
		{"f3a4", "rep movs byte es:[rdi], byte ds:[rsi]", 1},
		{"f348a5", "rep movs qword es:[rdi], qword ds:[rsi]", 8},
		{"66a5", "movs word es:[rdi], word ds:[rsi]", 2},
		{"64a4", "movs byte es:[rdi], byte fs:[rsi]", 1},
		{"67a4", "movs byte es:[edi], byte ds:[esi]", 1},
		{"aa", "stos byte es:[rdi], al", 1},
		{"f3aa", "rep stos byte es:[rdi], al", 1},
		{"ac", "lods al, byte [rsi]", 1},
		{"ae", "scas byte es:[rdi], al", 1},
		{"f2ae", "repnz scas byte es:[rdi], al", 1},
		{"6d", "ins dword [rdi], dx", 4},
		{"6f", "outs dx, dword [rsi]", 4},
		{"d7", "xlat", 1},
		// prefixes
		{"f0480fb10f", "lock cmpxchg qword [rdi], rcx", 8},
		{"f2f0ff00", "xacquire lock inc dword [rax]", 4},
		{"f3f0ff00", "xrelease lock inc dword [rax]", 4},
		{"f38800", "xrelease mov byte [rax], al", 1},
		{"8700", "xchg dword [rax], eax", 4},
		{"f390", "nop", 0},
		{"90", "nop", 0},
		{"0f1f4000", "nop dword [rax]", 4},
		{"660f1f440000", "nop word [rax + rax * 1]", 2},
		{"f30f1efa", "endbr64", 0},
		{"0f1800", "prefetchnta zmmword [rax]", 64},
		{"0f0d08", "prefetchw zmmword [rax]", 64},
		// system
		{"0f0b", "ud2", 0},
		{"cc", "int 0x3", 0},
		{"cd80", "int 0x80", 0},
		{"f1", "int 0x1", 0},
		{"f4", "hlt", 0},
		{"fa", "cli", 0},
		{"0f05", "syscall", 0},
		{"0fa2", "cpuid", 0},
		{"0f31", "rdtsc", 0},
		{"0f30", "wrmsr", 0},
		{"e49f", "in al, 0x9f", 0},
		{"ee", "out dx, al", 0},
		{"0fae10", "ldmxcsr dword [rax]", 4},
		{"0fae20", "xsave ptr [rax]", disasm.UnknownSize},
		{"0faee8", "lfence", 0},
		{"0fae38", "clflush zmmword [rax]", 64},
		{"660fae38", "clflushopt zmmword [rax]", 64},
		{"660fae30", "clwb zmmword [rax]", 64},
		{"0f0110", "lgdt mword [rax]", 10},
		{"0f0138", "invlpg byte [rax]", 1},
		{"0fc708", "cmpxchg8b qword [rax]", 8},
		{"480fc708", "cmpxchg16b xmmword [rax]", 16},
		{"0fc7f0", "rdrand eax", 0},
		{"0fc7f8", "rdseed eax", 0},
		// x87
		{"d900", "fld st(0), dword [rax]", 4},
		{"d9c1", "fld st(0), st(1)", 0},
		{"dd5c2410", "fstp qword [rsp + 0x10], st(0)", 8},
		{"db7c2410", "fstp mword [rsp + 0x10], st(0)", 10},
		{"dc4008", "fadd st(0), qword [rax + 0x8]", 8},
		{"d8c1", "fadd st(0), st(1)", 0},
		{"dec1", "faddp st(1), st(0)", 0},
		{"df6c8f77", "fild st(0), qword [rdi + rcx * 4 + 0x77]", 8},
		{"df4fbb", "fisttp word [rdi - 0x45], st(0)", 2},
		{"d9e8", "fld1", 0},
		{"d92c24", "fldcw word [rsp]", 2},
		{"dd30", "fnsave ptr [rax]", disasm.UnknownSize},
		{"9b", "wait", 0},
		{"d97c240e", "fnstcw word [rsp + 0xe]", 2},
		// vectors
		{"f30f6f24c1", "movdqu xmm4, xmmword [rcx + rax * 8]", 16},
		{"0f2801", "movaps xmm0, xmmword [rcx]", 16},
		{"0f2901", "movaps xmmword [rcx], xmm0", 16},
		{"0f1000", "movups xmm0, xmmword [rax]", 16},
		{"f20f1005c5770300", "movsd xmm0, qword [rip + 0x377c5]", 8},
		{"f30f2a07", "cvtsi2ss xmm0, dword [rdi]", 4},
		{"660f6fc1", "movdqa xmm0, xmm1", 0},
		{"660f70ffd8", "pshufd xmm7, xmm7, -0x28", 0},
		{"0fc6d488", "shufps xmm2, xmm4, -0x78", 0},
		{"660f7e07", "movd dword [rdi], xmm0", 4},
		{"f30f7e05dc980000", "movq xmm0, qword [rip + 0x98dc]", 8},
		{"660fd600", "movq qword [rax], xmm0", 8},
		{"0f2e01", "ucomiss xmm0, dword [rcx]", 4},
		{"660f3800c1", "pshufb xmm0, xmm1", 0},
		{"660f38f65b08", "adcx ebx, dword [rbx + 0x8]", 4},
		{"f34c0f38f6d8", "adox r11, rax", 0},
		{"f20f38f1c1", "crc32 eax, ecx", 0},
		// VEX
		{"c5fa6f00", "vmovdqu xmm0, xmmword [rax]", 16},
		{"c5fd6f25c81e4600", "vmovdqa ymm4, ymmword [rip + 0x461ec8]", 32},
		{"c5f877", "vzeroupper", 0},
		{"c5f058c1", "vaddps xmm0, xmm1, xmm1", 0},
		{"c5fd7f4710", "vmovdqa ymmword [rdi + 0x10], ymm0", 32},
		{"c4e27d5a3d8b4d3600", "vbroadcasti128 ymm7, xmmword [rip + 0x364d8b]", 16},
		{"c4e3fd0000d8", "vpermq ymm0, ymmword [rax], 0xd8", 32},
		{"c5f970c8b1", "vpshufd xmm1, xmm0, 0xb1", 0},
		{"c4e24d901ccf", "vpgatherdd ymm3, dword [rdi + ymm1 * 8], ymm6", 4},
		{"c4e27d1800", "vbroadcastss ymm0, dword [rax]", 4},
		{"c5e0c67f3088", "vshufps xmm7, xmm3, xmmword [rdi + 0x30], 0x88", 16},
		{"c4e1f96ec0", "vmovq xmm0, rax", 0},
		{"c4e2f9f7c1", "shlx rax, rcx, rax", 0},
		// EVEX
		{"62e27d485b2d68ec6800", "vbroadcasti32x8 zmm21, ymmword [rip + 0x68ec68]", 32},
		{"62f17c48584102", "vaddps zmm0, zmm0, zmmword [rcx + 0x80]", 64},
		{"62f17c1858c1", "vaddps zmm0{rn-sae}, zmm0, zmm1", 0},
		{"62f17c18584102", "vaddps xmm0, xmm0, dword [rcx + 0x8]{1to4}", 4},
		{"62017e4a6fe5", "vmovdqu32 zmm28{k2}, zmm29", 0},
		{"62f17cc958c1", "vaddps zmm0{k1}{z}, zmm0, zmm1", 0},
		{"62f375223f0c1600", "vpcmpb k1{k2}, ymm17, ymmword [rsi + rdx * 1], 0x0", 32},
		{"62f27d09a00408", "vpscatterdd dword [rax + xmm1 * 1]{k1}, xmm0", 4},
	} {
		in, err := disasm.AMD64(code(t, c.code), false)
		if err != nil || in.Text != c.text || in.MemSize != c.size || in.Len != len(c.code)/2 {
			t.Errorf("%s = %q, %d bytes accessed, length %d, %v; want %q, %d, %d",
				c.code, in.Text, in.MemSize, in.Len, err, c.text, c.size, len(c.code)/2)
		}
		// What follows belongs to the next instruction.
		if longer, _ := disasm.AMD64(code(t, c.code+"ffffffff"), false); longer.Text != c.text {
			t.Errorf("%s with more behind it = %q; want %q", c.code, longer.Text, c.text)
		}
	}
}

func TestMistakesOfThePeerAreKeptOnDemand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code, right string
		size        int
		compat      string
		compatBytes int
	}{
		{"660f6e07", "movd xmm0, dword [rdi]", 4, "movq xmm0, qword [rdi]", 8},
		{"66410f6ec0", "movd xmm0, r8d", 0, "movq xmm0, r8", 0},
		{"a6", "cmps byte ds:[rsi], byte es:[rdi]", 1, "cmps byte ds:[rdi], byte es:[rsi]", 1},
		{"6310", "movsxd edx, dword [rax]", 4, "movsxd rdx, dword [rax]", 4},
		{"6c", "ins byte [rdi], dx", 1, "ins byte [rdi], dl", 1},
		{"6e", "outs dx, byte [rsi]", 1, "outs dl, byte [rsi]", 1},
		{"c4e2f1a907", "vfmadd213sd xmm0, xmm1, qword [rdi]", 8, "vfmadd231sd xmm0, xmm1, xmmword [rdi]", 16},
		{"c4e279990f", "vfmadd132ss xmm1, xmm0, dword [rdi]", 4, "vfmadd132ss xmm1, xmm0, xmmword [rdi]", 16},
		{"c4e27d310437", "vpmovzxbd ymm0, qword [rdi + rsi * 1]", 8, "vpmovzxbd ymm0, xmmword [rdi + rsi * 1]", 16},
		{"c4e17d70411021", "vpshufd ymm0, ymmword [rcx + 0x10], 0x21", 32, "vpshufd ymm0, xmmword [rcx + 0x10], 0x21", 16},
		{"c5f81300", "vmovlps qword [rax], xmm0", 8, "vmovlps xmmword [rax], xmm0", 16},
		{"f00fba2f05", "lock bts dword [rdi], 0x5", 4, "lock bts qword [rdi], 0x5", 8},
		{"0fc8", "bswap eax", 0, "bswap rax", 0},
		{"f30fe600", "cvtdq2pd xmm0, qword [rax]", 8, "cvtdq2pd xmm0, xmmword [rax]", 16},
	} {
		in, _ := disasm.AMD64(code(t, c.code), false)
		like, _ := disasm.AMD64(code(t, c.code), true)
		if in.Text != c.right || in.MemSize != c.size || like.Text != c.compat || like.MemSize != c.compatBytes {
			t.Errorf("%s = %q (%d), in compat mode %q (%d); want %q (%d), %q (%d)",
				c.code, in.Text, in.MemSize, like.Text, like.MemSize, c.right, c.size, c.compat, c.compatBytes)
		}
	}
}

func TestInstructionsOfX86(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ code, text string }{
		{"8b4710", "mov eax, dword [edi + 0x10]"},
		{"a145000000", "mov eax, dword [0x45]"},
		{"c7054500000005000000", "mov dword [0x45], 0x5"},
		{"8b0485f0ffffff", "mov eax, dword [eax * 4 - 0x10]"},
		{"64a118000000", "mov eax, dword fs:[0x18]"},
		{"678b07", "mov eax, dword [bx]"},
		{"40", "inc eax"},
		{"60", "pushad"},
		{"6800100000", "push 0x1000"},
		{"ff15a0104000", "call dword [0x4010a0]"},
		{"9ac18877665544", "callf 0x4455:0x667788c1"},
		{"f3a5", "rep movs dword es:[edi], dword ds:[esi]"},
		{"c50f", "lds ecx, far [edi]"},
		{"c5fa6f07", "vmovdqu xmm0, xmmword [edi]"},
		{"0fc74f08", "cmpxchg8b qword [edi + 0x8]"},
	} {
		in, err := disasm.X86(code(t, c.code))
		if err != nil || in.Text != c.text || in.Len != len(c.code)/2 {
			t.Errorf("%s = %q, length %d, %v; want %q", c.code, in.Text, in.Len, err, c.text)
		}
	}
}

func TestInstructionsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, code string
		want       error
	}{
		{"nothing", "", disasm.ErrTruncated},
		{"a prefix alone", "48", disasm.ErrTruncated},
		{"an address cut off", "8b8400", disasm.ErrTruncated},
		{"an immediate cut off", "48b80102", disasm.ErrTruncated},
		{"VEX cut off", "c4e27d", disasm.ErrTruncated},
		{"VEX without operands", "c54028", disasm.ErrTruncated},
		{"EVEX cut off", "62f17c4858", disasm.ErrTruncated},
		{"an opcode that 64-bit code lacks", "06", disasm.ErrUnknown},
		{"an opcode that nobody has", "0f0a", disasm.ErrUnknown},
		{"a lock on a register", "f095", disasm.ErrUnknown},
		{"a code segment loaded", "8ec8", disasm.ErrUnknown},
		{"prefixes and no end", "666666666666666666666666666666666666", disasm.ErrUnknown},
	} {
		if in, err := disasm.AMD64(code(t, c.code), false); !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v; want %v", c.what, in.Text, err, c.want)
		}
	}
}

func TestWhatInstructionsDo(t *testing.T) {
	t.Parallel()
	const none, read, write, both, unused = disasm.UnknownAccess, disasm.Read, disasm.Write, disasm.ReadWrite, disasm.NoAccess
	for _, c := range []struct {
		code      string
		derivable bool
		access    disasm.Access // of the operand in memory
		stack     disasm.Stack
		flow      disasm.Flow
	}{
		{"488b03", true, read, disasm.StackUnused, disasm.Next},
		{"488903", true, write, disasm.StackUnused, disasm.Next},
		{"0f2801", true, read, disasm.StackUnused, disasm.Next},
		{"0f1101", true, write, disasm.StackUnused, disasm.Next},
		{"0108", true, both, disasm.StackUnused, disasm.Next},
		{"0308", true, read, disasm.StackUnused, disasm.Next},
		{"ff00", true, both, disasm.StackUnused, disasm.Next},
		{"3908", true, read, disasm.StackUnused, disasm.Next},
		{"488d00", true, unused, disasm.StackUnused, disasm.Next},
		{"ff30", true, read, disasm.Pushes, disasm.Next},
		{"8f00", true, write, disasm.Pops, disasm.Next},
		{"ff10", true, read, disasm.Pushes, disasm.Jumps},
		{"ff20", true, read, disasm.StackUnused, disasm.Jumps},
		{"c3", true, none, disasm.Pops, disasm.Return},
		{"cf", false, none, disasm.StackUnused, disasm.Return},
		{"7400", true, none, disasm.StackUnused, disasm.May},
		{"e2fe", false, none, disasm.StackUnused, disasm.May},
		{"0fafc1", false, none, disasm.StackUnused, disasm.Next},
		{"f30f6f24c1", false, none, disasm.StackUnused, disasm.Next},
		{"0f1f00", false, unused, disasm.StackUnused, disasm.Next},
		{"0f1808", false, unused, disasm.StackUnused, disasm.Next},
	} {
		in, err := disasm.AMD64(code(t, c.code), false)
		if err != nil {
			t.Errorf("%s: %v", c.code, err)
			continue
		}
		access := disasm.UnknownAccess
		for _, o := range in.Operands {
			if o.Kind == disasm.Memory {
				access = o.Access
			}
		}
		if in.Derivable != c.derivable || access != c.access || in.Stack != c.stack || in.Flow != c.flow {
			t.Errorf("%s: derivable %v, access %d, stack %d, flow %d; want %v, %d, %d, %d",
				in.Text, in.Derivable, access, in.Stack, in.Flow, c.derivable, c.access, c.stack, c.flow)
		}
	}
}

func TestPrivilegesAndDivisions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code                        string
		divides, privileged, compat bool
	}{
		{"f7fe", true, false, false},
		{"f4", false, true, true},
		{"fa", false, true, true},
		{"0f30", false, true, true},
		{"0f20c0", false, true, true},
		{"4889e5", false, false, true}, // the peer holds every mov for privileged
		{"0108", false, false, false},
	} {
		in, _ := disasm.AMD64(code(t, c.code), false)
		like, _ := disasm.AMD64(code(t, c.code), true)
		if in.Divides != c.divides || in.Privileged != c.privileged || like.Privileged != c.compat {
			t.Errorf("%s: divides %v, privileged %v, in compat mode %v; want %v, %v, %v",
				in.Text, in.Divides, in.Privileged, like.Privileged, c.divides, c.privileged, c.compat)
		}
	}
}

func FuzzDisasm(f *testing.F) {
	for _, c := range []string{
		"488b4710", "c5fd6f25c81e4600", "62e27d485b2d68ec6800", "666666666666666666666666c5fd6f", "f30f1efa",
		"64c5fa6f00", "9ac18877665544", "a1000000000000ff00", "664c0f38f65b08", "f9400020", "c87f7c41",
	} {
		f.Add(code(f, c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, decode := range map[string]func([]byte) (disasm.Inst, error){
			"amd64":  func(b []byte) (disasm.Inst, error) { return disasm.AMD64(b, false) },
			"compat": func(b []byte) (disasm.Inst, error) { return disasm.AMD64(b, true) },
			"x86":    disasm.X86,
			"arm64":  disasm.ARM64,
		} {
			in, err := decode(b)
			switch {
			case err != nil && (in.Text != "" || in.Operands != nil):
				t.Errorf("%s: %x is %q and %v", name, b, in.Text, err)
			case err == nil && (in.Text == "" || in.Mnemonic == "" || in.Len < 1 || in.Len > min(len(b), 15)):
				t.Errorf("%s: %x is %q of %d bytes", name, b, in.Text, in.Len)
			}
			for _, o := range in.Operands {
				if o.Kind == 0 || o.Kind == disasm.Memory && o.Index != "" && o.Scale == 0 {
					t.Errorf("%s: %x, %q has the operand %+v", name, b, in.Text, o)
				}
			}
		}
	})
}

func BenchmarkAMD64(b *testing.B) {
	c := code(b, "4a8b44c9f0")
	for b.Loop() {
		if _, err := disasm.AMD64(c, false); err != nil {
			b.Fatal(err)
		}
	}
}
