package minidump

import (
	"encoding/json"
	"time"
)

// A Dump is what one minidump says. Its memory, names and raw streams are slices
// of the bytes it was read from, so those bytes must stay until the Dump is done
// with. Everything in a Dump is bounded by the size of the file.
//
// A slice or pointer is nil when the dump has no such stream or when the stream
// was unreadable (then Warnings says why); it is empty but not nil when the
// stream was there and empty.
type Dump struct {
	Time      time.Time // when the dump was written, UTC, whole seconds
	Flags     uint64    // MINIDUMP_TYPE bits of the header
	BigEndian bool
	Streams   []Stream // the directory as it stands in the file

	System          SystemInfo
	Misc            *MiscInfo
	Threads         []Thread
	Modules         []Module // file order; index 0 is the main module
	UnloadedModules []UnloadedModule
	Exception       *Exception
	Memory          MemoryMap
	MemoryInfo      []MemoryInfo
	Handles         []Handle

	Breakpad  *BreakpadInfo
	Assertion *Assertion
	Crashpad  *CrashpadInfo

	Maps         []LinuxMap
	LSB          *LSBRelease
	ProcStatus   *ProcStatus
	CPUInfo      *LinuxCPUInfo
	Limits       []Limit         // order of the file, see /proc/PID/limits
	SoftErrors   json.RawMessage // what the dump's writer could not do; nil when absent or not JSON
	MacCrashInfo []MacCrashRecord
	MacBootArgs  *string
	CommandLine  []string   // of Linux
	Environment  []KeyValue // of Linux; it may hold secrets of the user

	FunctionTables []FunctionTable
	Stability      *StabilityReport

	Warnings []string // what did not parse, where and why, at most 100; never fatal

	file     []byte
	partial  map[StreamType]bool // streams with a part left out, see Strict
	contexts [][]byte            // of Threads, as they stand in the file
	crash    []byte              // the context of Exception
	strays   []int               // of Threads, those whose stack is from Memory
	modules  rangeMap
	unloaded []int // indices into UnloadedModules, by base
	close    func() error
}

// A Stream is one entry of the dump's directory.
type Stream struct {
	Type StreamType
	Size uint32 // bytes
	RVA  uint32 // offset from the start of the file
}

// SystemInfo is the machine the dump was written on.
type SystemInfo struct {
	OS       OS
	CPU      CPU
	CPUCount int
	CPULevel uint16 // family on x86 and amd64
	// CPURevision is model in the high byte and stepping in the low one on x86 and amd64.
	CPURevision         uint16
	Major, Minor, Build uint32
	CSD                 string // service pack of Windows, uname of Linux, build of macOS
	ProductType         uint8
	SuiteMask           uint16
	PlatformID          uint32 // the number behind OS
	Architecture        uint16 // the number behind CPU
	// Vendor is "GenuineIntel" and the like, 12 bytes as they stand; x86 only, "" else.
	Vendor    string
	CPUID     uint32 // ARM's identification register; 0 else
	ELFHwCaps uint32 // ARM only
}

// MiscInfo is the process the dump was taken of.
type MiscInfo struct {
	Flags                              uint32
	PID                                *uint32
	CreateTime                         time.Time     // zero when unknown, UTC
	UserTime, KernelTime               time.Duration // 0 when unknown
	MaxMHz, CurrentMHz, LimitMHz       uint32
	IntegrityLevel, ExecuteFlags       uint32
	Protected                          uint32
	TimeZoneID                         uint32
	BuildString, DebugString           string
	StandardTimeName, DaylightTimeName string
	XState                             *XState // nil when the dump does not say
	ProcessCookie                      uint32
}

// A Thread is one thread of the process, as it stood when the dump was written.
type Thread struct {
	ID            uint32
	Name          string
	Named         bool // the dump names this thread, if only ""
	SuspendCount  uint32
	PriorityClass uint32
	Priority      uint32
	TEB           uint64
	Stack         Region // no Data when the dump does not have it
	StackBase     uint64 // what the thread list says, whether or not the memory is there
	Context       *Registers
	Info          *ThreadInfo // nil when the dump has none of this thread
}

// A Module is a program or library mapped into the process.
type Module struct {
	Base, Size uint64
	CodeFile   string // path as the dump has it
	DebugFile  string // path; "" when the dump has none
	DebugID    string // 32 upper case hex digits and the age in lower case hex; "" when the dump has none
	CodeID     string // lower case hex; "" when unknown
	Version    string // "1.2.3.4"; "" when unknown
	CheckSum   uint32
	TimeStamp  uint32 // seconds since 1970, from the PE header
	BuildID    []byte // ELF build id; nil unless the CodeView record has one
}

