package system

import (
	"bufio"
	"context"
	"errors"
	"fmt"

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
		return usageError{errors.New("--pretty goes with --json")}
	}
	cache, err := symbolSuppliers(c.SymbolsPath, "", 0)
	if err != nil {
		return err
	}
	dump, err := minidump.Open(c.Dump)
	if format, ok := errors.AsType[*minidump.FormatError](err); ok {
		return fmt.Errorf("%s: %w", format.Name(), err)
	}
	if err != nil {
		return err
	}
	defer dump.Close()
	report, err := stackwalk.Walk(ctx, dump, stackwalk.Options{Symbols: cache})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(s.Out)
	if c.JSON {
		err = report.WriteJSON(out, c.Pretty)
	} else {
		err = report.WriteHuman(out, false)
	}
	return errors.Join(err, out.Flush())
}
