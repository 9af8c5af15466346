package siglists

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// check parses one entry as a regular expression. The reason is empty when the
// entry can be used. Sentinels are checked as well, though they are compared
// letter by letter: Socorro refuses the same files, and a list that loads here
// shall load there.
func check(entry string) (tree *syntax.Regexp, reason string) {
	if len(entry) > maxLine {
		return nil, fmt.Sprintf("%d bytes long; at most %d are allowed", len(entry), maxLine)
	}
	if !utf8.ValidString(entry) {
		return nil, "not valid UTF-8; save the file as UTF-8"
	}
	if reason := pythonOnly(entry); reason != "" {
		return nil, reason
	}
	tree, err := syntax.Parse(entry, syntax.Perl)
	if err != nil {
		return nil, fmt.Sprintf("not a regular expression: %v", err)
	}
	return tree.Simplify(), ""
}

// groups are Python's "(?" forms that Go's regular expressions lack. A line is
// matched in time linear in the frame's length; these forms cannot be.
var groups = []struct{ open, reason string }{
	{"(?=", "looks ahead, which Go's regular expressions cannot; write the text itself, a frame is matched from its start and may go on after the match"},
	{"(?!", "excludes by looking ahead, which Go's regular expressions cannot; list the wanted frames instead"},
	{"(?<=", "looks behind, which Go's regular expressions cannot; write the text itself"},
	{"(?<!", "excludes by looking behind, which Go's regular expressions cannot; list the wanted frames instead"},
	{"(?P=", "refers back to a group, which Go's regular expressions cannot; write the text twice"},
	{"(?(", "depends on another group, which Go's regular expressions cannot; write two lines"},
	{"(?>", "is an atomic group, which Go's regular expressions lack; write (?:...), it matches the same frames or more"},
	{"(?#", "is a comment inside an expression; put it on a line of its own that starts with #"},
}

func pythonOnly(entry string) string {
	inClass := false
	for i := 0; i < len(entry); i++ {
		switch c := entry[i]; {
		case c == '\\' && i+1 < len(entry):
			i++
			if reason := pythonEscape(entry[i], inClass); reason != "" {
				return reason
			}
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
			// "[]a]" and "[^]a]": a bracket right after the opening one is an ordinary character.
			if strings.HasPrefix(entry[i+1:], "^") {
				i++
			}
			if strings.HasPrefix(entry[i+1:], "]") {
				i++
			}
		case c == '(':
			for _, g := range groups {
				if strings.HasPrefix(entry[i:], g.open) {
					return fmt.Sprintf("%q %s", g.open, g.reason)
				}
			}
		case c == '+' && i > 0 && strings.IndexByte("*+?}", entry[i-1]) >= 0 && !escaped(entry, i-1):
			return fmt.Sprintf("%q is a possessive repetition, which Go's regular expressions lack; leave the last + out", entry[i-1:i+1])
		}
	}
	return ""
}

func pythonEscape(c byte, inClass bool) string {
	switch {
	case c >= '1' && c <= '9' && !inClass:
		return fmt.Sprintf(`"\%c" refers back to a group, which Go's regular expressions cannot; write the text twice`, c)
	case c == 'Z':
		return `"\Z" is Python's end of text; write $`
	case c == 'Q':
		// Go knows it, and would quote what is put around the entry as well.
		return `"\Q" quotes a text, which Python lacks; put a backslash before each special character`
	}
	return ""
}

// escaped reports whether an odd number of backslashes stands before entry[i].
func escaped(entry string, i int) bool {
	odd := false
	for i--; i >= 0 && entry[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}
