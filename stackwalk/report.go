package stackwalk

import (
	"encoding/json"
	"time"

	"socorro/stackwalk/analysis"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
	"socorro/stackwalk/unwind"
)

// A Report is what a walk found out. It needs the dump no more, which may be
// closed. Its strings share the memory of symbol tables, so those stay in memory
// as long as the report does, even when a cache has dropped them.
type Report struct {
	Status        string         // always "OK"
	PID           *uint32        // nil when unknown
	ProcessUptime *time.Duration // whole seconds; nil when unknown
	CrashInfo     CrashInfo
	SystemInfo    SystemInfo

	Threads []Thread // in the order of the dump
	// CrashingThread is the thread that crashed or asked for the dump, an element
	// of Threads; nil when the dump does not say or has no registers of it.
	CrashingThread *Thread

	Modules                  []Module // in the order of the dump; the first is the program
	ModulesContainCertInfo   bool
	UnloadedModules          []UnloadedModule
	Handles                  []minidump.Handle // nil when the dump has no such list
	LSBRelease               *minidump.LSBRelease
	ProcLimits               []minidump.Limit // nil when unknown; by name
	LinuxMemoryMapCount      *int
	SoftErrors               json.RawMessage // nil when none
	MacCrashInfo             []minidump.MacCrashRecord
	MacBootArgs              *string
	Assertion                *minidump.Assertion
	Crashpad                 *minidump.CrashpadInfo
	Breakpad                 *minidump.BreakpadInfo // not in the JSON
	Streams                  []minidump.Stream      // not in the JSON
	Warnings                 []string               // of the dump and of the walk; not in the JSON
	modulesByAddress         []int
	unloadedModulesByAddress []int
	pointerSize              int
	compat                   bool // write what rust-minidump writes and no more
	cpu                      minidump.CPU
}

// CrashInfo is why the dump was written. Everything but CrashingThread is empty
// when nothing crashed.
type CrashInfo struct {
	Type    string  // such as "SIGSEGV / SEGV_MAPERR"; "" when nothing crashed
	Address *uint64 // the address the crash is about; nil when nothing crashed
	// CrashingThread is an index into Report.Threads; nil when the dump does not say.
	CrashingThread *int

	// The rest is what the crashing instruction tells, see package analysis.

	Instruction              string            // "" when unknown
	MemoryAccesses           []analysis.Access // nil when unknown
	InstructionPointerUpdate analysis.Target
	Adjusted                 analysis.Adjusted // a better address than Address
	PossibleBitFlips         []analysis.BitFlip
	Inconsistencies          []analysis.Inconsistency
}

// SystemInfo is the machine.
type SystemInfo struct {
	OS                  string // "Linux", "Windows NT", "Mac OS X", …
	OSVer               string // version and build
	CPUArch             string // "amd64", "x86", "arm64", …
	CPUInfo             string // "" when unknown
	CPUCount            int
	CPUMicrocodeVersion *uint64
}

// A Thread is one stack.
type Thread struct {
	Index          int // in Report.Threads
	ThreadID       uint32
	ThreadName     string
	HasName        bool    // the dump names it, if only ""
	LastErrorValue string  // of Windows, by name; "" when unknown
	StartAddress   *uint64 // where it began; nil when unknown
	Frames         []Frame
	// Truncated says that the walk stopped at Options.MaxFrames or
	// Options.MemoryBudget with stack left.
	Truncated bool

	dumpThread bool // it wrote the dump
}

// A Frame is one function call. Inlined calls within it come before it, so to
// say: the innermost is what was running.
type Frame struct {
	Index  int
	Trust  unwind.Trust
	Offset uint64 // address that was looked up: within the call instruction in callers

	ModuleIndex  int // in Report.Modules; -1 when the address is in none
	Module       string
	ModuleOffset uint64 // Offset relative to the module

	HasFunction    bool // whether Function and FunctionOffset are known
	Function       string
	FunctionOffset uint64 // Offset relative to the function

	HasLine    bool // whether the next three are known
	File       string
	Line       uint32
	LineOffset uint64 // Offset relative to the code of the line

	Inlines         []symbols.Inline // innermost first; nil when none
	MissingSymbols  bool
	UnloadedModules []UnloadedAt // modules that were at Offset before, by name; nil when none
	// Memory is what executable memory Offset is in when it is in no module: "jit"
	// when it belongs to no file, or the file's name, or "image" for one that
	// Windows does not name. "" when it is in a module, or unknown, or not executable.
	Memory string

	registers frameRegisters
}

// UnloadedAt is a module that was once at a frame's address.
type UnloadedAt struct {
	Module  string
	Offsets []uint64 // ascending; several when it was loaded at several places
}

// A Module is a program or library and how its symbols were found.
type Module struct {
	BaseAddr, EndAddr uint64 // EndAddr is the first address after
	Filename          string // last part of the path
	CodeFile          string // whole path
	DebugFile         string // last part of the path; "" when unknown
	DebugID           string // zeros when unknown
	CodeID            string // "" when unknown
	Version           string // "" when unknown
	CertSubject       string // who signed it; "" when unknown

	// The next three are as rust-minidump has them: false, all of them, for a
	// module whose symbols no frame needed; LoadedSymbols also for a useless file.
	MissingSymbols bool
	LoadedSymbols  bool
	CorruptSymbols bool
	SymbolURL      string // "" when not from a server

	Lookup           symbols.Lookup // where symbols were looked for
	SymbolsErrorLine int            // of the symbol file, from 1; 0 when SymbolsError is not about a line
	SymbolsError     string         // why symbols that exist are not used; "" when all is well
	BadLines         int            // lines of the symbol file that were left out
	BadSamples       []symbols.BadLine
	SymbolsID        string // debug id that the symbol file says it is of; "" when it does not
	Asked            bool   // a frame needed its symbols
	Pieces           int    // entries of the dump's list that this module was joined from; 0 when none were joined
}

// An UnloadedModule was mapped once and is gone.
type UnloadedModule struct {
	BaseAddr, EndAddr uint64
	CodeID            string
	Filename          string // as the dump has it
	CertSubject       string
}
