package minidump_test

import (
	"fmt"

	"socorro/stackwalk/minidump"
)

func ExampleOpen() {
	dump, err := minidump.Open("testdata/my-rs_segv.dmp")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer dump.Close()

	version, _ := dump.System.OSVersion()
	fmt.Println(dump.System.OS, version, dump.System.CPU)
	fmt.Println("signal", dump.Exception.Code, "in thread", dump.Exception.ThreadID)
	if i, ok := dump.ModuleAt(dump.Exception.Context.IP()); ok {
		m := &dump.Modules[i]
		fmt.Println("at", m.DebugID, "+", dump.Exception.Context.IP()-m.Base)
	}
	// Output:
	// Linux 6.18.44-fc-v669 amd64
	// signal 11 in thread 28166
	// at DE403E8EB88009C80F51FEAA758100590 + 98928
}

func ExamplePairs() {
	text := []byte("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n")
	for key, value := range minidump.Pairs(text, '=') {
		fmt.Println(key, "is", value)
	}
	// Output:
	// NAME is Debian GNU/Linux
	// VERSION_ID is 12
}
