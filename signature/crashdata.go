package signature

import "encoding/json"

// CrashData is all that signature generation looks at. Its JSON form is
// Socorro's crash_data schema; [CrashData.UnmarshalJSON] also reads values of
// the wrong type, as they come from clients, and remembers what was wrong.
//
// A zero value stands for "the crash did not say".
type CrashData struct {
	OS             string   `json:"os,omitempty"`      // "Windows NT" lower-cases module names
	Reason         string   `json:"reason,omitempty"`  // "EXCEPTION_STACK_OVERFLOW", "SIGSEGV / SEGV_MAPERR"
	CrashingThread int      `json:"crashing_thread"`   // index into Threads; negative counts from the end
	Threads        []Thread `json:"threads,omitempty"` // stacks, innermost frame first
	Hang           *string  `json:"hang"`              // kind of hang, "ui"; nil means that it did not hang
	AbortMessage   string   `json:"abort_message,omitempty"`

	// OOMAllocationSize is the allocation that failed, in bytes; nil means unknown.
	OOMAllocationSize        *int64 `json:"oom_allocation_size"`
	JSLargeAllocationFailure string `json:"js_large_allocation_failure,omitempty"` // "Reporting", "Reported", "Recovered"

	AsyncShutdownTimeout string   `json:"async_shutdown_timeout,omitempty"` // JSON text: phase and conditions
	IPCChannelError      string   `json:"ipc_channel_error,omitempty"`
	IPCMessageName       string   `json:"ipc_message_name,omitempty"`
	AdditionalMinidumps  []string `json:"additional_minidumps,omitempty"` // names of the dumps beside the main one

	// MDSWStatusString is the stack walker's verdict, "OK" or what went wrong.
	MDSWStatusString string `json:"mdsw_status_string,omitempty"`

	JavaStackTrace string          `json:"java_stack_trace,omitempty"` // lines; wins over all else
	JavaException  json.RawMessage `json:"java_exception,omitempty"`   // a Sentry-style exception; wins over Threads

	// OriginalSignature is the signature before this run. No rule reads it.
	OriginalSignature string `json:"original_signature,omitempty"`

	// Only the rules of 2018 read these.
	HangType       int    `json:"hang_type,omitempty"`        // 1 is a hang of the browser, -1 of a plugin
	MozCrashReason string `json:"moz_crash_reason,omitempty"` // the assertion that failed
	JITCategory    string `json:"jit_category,omitempty"`     // what the crashing code does, when a compiler made it on the fly

	odd *oddCrash
}

// Thread is one thread's stack.
type Thread struct {
	Frames    []Frame `json:"frames"`
	LastError string  `json:"last_error_value,omitempty"` // Windows: "ERROR_NOT_ENOUGH_MEMORY"

	fault string // why the stack cannot be read; empty when it can
}

// Frame is one frame of a stack.
type Frame struct {
	Function        string           `json:"function,omitempty"` // demangled
	File            string           `json:"file,omitempty"`     // path, or "vcs:host/repo:path:revision"
	Line            int              `json:"line,omitempty"`     // from 1; 0 means unknown
	Module          string           `json:"module,omitempty"`   // file name
	ModuleOffset    string           `json:"module_offset,omitempty"`
	Offset          string           `json:"offset,omitempty"`  // address in hexadecimal, "0x7ff8c1b2d3e4"
	Inlines         []Inline         `json:"inlines,omitempty"` // functions inlined here, innermost first
	UnloadedModules []UnloadedModule `json:"unloaded_modules,omitempty"`

	odd *oddFrame
}

// Inline is a function that the compiler inlined into its frame.
type Inline struct {
	Function string `json:"function,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`

	odd *oddFrame
}

// UnloadedModule is a module that was in memory around the frame's address,
// but no more when the crash happened.
type UnloadedModule struct {
	Module  string   `json:"module"`
	Offsets []string `json:"offsets,omitempty"`
}

// oddCrash is what a decoded crash said that its fields cannot hold.
type oddCrash struct {
	faults map[string]string // by JSON name: why the value cannot be used
	// unknownThread: the stack walker did not say which thread crashed. The
	// rules of 2018 tell that from thread 0.
	unknownThread bool
	threadText    string // the crashing thread as it was given, when CrashingThread does not say it
	// missing is the part of the stack walker's report that is not there, as
	// Socorro's notes of 2018 name it: "threads", "system_info".
	missing string

	// oomNamed: the client gave an allocation size, but no number above zero
	// (a list, the text "0"). It still means that memory ran out.
	oomNamed bool
}

// oddFrame is what a decoded frame said that its fields cannot hold.
type oddFrame struct {
	fault          string // why the frame cannot be read; empty when it can
	line           string // the line as it stands, when Line does not say all
	hasLine        bool   // line counts as a line: Python's truth
	offsetVerbatim bool   // the offset is no hexadecimal text; show it as it is

	// Only the rules of 2018 look at these.
	normalised  *string // the frame as it was normalised once
	nullModule  bool    // the module is there and null
	emptyOffset bool    // the module offset is there and empty
}

// fault says why a field cannot be used. Empty when it can.
func (d *CrashData) fault(name string) string {
	if d.odd == nil {
		return ""
	}
	return d.odd.faults[name]
}

// thread gives the thread at an index that may count from the end, as Python's do.
func (d *CrashData) thread(index int) *Thread {
	if index < 0 {
		index += len(d.Threads)
	}
	if index < 0 || index >= len(d.Threads) {
		return nil
	}
	return &d.Threads[index]
}
