package minidump

// CPU is a processor family.
type CPU uint8

// The processors that a minidump can name.
const (
	UnknownCPU CPU = iota
	X86
	AMD64
	ARM
	ARM64
	ARM64Old // ARM64 with the context layout that Breakpad writes
	MIPS
	MIPS64
	PPC
	PPC64
	SPARC
	RISCV64 // which rust-minidump does not know
)

// String is the name in reports: "x86", "amd64", "arm64", "unknown".
func (c CPU) String() string {
	switch c {
	case X86:
		return "x86"
	case AMD64:
		return "amd64"
	case ARM:
		return "arm"
	case ARM64, ARM64Old:
		return "arm64"
	case MIPS:
		return "mips"
	case MIPS64:
		return "mips64"
	case PPC:
		return "ppc"
	case PPC64:
		return "ppc64"
	case SPARC:
		return "sparc"
	case RISCV64:
		return "riscv64"
	default:
		return "unknown"
	}
}

// PointerSize is the bytes of an address, or 0 when the CPU is unknown.
func (c CPU) PointerSize() int {
	switch c {
	case X86, ARM, MIPS, PPC, SPARC:
		return 4
	case AMD64, ARM64, ARM64Old, MIPS64, PPC64, RISCV64:
		return 8
	default:
		return 0
	}
}

// OS is an operating system.
type OS uint32

// The systems that a minidump can name. The numbers are ours; the file's is
// SystemInfo.PlatformID.
const (
	UnknownOS OS = iota
	Windows
	MacOS
	IOS
	Linux
	Solaris
	Android
	PS3
	NaCl
)

// String is the name in reports: "Linux", "Windows NT", "Mac OS X".
func (o OS) String() string {
	switch o {
	case Windows:
		return "Windows NT"
	case MacOS:
		return "Mac OS X"
	case IOS:
		return "iOS"
	case Linux:
		return "Linux"
	case Solaris:
		return "Solaris"
	case Android:
		return "Android"
	case PS3:
		return "PS3"
	case NaCl:
		return "NaCl"
	default:
		return "unknown"
	}
}
