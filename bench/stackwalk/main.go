// Command stackwalk measures `socorro stackwalk` and, when it is installed, its
// peer minidump-stackwalk of rust-minidump, on the same dumps and symbols, in one
// run, and prints a table in Markdown. bench/stackwalk.sh builds and runs it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	var b bench
	oracle := flag.String("oracle", filepath.Join("..", "shared", "oracle"), "folder with the dumps and symbols")
	work := flag.String("work", "", "folder for 450 MB of symbols, kept; default: a temporary one")
	flag.StringVar(&b.program, "program", filepath.Join("bin", "socorro"), "the program to measure")
	flag.StringVar(&b.peer, "peer", "minidump-stackwalk", "its peer, left out when it is not there")
	flag.IntVar(&b.runs, "runs", 5, "how often to run each; the best counts")
	flag.IntVar(&b.copies, "copies", 8, "how often to replicate the large symbol file")
	flag.IntVar(&b.batch, "batch", 1000, "how many dumps the batch has")
	flag.Parse()
	if err := b.run(*oracle, *work, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/stackwalk:", err)
		os.Exit(1)
	}
}

// A bench is one run of all measurements.
type bench struct {
	program, peer       string
	runs, copies, batch int

	work  string
	small string // symbols as they are
	large string // symbols with the large file replicated
	out   io.Writer
}

func (b *bench) run(oracle, work string, out io.Writer) error {
	if work == "" {
		dir, err := os.MkdirTemp("", "bench-stackwalk-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		work = dir
	}
	b.work, b.out = work, out
	b.small, b.large = filepath.Join(work, "symbols"), filepath.Join(work, "large")
	if peer, err := exec.LookPath(b.peer); err == nil {
		b.peer = peer
	} else {
		fmt.Fprintf(out, "No peer: %v.\n\n", err)
		b.peer = ""
	}
	if err := b.unpack(filepath.Join(oracle, "stackwalk")); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	fmt.Fprint(out, "| case | ours: wall | CPU | memory | peer: wall | CPU | memory | wall | memory |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range b.cases() {
		if err := b.compare(c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return b.measureBatch()
}

// A measurement is a row of the table.
type measurement struct {
	name    string
	dump    string
	symbols string
	cache   string // directory for parsed symbols; "" for none
	cold    bool   // the cache is emptied before each run
}

func (b *bench) cases() []measurement {
	small, large := filepath.Join(b.work, "cache-small"), filepath.Join(b.work, "cache-large")
	return []measurement{
		{"heavy-mdsw (43 MB), first contact", "heavy-mdsw", b.small, "", false},
		{"… first contact, filling the cache", "heavy-mdsw", b.small, small, true},
		{"… cache warm", "heavy-mdsw", b.small, small, false},
		{fmt.Sprintf("the same × %d (%d MB), first contact", b.copies, b.largeMB()), "heavy-mdsw", b.large, "", false},
		{"… first contact, filling the cache", "heavy-mdsw", b.large, large, true},
		{"… cache warm", "heavy-mdsw", b.large, large, false},
		{"my-c_overflow (30,814 frames), first contact", "my-c_overflow", b.small, "", false},
		{"… cache warm", "my-c_overflow", b.small, small, false},
		{"my-cpp_threads (41 threads), first contact", "my-cpp_threads", b.small, "", false},
		{"… cache warm", "my-cpp_threads", b.small, small, false},
	}
}

func (b *bench) largeMB() int64 {
	var size int64
	files, _ := filepath.Glob(filepath.Join(b.large, "mdsw_dbg", "*", "*.sym"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			size += info.Size()
		}
	}
	return size / 1e6
}

// compare measures ours and the peer in turns, so that what else the machine does
// disturbs both.
func (b *bench) compare(c measurement) error {
	ours := []string{b.program, "stackwalk", "--json", "--compat", "--symbols-path", c.symbols}
	if c.cache != "" {
		ours = append(ours, "--symbols-cache", c.cache)
	}
	dump := filepath.Join(b.work, c.dump+".dmp")
	ours = append(ours, dump)
	var mine, theirs usage
	for range b.runs {
		if c.cold {
			if err := os.RemoveAll(c.cache); err != nil {
				return err
			}
		}
		if err := mine.measure(ours); err != nil {
			return err
		}
		if b.peer == "" {
			continue
		}
		if err := theirs.measure([]string{b.peer, "--json", "--symbols-path", c.symbols, dump}); err != nil {
			return err
		}
	}
	fmt.Fprintf(b.out, "| %s | %s | %s |", c.name, mine, theirs)
	if b.peer != "" {
		fmt.Fprintf(b.out, " %.3f | %.2f |", float64(mine.wall)/float64(theirs.wall), float64(mine.memory)/float64(theirs.memory))
	} else {
		fmt.Fprint(b.out, " | |")
	}
	fmt.Fprintln(b.out)
	return nil
}

// measureBatch walks many dumps in one process on one CPU, which the peer cannot.
func (b *bench) measureBatch() error {
	all, err := filepath.Glob(filepath.Join(b.work, "my-*.dmp"))
	if err != nil || len(all) == 0 {
		return errors.Join(err, errors.New("no dumps for the batch"))
	}
	var usual []string
	for _, dump := range all {
		if !strings.Contains(dump, "overflow") {
			usual = append(usual, dump)
		}
	}
	fmt.Fprint(b.out, "\n| batch in one process on one CPU, cache warm | dumps/s | memory |\n|---|---|---|\n")
	for _, c := range []struct {
		name  string
		dumps []string
	}{{"my-* but the overflow", usual}, {"my-*, every ninth an overflow of 27 MB JSON", all}} {
		args := []string{"env", "GOMAXPROCS=1", b.program, "stackwalk", "--json", "--compat", "--symbols-path", b.small, "--symbols-cache", filepath.Join(b.work, "cache-small")}
		for n := range b.batch {
			args = append(args, c.dumps[n%len(c.dumps)])
		}
		var u usage
		for range min(b.runs, 3) {
			if err := u.measure(args); err != nil {
				return err
			}
		}
		fmt.Fprintf(b.out, "| %d dumps: %s | %.0f | %s |\n", b.batch, c.name, float64(b.batch)/u.wall.Seconds(), u.size())
	}
	return nil
}
