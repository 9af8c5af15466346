package system

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"

	"socorro/stackwalk"
	"socorro/stackwalk/minidump"
	"socorro/stackwalk/symbols"
)

// Stackwalk is `socorro stackwalk`.
type Stackwalk struct {
	Dumps []string `arg:"" name:"dump" help:"Minidumps. Several give one JSON object a line, in this order; one that cannot be read gives {\"error\",\"file\",\"status\"} and exit code 1 at the end."`

	Human  bool   `help:"Print text for people; the default." xor:"form"`
	JSON   bool   `help:"Print JSON (its shape: stackwalk/json.md)." xor:"form"`
	Cyborg string `help:"Print text for people, and write JSON to FILE." placeholder:"FILE" xor:"form" type:"path"`
	Dump   bool   `help:"Print what the streams of the minidump hold, without walking stacks." xor:"form"`

	Pretty     bool   `help:"Indent the JSON of a single dump."`
	Brief      bool   `help:"Print less: of text the crash and its thread, of --dump no memory."`
	OutputFile string `help:"Write to FILE instead of standard output." placeholder:"FILE" type:"path"`

	SymbolsPath  []string `help:"Directory of symbol files in Breakpad's layout, or a symbol file; repeatable, asked in order." placeholder:"PATH" sep:"none"`
	SymbolsURL   []string `help:"Symbol server with Tecken's layout, asked when no path has the file; repeatable." placeholder:"URL" sep:"none"`
	SymbolsCache string   `help:"Directory that keeps downloaded and parsed symbols for the next time; nothing is kept by default." placeholder:"DIR" type:"path"`

	EvilJSON  string `help:"Annotations that came with the dump, of which ModuleSignatureInfo and CPUMicrocodeVersion are used." placeholder:"FILE" type:"existingfile"`
	Compat    bool   `help:"Keep the known mistakes of rust-minidump (listed in docs/stackwalk.md) and print exactly what it prints."`
	MaxFrames int    `help:"Stop a stack after N frames; 0 means no limit but its size." placeholder:"N" default:"0"`
	Threads   int    `help:"Work on N dumps, or threads of one dump, at a time; 0 means one per CPU." placeholder:"N" default:"0"`

	extra []byte // of EvilJSON
}

// Validate says what is wrong with a combination of flags; kong calls it.
func (c *Stackwalk) Validate() error {
	writesJSON := c.JSON || c.Cyborg != ""
	switch {
	case c.Pretty && !writesJSON:
		return errors.New("--pretty goes with --json or --cyborg")
	case c.Pretty && len(c.Dumps) > 1:
		return errors.New("--pretty goes with one dump; several give one line of JSON each")
	case c.Brief && c.JSON:
		return errors.New("--brief goes with --human, --cyborg or --dump")
	case c.MaxFrames < 0:
		return errors.New("--max-frames wants a number of frames, or 0 for no limit")
	case c.Threads < 0:
		return errors.New("--threads wants a number of threads, or 0 for one per CPU")
	case c.OutputFile != "" && c.OutputFile == c.Cyborg:
		return errors.New("--cyborg and --output-file want two files")
	}
	return nil
}

// Run prints the report of each dump.
func (c *Stackwalk) Run(ctx context.Context, s Streams) (err error) {
	var find symbols.Supplier
	if !c.Dump {
		if find, err = c.symbols(); err != nil {
			return err
		}
	}
	if c.EvilJSON != "" {
		if c.extra, err = os.ReadFile(c.EvilJSON); err != nil {
			return err
		}
		if !json.Valid(c.extra) {
			return fmt.Errorf("--evil-json: %s is not JSON", c.EvilJSON)
		}
	}
	out, closeOut, err := output(c.OutputFile, s.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeOut()) }()
	js := out
	if c.Cyborg != "" {
		var closeJSON func() error
		if js, closeJSON, err = output(c.Cyborg, nil); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeJSON()) }()
	}
	to := printer{text: out, json: js}
	if len(c.Dumps) == 1 {
		if os.Getenv("GOGC") == "" {
			// For one dump most of the memory is what nobody collected yet.
			debug.SetGCPercent(50)
		}
		return c.one(ctx, c.Dumps[0], find, c.workers(), to)
	}
	return c.batch(ctx, find, to, s.Err)
}

// workers is how much is done at a time.
func (c *Stackwalk) workers() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// output is a buffered writer to a file, or to otherwise when there is none.
func output(path string, otherwise io.Writer) (*bufio.Writer, func() error, error) {
	if path == "" {
		w := bufio.NewWriter(otherwise)
		return w, w.Flush, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	w := bufio.NewWriter(f)
	return w, func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}

// A printer is where the text and the JSON of a dump go.
type printer struct{ text, json io.Writer }

// one prints one dump.
func (c *Stackwalk) one(ctx context.Context, path string, find symbols.Supplier, threads int, to printer) error {
	dump, err := minidump.Open(path)
	if err != nil {
		return fmt.Errorf("%s: %w", errorName(err), err)
	}
	defer dump.Close()
	if c.Dump {
		return stackwalk.WriteDump(to.text, dump, c.Brief)
	}
	report, err := stackwalk.Walk(ctx, dump, stackwalk.Options{
		Symbols: find, MaxFrames: c.MaxFrames, Threads: threads, Compat: c.Compat, EvilJSON: c.extra,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if c.JSON || c.Cyborg != "" {
		if err := report.WriteJSON(to.json, c.Pretty); err != nil {
			return err
		}
	}
	if !c.JSON {
		return report.WriteHuman(to.text, c.Brief)
	}
	return nil
}

// errorName is the kind of an error as other walkers print it.
func errorName(err error) string {
	if format, ok := errors.AsType[*minidump.FormatError](err); ok {
		return format.Name()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "FileNotFound"
	}
	return "IoError"
}
