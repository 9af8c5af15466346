// Package siglists holds the five lists that steer signature generation: which
// frames start a signature, which are noise, which are followed by the next
// frame, and which carry their line number.
//
// The lists that come with the program are embedded text files, written for
// crashes of any product. An operator overrides them, file by file, with a
// directory of their own; Mozilla's lists of any year load unchanged.
//
// A list is text, one entry a line, blank lines and lines that start with '#'
// left out. An entry of a sentinel list is the exact text of a frame. An entry
// of every other list is a regular expression that must match at the start of
// a frame and may end anywhere in it, as in Python's re.match. Go's regular
// expressions have no look-around and no backreferences; lines that need them
// are refused with the reason.
//
// A [Lists] never changes after loading and is safe for concurrent use.
package siglists

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// File names of the lists, in an override directory as in the program.
const (
	SentinelsFile   = "signature_sentinels.txt"
	IrrelevantFile  = "irrelevant_signature_re.txt"
	PrefixFile      = "prefix_signature_re.txt"
	TrimDLLFile     = "trim_dll_signature_re.txt"
	LineNumbersFile = "signatures_with_line_numbers_re.txt"
)

// Names are the file names of the lists.
func Names() []string {
	return []string{SentinelsFile, IrrelevantFile, PrefixFile, TrimDLLFile, LineNumbersFile}
}

// Embedded is the Source of a list that came with the program.
const Embedded = "embedded"

// Bounds of one file. Mozilla's longest list has 17 kB and its longest line 110 characters.
const (
	maxFile = 4 << 20
	maxLine = 4096
)

//go:embed *.txt
var embedded embed.FS

// Lists is one set of the five lists.
type Lists struct {
	Sentinels   *List // exact frames at which a signature starts
	Irrelevant  *List // frames left out
	Prefix      *List // frames kept, and the next one is wanted as well
	TrimDLL     *List // frames cut at '@' and merged with equal neighbours (rules of 2018 only)
	LineNumbers *List // functions that carry ":line"
}

// Default gives the lists that come with the program.
func Default() *Lists { return defaults() }

var defaults = sync.OnceValue(func() *Lists {
	lists, err := load(embedded, Embedded, nil)
	if err != nil {
		panic(err) // the embedded lists are checked by this package's tests
	}
	return lists
})

// Load reads the lists of a directory. A file that is not there falls back to
// the embedded one; [Lists.FromProgram] names those. The error joins one
// [LineError] for every bad line of every file, or says what stopped reading.
func Load(dir string) (*Lists, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("siglists: open directory %s: %w", dir, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("siglists: open directory %s: it is a file; name the directory that holds the lists", dir)
	}
	return load(os.DirFS(dir), dir, Default())
}

// FromProgram names the files that the directory of [Load] did not have, so
// that the embedded lists stand in for them.
func (l *Lists) FromProgram() []string {
	var names []string
	for _, list := range l.All() {
		if list.Source == Embedded {
			names = append(names, list.Name)
		}
	}
	return names
}

// All gives the five lists in the order of [Names].
func (l *Lists) All() []*List {
	return []*List{l.Sentinels, l.Irrelevant, l.Prefix, l.TrimDLL, l.LineNumbers}
}

func load(fsys fs.FS, dir string, fallback *Lists) (*Lists, error) {
	var lists Lists
	var problems []error
	for _, slot := range []struct {
		name string
		list **List
		from func(*Lists) *List
	}{
		{SentinelsFile, &lists.Sentinels, func(l *Lists) *List { return l.Sentinels }},
		{IrrelevantFile, &lists.Irrelevant, func(l *Lists) *List { return l.Irrelevant }},
		{PrefixFile, &lists.Prefix, func(l *Lists) *List { return l.Prefix }},
		{TrimDLLFile, &lists.TrimDLL, func(l *Lists) *List { return l.TrimDLL }},
		{LineNumbersFile, &lists.LineNumbers, func(l *Lists) *List { return l.LineNumbers }},
	} {
		list, err := loadFile(fsys, dir, slot.name)
		if errors.Is(err, fs.ErrNotExist) && fallback != nil {
			list, err = slot.from(fallback), nil
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		*slot.list = list
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &lists, nil
}

func loadFile(fsys fs.FS, dir, name string) (*List, error) {
	source := Embedded
	if dir != Embedded {
		source = filepath.Join(dir, name)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("siglists: open %s: %w", source, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("siglists: read %s: %w", source, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("siglists: read %s: it is larger than %d bytes; a list is a short text file", source, maxFile)
	}
	return Parse(name, source, text)
}

// Entry is one line of a list.
type Entry struct {
	Line int    // counted from 1
	Text string // the regular expression, or a sentinel's frame
}

// List is one list. Use [Parse] to make one.
type List struct {
	Name    string // file name, such as "prefix_signature_re.txt"
	Source  string // path of the file, or Embedded
	Entries []Entry

	matcher matcher
	exact   map[string]int // text to line
}

// Parse reads one list. The source says where it came from: a path, or
// Embedded. The error joins one [LineError] for every bad line.
func Parse(name, source string, text []byte) (*List, error) {
	list := &List{Name: name, Source: source, exact: map[string]int{}}
	file := source
	if source == Embedded {
		file = name
	}
	// Editors on Windows like to begin a file with a byte order mark.
	text = bytes.TrimPrefix(text, []byte("\ufeff"))

	var problems []error
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		entry := strings.TrimFunc(line, unicode.IsSpace)
		if entry == "" || entry[0] == '#' {
			continue
		}
		tree, reason := check(entry)
		if reason != "" {
			problems = append(problems, &LineError{File: file, Line: number, Text: entry, Reason: reason})
			continue
		}
		list.Entries = append(list.Entries, Entry{Line: number, Text: entry})
		if _, twice := list.exact[entry]; !twice {
			list.exact[entry] = number
		}
		list.matcher.add(entry, number, tree)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return list, nil
}

// Match reports whether an entry matches at the start of the frame.
func (l *List) Match(frame string) bool { return l.matcher.match(frame) }

// Which gives the first entry that matches at the start of the frame. It is
// slower than [List.Match]: use it to explain a signature.
func (l *List) Which(frame string) (Entry, bool) {
	line, ok := l.matcher.which(frame)
	if !ok {
		return Entry{}, false
	}
	for _, e := range l.Entries {
		if e.Line == line {
			return e, true
		}
	}
	return Entry{}, false
}

// Has reports whether an entry is exactly the frame, letter by letter.
func (l *List) Has(frame string) bool {
	_, ok := l.exact[frame]
	return ok
}

// Duplicate is an entry that stands in its list before.
type Duplicate struct {
	Entry
	First int // line on which it stands already
}

// Duplicates lists the entries that are in the list more than once. They do no
// harm, but who edits one of them wonders why nothing changes.
func (l *List) Duplicates() []Duplicate {
	var twice []Duplicate
	for _, e := range l.Entries {
		if first := l.exact[e.Text]; first != e.Line {
			twice = append(twice, Duplicate{e, first})
		}
	}
	return twice
}

// LineError is a line of a list that cannot be used.
type LineError struct {
	File   string // path, or the name of an embedded list
	Line   int    // counted from 1
	Text   string
	Reason string // what is wrong and what to write instead
}

func (e *LineError) Error() string {
	text := e.Text
	if len(text) > 200 {
		cut := 200
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	return fmt.Sprintf("siglists: %s line %d: %q: %s", e.File, e.Line, text, e.Reason)
}
