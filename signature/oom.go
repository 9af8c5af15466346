package signature

import (
	"errors"
	"slices"
	"strings"
)

// smallAllocation: a process that cannot get this much, in bytes, has no memory
// left, whoever asks. Larger requests may be the asker's fault.
const smallAllocation = 256 << 10

// oomFunctions are parts of functions that a program calls when memory ran out.
var oomFunctions = []string{
	"NS_ABORT_OOM", "mozalloc_handle_oom", "CrashAtUnhandlableOOM", "AutoEnterOOMUnsafeRegion", "alloc::oom::oom",
}

func outOfMemory(r *run) bool {
	in := r.in
	if in.OOMAllocationSize != nil && *in.OOMAllocationSize != 0 || in.odd != nil && in.odd.oomNamed {
		return true
	}
	if r.Signature == "" {
		return false
	}
	if slices.ContainsFunc(oomFunctions, func(f string) bool { return strings.Contains(r.Signature, f) }) {
		return true
	}
	if t := in.thread(in.CrashingThread); t != nil &&
		(t.LastError == "ERROR_COMMITMENT_LIMIT" || t.LastError == "ERROR_NOT_ENOUGH_MEMORY") {
		return true
	}
	return in.Reason == "STATUS_FATAL_MEMORY_EXHAUSTION" || in.Reason == "STATUS_NO_MEMORY" ||
		in.JSLargeAllocationFailure == "Reporting"
}

// prefixOOM drops the stack of small allocations: where memory ran out at last
// says nothing about where it went.
func prefixOOM(r *run) error {
	switch {
	case r.in.JSLargeAllocationFailure == "Reporting":
		r.set("OOM | large | " + r.Signature)
	case r.in.fault("oom_allocation_size") != "":
		return errors.New(r.in.fault("oom_allocation_size"))
	case r.in.OOMAllocationSize == nil:
		r.set("OOM | unknown | " + r.Signature)
	case *r.in.OOMAllocationSize <= smallAllocation:
		r.set("OOM | small")
	default:
		r.set("OOM | large | " + r.Signature)
	}
	return nil
}
