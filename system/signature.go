package system

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"socorro"
	"socorro/siglists"
	"socorro/signature"
)

// Signature is `socorro signature`.
type Signature struct {
	Format        string   `help:"Form of the answer: ${enum}." enum:"text,csv,markdown,json" default:"text"`
	DifferentOnly bool     `help:"Leave out crashes whose signature stays the same."`
	SigLists      string   `name:"siglists" aliases:"signature-list-dir" help:"Directory whose signature lists replace the built-in ones." placeholder:"DIR" env:"SOCORRO_SIGLISTS" type:"existingdir"`
	Pipeline      string   `help:"Rules of which year: ${enum}." enum:"2026,2018" default:"2026"`
	Compat        bool     `help:"Copy the mistakes of Socorro that are left out otherwise; docs/signatures.md lists them."`
	Host          string   `help:"Server whose API gives the crashes." default:"http://127.0.0.1:8000" env:"SOCORRO_HOST" placeholder:"URL"`
	Token         string   `help:"API token, sent as Auth-Token; better set in the environment." env:"SOCORRO_API_TOKEN" secret:"true"`
	Verbose       bool     `short:"v" help:"Tell how the signature came about."`
	CrashData     bool     `help:"Sign crash data from standard input, one JSON object per line, and write one JSON line for each."`
	IDs           []string `arg:"" optional:"" name:"crash-id" help:"Crash ids or URLs of reports; without any they are read from standard input, one per line."`
}

// Run signs crashes again and prints what they were and are called. Crashes
// that are not there are warned of, and the others follow.
func (c *Signature) Run(ctx context.Context, s Streams, k *kong.Context) error {
	generator, err := c.generator()
	if err != nil {
		return err
	}
	if c.CrashData {
		if len(c.IDs) > 0 {
			return usageError{errors.New("--crash-data reads standard input; leave the crash ids out")}
		}
		return signLines(ctx, s, generator, c.decoder())
	}
	server, err := newServer(c.Host, c.Token)
	if err != nil {
		return usageError{err}
	}
	out := newSignaturePrinter(c.Format, s.Out, c.Verbose)
	seen := false
	for text, err := range c.ids(ctx, s.In) {
		if err != nil {
			return err
		}
		if !seen {
			seen = true
			out.begin()
		}
		if err := c.one(ctx, s, server, generator, out, text); err != nil {
			return err
		}
	}
	if !seen {
		return k.PrintUsage(false)
	}
	return out.end()
}

func (c *Signature) generator() (*signature.Generator, error) {
	cfg := signature.Config{Pipeline: signature.Pipeline(c.Pipeline), Compat: c.Compat}
	if c.SigLists != "" {
		lists, err := siglists.Load(c.SigLists)
		if err != nil {
			return nil, err
		}
		cfg.Lists = lists
	}
	return signature.NewGenerator(cfg)
}

// ids yields the arguments, or else the lines of standard input. A terminal is
// no input: who types no id wants to know how.
func (c *Signature) ids(ctx context.Context, in io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range c.IDs {
			if !yield(id, nil) {
				return
			}
		}
		if len(c.IDs) > 0 || isTerminal(in) {
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		lines, done := make(chan string), make(chan error, 1)
		go func() {
			done <- eachLine(in, func(line []byte) bool {
				select {
				case lines <- string(line):
					return true
				case <-ctx.Done():
					return false
				}
			})
		}()
		for {
			select {
			case line := <-lines:
				if !yield(line, nil) {
					return
				}
			case err := <-done:
				if err != nil {
					yield("", fmt.Errorf("read crash ids: %w", err))
				}
				return
			case <-ctx.Done():
				yield("", ctx.Err())
				return
			}
		}
	}
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return in == nil
	}
	info, err := f.Stat()
	return err != nil || info.Mode()&os.ModeCharDevice != 0
}

// one signs one crash. Its error ends the run.
func (c *Signature) one(ctx context.Context, s Streams, server *apiServer, g *signature.Generator, out *signaturePrinter, text string) error {
	id, ok := reportID(text)
	if !ok {
		fmt.Fprintf(s.Err, "WARNING: Error: %s is not a valid crash id\n", text)
		return nil
	}
	crash, err := server.crashData(ctx, id, signature.Pipeline(c.Pipeline))
	if skip, ok := errors.AsType[*skipError](err); ok {
		fmt.Fprintf(s.Err, "WARNING: %s\n", skip.why)
		return nil
	}
	if errors.Is(err, errRateLimit) {
		fmt.Fprintln(s.Err, "WARNING: API rate limit reached. Wait a minute, or set SOCORRO_API_TOKEN.")
	}
	if err != nil {
		return err
	}
	result := g.Generate(crash)
	if c.DifferentOnly && result.Signature == crash.OriginalSignature {
		return nil
	}
	return out.crash(id, crash.OriginalSignature, result)
}

// reportID finds the crash id in what people paste: an id, or a report's URL.
func reportID(text string) (socorro.CrashID, bool) {
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil {
			return "", false
		}
		parts := strings.Split(u.Path, "/")
		at := slices.Index(parts, "index")
		if at < 1 || parts[at-1] != "report" || at+1 >= len(parts) {
			return "", false
		}
		text = parts[at+1]
	}
	id, err := socorro.ParseCrashID(text)
	return id, err == nil
}

// SignatureDoc is `socorro signature-doc`.
type SignatureDoc struct {
	Pipeline string `arg:"" optional:"" help:"Rules of which year: ${enum}." enum:"2026,2018" default:"2026"`
	Output   string `arg:"" optional:"" help:"File to write; without it standard output." type:"path"`
}

// Run writes the rules of a pipeline down.
func (c *SignatureDoc) Run(s Streams) error {
	text := signature.Pipeline(c.Pipeline).Document()
	if c.Output != "" {
		return os.WriteFile(c.Output, []byte(text), 0o644)
	}
	_, err := io.WriteString(s.Out, text)
	return err
}
