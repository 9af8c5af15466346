package system

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"socorro/siglists"
)

// Siglists is `socorro siglists`.
type Siglists struct {
	Check SiglistsCheck `cmd:"" help:"Check the signature lists of a directory, line by line."`
	Try   SiglistsTry   `cmd:"" help:"Sign stored crashes by changed lists, and tell which signatures split, merge or get another name."`
}

// SiglistsCheck is `socorro siglists check`.
type SiglistsCheck struct {
	Dir string `arg:"" help:"Directory with the lists." type:"existingdir"`
}

// Run tells what is in the lists. It fails when a line cannot be used; what is
// only strange is a warning.
func (c *SiglistsCheck) Run(s Streams) error {
	for _, name := range strangers(c.Dir) {
		fmt.Fprintf(s.Err, "WARNING: %s is no list; the lists are %s\n", filepath.Join(c.Dir, name), strings.Join(siglists.Names(), ", "))
	}
	lists, err := siglists.Load(c.Dir)
	if err != nil {
		return err
	}
	for _, list := range lists.All() {
		if list.Source == siglists.Embedded {
			fmt.Fprintf(s.Out, "%-40s not there: the built-in one is used, with %d entries\n", list.Name, len(list.Entries))
			continue
		}
		fmt.Fprintf(s.Out, "%-40s %d entries\n", list.Name, len(list.Entries))
		for _, twice := range list.Duplicates() {
			fmt.Fprintf(s.Err, "WARNING: %s line %d: %q is on line %d already\n", list.Source, twice.Line, twice.Text, twice.First)
		}
	}
	return nil
}

// strangers are text files that look like lists and are not read.
func strangers(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // loading the lists will say why
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".txt" && !slices.Contains(siglists.Names(), e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}
