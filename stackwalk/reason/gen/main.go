// Command gen puts a file of crash codes into the order in which package reason
// searches it: lines "group TAB value TAB name", value in 8 hex digits, sorted.
// To add a code, append its line, value as 0x… or 8 digits, and run
//
//	go generate ./stackwalk/reason
//
// It refuses a line that it does not understand and a value with two names.
package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen codes.tsv")
		os.Exit(2)
	}
	if err := rewrite(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func rewrite(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sorted, err := canonical(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(old, sorted) {
		return nil
	}
	return os.WriteFile(path, sorted, 0o644)
}

// canonical is text with its values in 8 digits, its lines sorted and its
// doubles removed.
func canonical(text string) ([]byte, error) {
	var lines []string
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 3 || f[0] == "" || f[2] == "" {
			return nil, fmt.Errorf("line %d: want group, value and name with tabs between them, have %q", i+1, line)
		}
		v, err := strconv.ParseUint(strings.TrimPrefix(f[1], "0x"), 16, 32)
		if err != nil {
			return nil, fmt.Errorf("line %d: value %q is not 32 bits of hex", i+1, f[1])
		}
		lines = append(lines, fmt.Sprintf("%s\t%08x\t%s", f[0], v, f[2]))
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	for i, line := range lines[1:] {
		key := line[:strings.LastIndexByte(line, '\t')+1]
		if strings.HasPrefix(lines[i], key) {
			return nil, fmt.Errorf("%q and %q have the same value", lines[i], line)
		}
	}
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}
