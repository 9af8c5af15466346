package disasm

import "golang.org/x/arch/x86/x86asm"

var x86Names = map[x86asm.Op]string{
	x86asm.CMOVAE: "cmovnb", x86asm.CMOVBE: "cmovna", x86asm.CMOVE: "cmovz", x86asm.CMOVNE: "cmovnz",
	x86asm.JAE: "jnb", x86asm.JBE: "jna", x86asm.JE: "jz", x86asm.JNE: "jnz",
	x86asm.SETE: "setz", x86asm.SETNE: "setnz",
	x86asm.LCALL: "callf", x86asm.LJMP: "jmpf", x86asm.LRET: "retf", x86asm.FWAIT: "wait", x86asm.XLATB: "xlat",
	x86asm.LOOPE: "loopz", x86asm.LOOPNE: "loopnz",
	x86asm.MOVSB: "movs", x86asm.MOVSW: "movs", x86asm.MOVSD: "movs", x86asm.MOVSQ: "movs",
	x86asm.CMPSB: "cmps", x86asm.CMPSW: "cmps", x86asm.CMPSD: "cmps", x86asm.CMPSQ: "cmps",
	x86asm.SCASB: "scas", x86asm.SCASW: "scas", x86asm.SCASD: "scas", x86asm.SCASQ: "scas",
	x86asm.LODSB: "lods", x86asm.LODSW: "lods", x86asm.LODSD: "lods", x86asm.LODSQ: "lods",
	x86asm.STOSB: "stos", x86asm.STOSW: "stos", x86asm.STOSD: "stos", x86asm.STOSQ: "stos",
	x86asm.INSB: "ins", x86asm.INSW: "ins", x86asm.INSD: "ins",
	x86asm.OUTSB: "outs", x86asm.OUTSW: "outs", x86asm.OUTSD: "outs",
	x86asm.MOVSD_XMM: "movsd", x86asm.CMPSD_XMM: "cmpsd",
	x86asm.FXSAVE64: "fxsave", x86asm.FXRSTOR64: "fxrstor", x86asm.XSAVE64: "xsave", x86asm.XRSTOR64: "xrstor",
	x86asm.XSAVEOPT64: "xsaveopt", x86asm.PAUSE: "nop", x86asm.ICEBP: "int",
	x86asm.VPCMPESTRI64: "vpcmpestri", x86asm.VPCMPESTRM64: "vpcmpestrm", x86asm.VPCMPISTRI64: "vpcmpistri",
	x86asm.VPEXTRW_C5: "vpextrw",
	x86asm.PUSHFQ:     "pushf", x86asm.POPFQ: "popf", x86asm.PUSHFD: "pushf", x86asm.POPFD: "popf",
}

// x86Strings are the instructions that repeat prefixes repeat.
var x86Strings = map[x86asm.Op]bool{
	x86asm.MOVSB: true, x86asm.MOVSW: true, x86asm.MOVSD: true, x86asm.MOVSQ: true,
	x86asm.CMPSB: true, x86asm.CMPSW: true, x86asm.CMPSD: true, x86asm.CMPSQ: true,
	x86asm.SCASB: true, x86asm.SCASW: true, x86asm.SCASD: true, x86asm.SCASQ: true,
	x86asm.LODSB: true, x86asm.LODSW: true, x86asm.LODSD: true, x86asm.LODSQ: true,
	x86asm.STOSB: true, x86asm.STOSW: true, x86asm.STOSD: true, x86asm.STOSQ: true,
	x86asm.INSB: true, x86asm.INSW: true, x86asm.INSD: true,
	x86asm.OUTSB: true, x86asm.OUTSW: true, x86asm.OUTSD: true,
}

// x86Unsigned are the instructions whose numbers have no sign.
var x86Unsigned = map[x86asm.Op]bool{
	x86asm.IN: true, x86asm.OUT: true, x86asm.INT: true, x86asm.ENTER: true, x86asm.RET: true, x86asm.LRET: true,
	x86asm.PINSRW: true, x86asm.PEXTRW: true, x86asm.SHA1RNDS4: true, x86asm.AESKEYGENASSIST: true,
}