// End is the first address after the module.
func (m *Module) End() uint64 { return m.Base + m.Size }

// An UnloadedModule was mapped once and is gone.
type UnloadedModule struct {
	Base, Size uint64
	Name       string // path as the dump has it
	CodeID     string // lower case hex
	CheckSum   uint32
	TimeStamp  uint32
}

// End is the first address after the module.
func (m *UnloadedModule) End() uint64 { return m.Base + m.Size }

// An Exception is why the dump was written.
type Exception struct {
	ThreadID   uint32
	Code       uint32
	Flags      uint32
	Record     uint64
	Address    uint64
	Parameters int // how many of Information count, at most 15
	// Information holds the numbers that come with Code. On Windows an access
	// violation has its kind and its address here; Linux has si_code in Flags.
	Information [15]uint64
	Context     *Registers // nil: missing or not of the dump's CPU
}

// A Region is a piece of the process's memory. Data is a slice of the file.
type Region struct {
	Base uint64
	Data []byte
}

// End is the first address after the region.
func (r Region) End() uint64 { return r.Base + uint64(len(r.Data)) }

// MemoryInfo is what the process may do with a range of its addresses (Windows).
type MemoryInfo struct {
	Base, AllocationBase uint64
	Size                 uint64
	AllocationProtect    uint32 // PAGE_ bits
	State                uint32 // MEM_COMMIT, MEM_RESERVE or MEM_FREE
	Protect              uint32 // PAGE_ bits
	Type                 uint32 // MEM_PRIVATE, MEM_MAPPED or MEM_IMAGE
}

// A LinuxMap is one line of /proc/PID/maps.
type LinuxMap struct {
	Start, End  uint64 // End is the first address after
	Read, Write bool
	Execute     bool
	Shared      bool
	Offset      uint64
	Inode       uint64
	Path        string // "" for anonymous memory, "[stack]" and the like
}

// A Handle is something the process had open.
type Handle struct {
	Value         uint64
	TypeName      *string // nil when the dump does not say
	ObjectName    *string // nil when the dump does not say; on Linux the path
	Attributes    uint32
	GrantedAccess uint32
	HandleCount   uint32
	PointerCount  uint32
}

// BreakpadInfo says which threads a Breakpad writer was concerned with.
type BreakpadInfo struct {
	DumpThread       *uint32 // wrote the dump; its stack is of no interest
	RequestingThread *uint32 // asked for it
}

// An Assertion is the text of a failed assertion.
type Assertion struct {
	Expression, Function, File string
	Line, Type                 uint32
}

// LSBRelease is /etc/lsb-release or /etc/os-release.
type LSBRelease struct{ ID, Release, Codename, Description string }

// ProcStatus is /proc/PID/status. Read more of it with [Pairs] and ':'.
type ProcStatus struct {
	PID  uint32 // 0 when the text does not say
	Text []byte
}

// LinuxCPUInfo is /proc/cpuinfo. Read more of it with [Pairs] and ':'.
type LinuxCPUInfo struct {
	Microcode *uint64 // of the first processor that has one
	Text      []byte
}

// KeyValue is a name and its value.
type KeyValue struct{ Key, Value string }

// A Limit is one line of /proc/PID/limits.
type Limit struct {
	Name       string
	Soft, Hard LimitValue
	Unit       string // "n/a" when the kernel gives none
}

// A LimitValue is a number, or one of the kinds that are none.
type LimitValue struct {
	Value uint64
	Kind  LimitKind
}

// LimitKind says how to read a [LimitValue].
type LimitKind uint8

// The kinds of limit.
const (
	LimitNumber LimitKind = iota
	LimitUnlimited
	LimitError // neither; Parse takes such a limit for 0 as other walkers do
)

// CrashpadInfo is what Crashpad adds: who reports, for which client, and notes.
type CrashpadInfo struct {
	ReportID    string // GUID in lower case
	ClientID    string // GUID in lower case
	Annotations []KeyValue
	Modules     []ModuleAnnotations
}

// ModuleAnnotations are Crashpad's notes of one module.
type ModuleAnnotations struct {
	Module  int // index into Dump.Modules, which may be out of its bounds
	List    []string
	Simple  []KeyValue
	Objects []AnnotationObject
}

// An AnnotationObject is a typed note.
type AnnotationObject struct {
	Name string
	Type uint16 // 0 invalid, 1 text, from 0x8000 the client's own
	Text string // of type 1
}

// A MacCrashRecord is what a macOS library wrote into its __crash_info. Fields
// are zero when it left them so.
type MacCrashRecord struct {
	Version    uint64
	Thread     uint64
	DialogMode uint64
	AbortCause uint64

	Module, Message, Signature, Backtrace, Message2 string
}
