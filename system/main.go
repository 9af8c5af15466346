// Package system puts the parts together: configuration, command line, wiring
// of stores, actors and pages, start and graceful stop. It is the only package
// that knows who stands behind an interface. It holds no logic of a crash's way.
package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes of the program. Scripts depend on them.
const (
	exitOK     = 0
	exitFailed = 1 // it was understood, and did not work
	exitUsage  = 2 // the command line is wrong
)

// CommandLine is every command and flag of the program; `socorro --help` and
// docs/config.md are made from it.
type CommandLine struct {
	Serve        Serve        `cmd:"" help:"Run the server: collector, processor, dashboard and API."`
	Submit       Submit       `cmd:"" help:"Post a minidump or a saved upload to a collector and print its reply."`
	Stackwalk    Stackwalk    `cmd:"" help:"Print the stacks of a minidump."`
	Requeue      Requeue      `cmd:"" help:"Process parked, deferred or processed crashes again."`
	Parked       Parked       `cmd:"" help:"List what was given up, with the reason, and release it."`
	Signature    Signature    `cmd:"" help:"Sign crashes again: what were they called, what are they called now."`
	SignatureDoc SignatureDoc `cmd:"" help:"Write down the signature rules."`
	Siglists     Siglists     `cmd:"" help:"Check signature lists, and try changed ones on stored crashes."`
	Version      Version      `cmd:"" help:"Print the version."`
	Docs         Docs         `cmd:"" hidden:"" help:"Write a generated document."`
}

// Streams are the program's standard streams.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// exitRequest ends the program from within kong, which asks for it after --help.
type exitRequest int

// Main runs the program with the arguments behind its name and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if v := recover(); v != nil {
			request, ok := v.(exitRequest)
			if !ok {
				panic(v)
			}
			code = int(request)
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var cli CommandLine
	parser, err := kong.New(&cli,
		kong.Name("socorro"),
		kong.Description("Crash reports of native software: collected, processed, grouped by signature and shown."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exitRequest(code)) }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(Streams{In: stdin, Out: stdout, Err: stderr}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "socorro: %v\n", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		return wrongUsage(err, stderr)
	}
	if err := command.Run(); err != nil {
		if usage, ok := errors.AsType[usageError](err); ok {
			return wrongUsage(usage, stderr)
		}
		fmt.Fprintf(stderr, "socorro %s: %v\n", command.Command(), err)
		return exitFailed
	}
	return exitOK
}

// usageError is a wrong command line that kong's parser could not see.
type usageError struct{ error }

func wrongUsage(err error, stderr io.Writer) int {
	fmt.Fprintf(stderr, "socorro: %v\nTry 'socorro --help'.\n", err)
	return exitUsage
}
