package signature

import (
	"bytes"
)

// rule is one step. A rule that fails leaves a note, and the next one runs with
// the signature as it was.
type rule struct {
	name  string          // as notes begin; Socorro's class name
	when  func(*run) bool // nil means always
	apply func(*run) error
	doc   string // for people who read or change signatures
}

// rules2026 is the pipeline of 2026. Order matters: each rule sees the
// signature that those above it made, and some replace it altogether.
var rules2026 = []rule{
	{
		generationRule, nil, generate,
		"Makes the first signature: of a Java stack trace if there is one, else of a Java exception, else of the first 40 frames " +
			"of the crashing thread (thread 0 when nobody knows which crashed). Functions that were inlined count as frames. The frames " +
			"start at the first sentinel, lose those on the irrelevant list, and end with the first one that is not on the prefix list.",
	},
	{
		"StackwalkerErrorSignatureRule", emptyWithStatus, appendStatus,
		"Puts the stack walker's status behind a signature that begins with ``EMPTY``: why there is no stack.",
	},
	{
		"BadHardware", aboutHardware, prefixBadHardware,
		"Puts ``bad hardware`` in front when the crash reason contains ``STATUS_DEVICE_DATA_ERROR``.",
	},
	{
		"OOMSignature", outOfMemory, prefixOOM,
		"Puts ``OOM | large`` or ``OOM | unknown`` in front when memory ran out, by the size that was asked for. At 256 KiB and less " +
			"the whole signature becomes ``OOM | small``.",
	},
	{
		"AbortSignature", aborted, prefixAbort,
		"Puts ``Abort |`` and the abort message in front, without source lines and at most 80 characters of it.",
	},
	{
		"SignatureShutdownTimeout", shutdownTimedOut, replaceByShutdown,
		"Replaces the signature by ``AsyncShutdownTimeout``, the phase that did not end, and what it waited for.",
	},
	{
		"SignatureRunWatchDog", watchdogFired, regenerateForThread0,
		"Makes the signature of thread 0 and puts ``shutdownhang`` in front when the signature contains ``RunWatchdog``: " +
			"the thread that crashed is the one that noticed the hang.",
	},
	{
		"SignatureIPCChannelError", ipcChannelFailed, replaceByIPCError,
		"Replaces the signature by ``IPCError-browser`` or ``IPCError-content`` and the first 100 characters of the channel's error.",
	},
	{
		"SignatureIPCMessageName", ipcMessageNamed, appendIPCMessage,
		"Puts ``IPC_Message_Name=`` and the name of the message that was handled behind the signature.",
	},
	{
		"StackOverflowSignature", stackOverflowed, prefixStackOverflow,
		"Puts ``stackoverflow`` in front when the crash reason is ``EXCEPTION_STACK_OVERFLOW``.",
	},
	{
		"HungProcess", hung, prefixHang,
		"Puts ``hang:`` and the kind of hang in front when the process was ended because it hung.",
	},
	{
		"SigPrintableCharsOnly", nil, keepPrintable,
		"Drops all characters but printable ASCII.",
	},
	{
		"SigFixWhitespace", nil, squeezeSpaces,
		"Drops spaces at both ends and makes one of several.",
	},
	{
		"SigTruncate", tooLong, truncate,
		"Cuts signatures of more than 255 characters after 252 and puts ``...`` behind.",
	},
}

const generationRule = "SignatureGenerationRule"

// generate makes the first signature: of a Java stack trace, else of a Java
// exception, else of the crashing thread.
func generate(r *run) error { return generateFrom(r, r.in.CrashingThread) }

func generateFrom(r *run, thread int) error {
	switch {
	case r.in.javaTrace():
		r.generateFromJavaTrace()
		return nil
	case r.in.java():
		return r.generateFromJavaException()
	}
	return r.generateFromThread(thread)
}

func (d *CrashData) javaTrace() bool {
	return d.JavaStackTrace != "" || d.fault("java_stack_trace") != ""
}

// java reports whether the signature is made of Java data, not of a thread.
func (d *CrashData) java() bool {
	switch string(bytes.TrimSpace(d.JavaException)) {
	case "", "null", "{}", "[]", `""`, "false", "0":
		return d.javaTrace() // Python takes these for no exception
	}
	return true
}