// x86Sizes are the sizes that x86asm does not tell.
var x86Sizes = map[x86asm.Op]int{
	x86asm.MOVSB: 1, x86asm.CMPSB: 1, x86asm.SCASB: 1, x86asm.LODSB: 1, x86asm.STOSB: 1, x86asm.INSB: 1, x86asm.OUTSB: 1,
	x86asm.MOVSW: 2, x86asm.CMPSW: 2, x86asm.SCASW: 2, x86asm.LODSW: 2, x86asm.STOSW: 2, x86asm.INSW: 2, x86asm.OUTSW: 2,
	x86asm.MOVSD: 4, x86asm.CMPSD: 4, x86asm.SCASD: 4, x86asm.LODSD: 4, x86asm.STOSD: 4, x86asm.INSD: 4, x86asm.OUTSD: 4,
	x86asm.MOVSQ: 8, x86asm.CMPSQ: 8, x86asm.SCASQ: 8, x86asm.LODSQ: 8, x86asm.STOSQ: 8, x86asm.XLATB: 1,
	x86asm.CLFLUSH: 64, x86asm.INVLPG: 1,
	x86asm.XRSTORS: UnknownSize, x86asm.XRSTORS64: UnknownSize, x86asm.XSAVEC: UnknownSize, x86asm.XSAVEC64: UnknownSize,
	x86asm.XSAVES: UnknownSize, x86asm.XSAVES64: UnknownSize,
	x86asm.FNSAVE: UnknownSize, x86asm.FRSTOR: UnknownSize, x86asm.FLDENV: UnknownSize, x86asm.FNSTENV: UnknownSize,
	x86asm.FXSAVE: UnknownSize, x86asm.FXSAVE64: UnknownSize, x86asm.FXRSTOR: UnknownSize, x86asm.FXRSTOR64: UnknownSize,
	x86asm.XSAVE: UnknownSize, x86asm.XSAVE64: UnknownSize, x86asm.XRSTOR: UnknownSize, x86asm.XRSTOR64: UnknownSize,
	x86asm.XSAVEOPT: UnknownSize, x86asm.XSAVEOPT64: UnknownSize,
	x86asm.VPGATHERDD: 4, x86asm.VPGATHERQD: 4, x86asm.VGATHERDPS: 4, x86asm.VGATHERQPS: 4,
	x86asm.VPGATHERDQ: 8, x86asm.VPGATHERQQ: 8, x86asm.VGATHERDPD: 8, x86asm.VGATHERQPD: 8,
	x86asm.VPSCATTERDD: 4, x86asm.VPSCATTERQD: 4, x86asm.VSCATTERDPS: 4, x86asm.VSCATTERQPS: 4,
	x86asm.VPSCATTERDQ: 8, x86asm.VPSCATTERQQ: 8, x86asm.VSCATTERDPD: 8, x86asm.VSCATTERQPD: 8,
}

// x87 are instructions that leave the top of the floating point stack unnamed:
// true where it comes before the operand they name, false where behind.
var x87 = map[x86asm.Op]bool{
	x86asm.FLD: true, x86asm.FILD: true, x86asm.FBLD: true,
	x86asm.FADD: true, x86asm.FMUL: true, x86asm.FCOM: true, x86asm.FCOMP: true, x86asm.FSUB: true, x86asm.FSUBR: true, x86asm.FDIV: true, x86asm.FDIVR: true,
	x86asm.FIADD: true, x86asm.FIMUL: true, x86asm.FICOM: true, x86asm.FICOMP: true, x86asm.FISUB: true, x86asm.FISUBR: true, x86asm.FIDIV: true, x86asm.FIDIVR: true,
	x86asm.FXCH: true, x86asm.FUCOM: true, x86asm.FUCOMP: true,
	x86asm.FST: false, x86asm.FSTP: false, x86asm.FIST: false, x86asm.FISTP: false, x86asm.FISTTP: false, x86asm.FBSTP: false,
}
