package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"socorro"
	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// What mdsw_status_string says beside the names of the minidump reader's errors.
const (
	statusOK         = "OK"
	statusNoMinidump = "NoMinidump" // the upload had none
)

// A Walker makes a report of a minidump. The report may point into the dump,
// so release is called when both are done with; it is nil with an error.
type Walker interface {
	Walk(ctx context.Context, path string, raw *socorro.RawCrash) (report *stackwalk.Report, release func() error, err error)
}

// StackWalker walks with our own stack walker.
type StackWalker struct {
	Symbols symbols.Supplier // nil: none
	Threads int              // walked at a time in one dump; 0 means one per CPU
}

// Walk opens the minidump and walks its stacks. An error of kind
// [*minidump.FormatError] means that the file is damaged or no minidump.
func (w StackWalker) Walk(ctx context.Context, path string, raw *socorro.RawCrash) (*stackwalk.Report, func() error, error) {
	dump, err := minidump.Open(path)
	if err != nil {
		return nil, nil, err
	}
	// What the client said of signed modules and of the processor is in its annotations.
	extra := socorro.Annotations{}
	for _, key := range []string{"ModuleSignatureInfo", "CPUMicrocodeVersion"} {
		if v, ok := raw.Annotations[key]; ok {
			extra[key] = v
		}
	}
	evil, err := json.Marshal(extra)
	if err != nil {
		return nil, nil, errors.Join(err, dump.Close())
	}
	report, err := stackwalk.Walk(ctx, dump, stackwalk.Options{Symbols: w.Symbols, Threads: w.Threads, EvilJSON: evil})
	if err != nil {
		return nil, nil, errors.Join(err, dump.Close())
	}
	return report, dump.Close, nil
}

