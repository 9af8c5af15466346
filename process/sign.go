package process

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"socorro/signature"
	"socorro/stackwalk"
)

// A Signer names a crash.
type Signer interface {
	Generate(*signature.CrashData) signature.Result
}

// signedFrames is how many frames of a stack can take part in a signature.
const signedFrames = 40

// sign gives the crash its signature. It comes last: it reads what the others found.
func sign(signer Signer) func(context.Context, *State) error {
	return func(_ context.Context, s *State) error {
		result := signer.Generate(crashData(s))
		s.Crash.Signature = result.Signature
		s.Crash.ProtoSignature = result.ProtoSignature
		for _, n := range result.Notes {
			s.note("%s", n)
		}
		s.setText("signature_debug", strings.Join(result.Debug, "\n"))
		return nil
	}
}

// crashData is what signature generation looks at.
func crashData(s *State) *signature.CrashData {
	a := s.Raw.Annotations
	in := &signature.CrashData{
		AbortMessage:             a.Text("AbortMessage"),
		OOMAllocationSize:        wholeNumber(a.Text("OOMAllocationSize")),
		JSLargeAllocationFailure: a.Text("JSLargeAllocationFailure"),
		AsyncShutdownTimeout:     a.Text("AsyncShutdownTimeout"),
		IPCChannelError:          a.Text("ipc_channel_error"),
		IPCMessageName:           a.Text("IPCMessageName"),
		MDSWStatusString:         s.Crash.MDSWStatus,
	}
	if trace, ok := s.Crash.Other[javaTrace].(string); ok {
		in.JavaStackTrace = trace
	}
	if hang := a.Text("Hang"); hang != "" {
		in.Hang = &hang
	}
	if exception := a.Text("JavaException"); json.Valid([]byte(exception)) {
		in.JavaException = json.RawMessage(exception)
	}
	if names, ok := s.Crash.Other["additional_minidumps"].([]string); ok {
		in.AdditionalMinidumps = names
	}
	if s.Earlier != nil {
		in.OriginalSignature = s.Earlier.Signature
	}
	if s.Report != nil {
		addStacks(in, s.Report)
	}
	return in
}

// addStacks copies the crashing thread and the first one, which hangs are
// blamed on. The others keep their place, without frames.
func addStacks(in *signature.CrashData, r *stackwalk.Report) {
	in.OS = r.SystemInfo.OS
	in.Reason = r.CrashInfo.Type
	if r.CrashInfo.CrashingThread != nil {
		in.CrashingThread = *r.CrashInfo.CrashingThread
	}
	in.Threads = make([]signature.Thread, len(r.Threads))
	for _, i := range []int{0, in.CrashingThread} {
		if i < len(r.Threads) {
			in.Threads[i] = signedThread(r, &r.Threads[i])
		}
	}
}

// signedThread copies every text: the signer remembers names of functions, and
// one of a few bytes would keep a whole symbol table in memory.
func signedThread(r *stackwalk.Report, t *stackwalk.Thread) signature.Thread {
	out := signature.Thread{LastError: t.LastErrorValue}
	for i := range t.Frames[:min(len(t.Frames), signedFrames)] {
		f := &t.Frames[i]
		frame := signature.Frame{Offset: r.Hex(f.Offset)}
		if f.HasFunction {
			frame.Function = strings.Clone(f.Function)
		}
		if f.HasLine {
			frame.File, frame.Line = strings.Clone(f.File), int(f.Line)
		}
		if f.ModuleIndex >= 0 {
			frame.Module, frame.ModuleOffset = strings.Clone(f.Module), r.Hex(f.ModuleOffset)
		}
		for _, in := range f.Inlines {
			frame.Inlines = append(frame.Inlines, signature.Inline{Function: strings.Clone(in.Function), File: strings.Clone(in.File), Line: int(in.Line)})
		}
		for _, u := range f.UnloadedModules {
			frame.UnloadedModules = append(frame.UnloadedModules, signature.UnloadedModule{Module: u.Module})
		}
		out.Frames = append(out.Frames, frame)
	}
	return out
}

func wholeNumber(text string) *int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
