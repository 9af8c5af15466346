package systemtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"socorro/system/systemtest"
)

// program is the binary that all tests start.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if program, err = systemtest.Build(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(filepath.Dir(program))
		return m.Run()
	}())
}