// hashMinidump identifies the dump by its content. The collector has done it
// for new crashes; old ones come without.
func hashMinidump(_ context.Context, s *State) error {
	d, ok := s.dump(socorro.MainDump)
	if !ok {
		return nil
	}
	if sum := s.Raw.Metadata.DumpChecksums[socorro.MainDump]; len(sum) == hex.EncodedLen(sha256.Size) {
		s.Crash.MinidumpSHA256 = sum
		return nil
	}
	f, err := os.Open(d.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	s.Crash.MinidumpSHA256 = hex.EncodeToString(h.Sum(nil))
	return nil
}

// walk makes the report of the main dump. A dump that cannot be read is not a
// failure of ours: the status and a note say what is wrong with it.
func walk(w Walker) func(context.Context, *State) error {
	return func(ctx context.Context, s *State) error {
		d, ok := s.dump(socorro.MainDump)
		if !ok {
			s.Crash.MDSWStatus = statusNoMinidump
			s.note("the upload has no minidump (%s)", socorro.MainDump)
			return nil
		}
		report, release, err := w.Walk(ctx, d.Path, s.Raw)
		if format, damaged := errors.AsType[*minidump.FormatError](err); damaged {
			s.Crash.MDSWStatus = format.Name()
			s.note("%s: %s: %s", d.Name, format.Name(), format)
			return nil
		}
		if err != nil {
			s.Crash.MDSWStatus = "unknown error"
			return err
		}
		s.Report, s.release = report, release
		s.Crash.MDSWStatus = report.Status
		for _, w := range report.Warnings {
			s.note("%s: %s", d.Name, w)
		}
		return nil
	}
}

// additionalMinidumps walks the dumps of other processes that came along, such
// as the browser's in a crash of one of its children.
func additionalMinidumps(w Walker) func(context.Context, *State) error {
	return func(ctx context.Context, s *State) error {
		names := []string{}
		for _, d := range s.Dumps {
			if !strings.HasPrefix(d.Name, socorro.MainDump+"_") {
				continue
			}
			names = append(names, d.Name)
			result := map[string]any{"mdsw_status_string": statusOK}
			report, release, err := w.Walk(ctx, d.Path, s.Raw)
			if format, damaged := errors.AsType[*minidump.FormatError](err); damaged {
				result["mdsw_status_string"] = format.Name()
				s.note("%s: %s: %s", d.Name, format.Name(), format)
			} else if err != nil {
				return fmt.Errorf("walk %s: %w", d.Name, err)
			} else {
				truncateStacks(report)
				guard(report)
				dump, err := report.MarshalJSON()
				if err := errors.Join(err, release()); err != nil {
					return fmt.Errorf("walk %s: %w", d.Name, err)
				}
				result["json_dump"] = json.RawMessage(dump)
			}
			s.set(d.Name, result)
		}
		slices.Sort(names)
		s.set("additional_minidumps", names)
		return nil
	}
}

// crashInfo copies why and where it crashed.
func crashInfo(_ context.Context, s *State) error {
	p, info := s.Crash, s.Report.CrashInfo
	p.Reason = info.Type
	p.Address = address(s.Report)
	p.CrashingThread = info.CrashingThread
	if info.CrashingThread == nil {
		s.note("MDSW did not identify the crashing thread")
	}
	if t := s.Report.CrashingThread; t != nil {
		p.CrashingThreadName = t.ThreadName
		if t.LastErrorValue != "" {
			s.set("last_error_value", t.LastErrorValue)
		}
	}
	s.set("thread_count", len(s.Report.Threads))
	return nil
}

// A report longer than keepFrames frames in a thread says the same thing
// thousands of times: a stack overflow. What is cut is in the dump still.
const (
	keepFrames = 500
	keepTop    = 250
	keepBottom = keepFrames - keepTop - 1
)

// shortenStacks cuts the middle out of endless recursions, which would be tens
// of megabytes of JSON.
func shortenStacks(_ context.Context, s *State) error {
	for thread, n := range truncateStacks(s.Report) {
		s.note("thread %d: %d frames of its middle are left out", thread, n)
	}
	return nil
}

// truncateStacks returns how many frames each shortened thread lost.
func truncateStacks(r *stackwalk.Report) map[int]int {
	cut := map[int]int{}
	for i := range r.Threads {
		frames := r.Threads[i].Frames
		if len(frames) <= keepFrames {
			continue
		}
		cut[i] = len(frames) - keepTop - keepBottom
		r.Threads[i].Frames = slices.Concat(frames[:keepTop:keepTop], frames[len(frames)-keepBottom:])
		r.Threads[i].Truncated = true
	}
	return cut
}

// jsonDump keeps the whole report, but for what must not be in a public field.
func jsonDump(_ context.Context, s *State) error {
	if notes := s.Report.CrashpadJSON(); notes != nil {
		s.set("crashpad_info", notes)
	}
	guard(s.Report)
	data, err := s.Report.MarshalJSON()
	s.Crash.JSONDump = data
	return err
}

// guard takes out of a report what not everybody may see: Crashpad's annotations,
// which are in a protected field, and where this machine keeps its symbols.
func guard(r *stackwalk.Report) {
	r.Crashpad = nil
	for i := range r.Modules {
		m := &r.Modules[i]
		m.Lookup.Tried = slices.Clone(m.Lookup.Tried) // all crashes of a module share the list
		for n, place := range m.Lookup.Tried {
			short := shortPlace(place)
			m.Lookup.Tried[n] = short
			m.SymbolsError = strings.ReplaceAll(m.SymbolsError, place, short)
		}
		m.Lookup.Found = shortPlace(m.Lookup.Found)
	}
}

// shortPlace is the part of a symbol file's path that says which it is: name, id
// and name again. URLs stay whole.
func shortPlace(place string) string {
	if strings.Contains(place, "://") {
		return place
	}
	parts := strings.Split(filepath.ToSlash(place), "/")
	return strings.Join(parts[max(0, len(parts)-3):], "/")
}

// stackFacts picks what searches ask of a stack: the topmost source file, the
// modules on the crashing stack, and those whose symbols are missing.
func stackFacts(_ context.Context, s *State) error {
	var onStack, missing []string
	seen := map[int]bool{}
	if t := s.Report.CrashingThread; t != nil {
		for _, f := range t.Frames {
			if f.ModuleIndex >= 0 && !seen[f.ModuleIndex] {
				seen[f.ModuleIndex] = true
				m := s.Report.Modules[f.ModuleIndex]
				onStack = append(onStack, m.Filename+"/"+m.DebugID)
			}
		}
		s.setText("topmost_filenames", topmostFile(t))
	}
	for _, m := range s.Report.Modules {
		if m.MissingSymbols {
			missing = append(missing, strings.Join([]string{m.Filename, m.Version, m.DebugID}, "/"))
		}
	}
	slices.Sort(onStack)
	slices.Sort(missing)
	s.setText("modules_in_stack", strings.Join(onStack, ";"))
	s.setText("missing_symbols", strings.Join(slices.Compact(missing), ";"))
	return nil
}

func topmostFile(t *stackwalk.Thread) string {
	for _, f := range t.Frames {
		for _, in := range f.Inlines {
			if in.File != "" {
				return in.File
			}
		}
		if f.File != "" {
			return f.File
		}
	}
	return ""
}

func (s *State) setText(field, value string) {
	if value != "" {
		s.set(field, value)
	}
}

// address is what the crash was about, as text of the CPU's pointer width.
func address(r *stackwalk.Report) string {
	if r.CrashInfo.Address == nil {
		return ""
	}
	return r.Hex(*r.CrashInfo.Address)
}
