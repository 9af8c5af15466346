// Package stackwalk makes a report of a minidump: why the process died, and for
// each thread the functions, files and lines that were running.
//
//	dump, err := minidump.Open("crash.dmp")
//	…
//	report, err := stackwalk.Walk(ctx, dump, stackwalk.Options{
//		Symbols: symbols.Dir{Roots: []string{"symbols"}},
//	})
//	…
//	err = report.WriteJSON(os.Stdout, true)
//
// [Walk] reads the dump (package minidump), finds each frame's caller (package
// unwind) and gives it a name (package symbols). The JSON is that of
// rust-minidump's minidump-stackwalk, byte for byte where both know something;
// json.md in this folder describes it. A report that lacks symbols is still a
// report: missing symbols are never an error.
//
// Dumps and symbol files are hostile: whatever they say, Walk ends, within the
// memory that [Options] allows.
package stackwalk
