package signature

import "bytes"

// rule is one step. A rule that fails leaves a note, and the next one runs with
// the signature as it was.
type rule struct {
	name  string          // as notes begin; Socorro's class name
	when  func(*run) bool // nil means always
	apply func(*run) error
}

// rules2026 is the pipeline of 2026. Order matters: each rule sees the
// signature that those above it made, and some replace it altogether.
var rules2026 = []rule{
	{generationRule, nil, generate},
	{"StackwalkerErrorSignatureRule", emptyWithStatus, appendStatus},
	{"BadHardware", aboutHardware, prefixBadHardware},
	{"OOMSignature", outOfMemory, prefixOOM},
	{"AbortSignature", aborted, prefixAbort},
	{"SignatureShutdownTimeout", shutdownTimedOut, replaceByShutdown},
	{"SignatureRunWatchDog", watchdogFired, regenerateForThread0},
	{"SignatureIPCChannelError", ipcChannelFailed, replaceByIPCError},
	{"SignatureIPCMessageName", ipcMessageNamed, appendIPCMessage},
	{"StackOverflowSignature", stackOverflowed, prefixStackOverflow},
	{"HungProcess", hung, prefixHang},
	{"SigPrintableCharsOnly", nil, keepPrintable},
	{"SigFixWhitespace", nil, squeezeSpaces},
	{"SigTruncate", tooLong, truncate},
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
