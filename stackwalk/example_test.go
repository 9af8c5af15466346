package stackwalk_test

import (
	"context"
	"fmt"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// From a dump file to a stack; WriteJSON and WriteHuman give the whole report.
func Example() {
	dump, err := minidump.Open("../testdata/crashes/c_div0.dmp")
	if err != nil {
		panic(err)
	}
	defer dump.Close()
	report, err := stackwalk.Walk(context.Background(), dump, stackwalk.Options{
		Symbols: symbols.Dir{Roots: []string{"../testdata/symbols"}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(report.CrashInfo.Type)
	for _, f := range report.CrashingThread.Frames[:3] {
		fmt.Printf("%s!%s line %d, by %s\n", f.Module, f.Function, f.Line, f.Trust)
	}
	// Output:
	// SIGFPE / FPE_INTDIV
	// c_div0!divide line 3, by context
	// c_div0!calc line 4, by cfi
	// c_div0!main line 5, by cfi
}
