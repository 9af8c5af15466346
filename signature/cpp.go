package signature

import (
	"errors"
	"strings"
	"unicode"
)

// errNoName is how a function fails that is nothing but a qualifier.
//
// Socorro raises an exception on such a frame ("const", seen where a demangler
// lost the name) and gives the whole stack up: no signature, no proto
// signature. So do we, for the same crashes have to get the same name.
var errNoName = errors.New("a function is nothing but a qualifier, its name is lost")

// normaliseCPP names a C or C++ function without what differs between builds
// and overloads: return type, arguments, template arguments, qualifiers. The
// number function puts a line number behind names that carry one.
func normaliseCPP(function string, number func(string) string) (string, error) {
	s := function
	for _, qualifier := range [...]string{"const", "const&", "const &", "&&", "&"} {
		if rest, ok := strings.CutSuffix(s, qualifier); ok {
			s = strip(rest)
		}
	}
	// "a::operator bool" and its like have a space in their name.
	if !strings.Contains(s, "::operator") {
		var ok bool
		if s, ok = dropPrefixAndReturnType(s); !ok {
			return "", errNoName
		}
	}
	s = strings.ReplaceAll(s, "`anonymous namespace'", "(anonymous namespace)")
	s = namelessLambda(s)
	s = cppTypes.collapse(s)
	s = cppArguments.collapse(s)
	if strings.Contains(s, "clone .cold") {
		s = clones.collapse(s)
	}
	return tidySpaces(number(s)), nil
}

var (
	cppTypes     = collapser{'<', '>', "<T>", keepCPPTypes(maxNested)}
	cppArguments = collapser{'(', ')', "", keepCPPArguments}
	clones       = collapser{'[', ']', "", nil}
)

// maxNested bounds how deep types are kept inside of kept types: each level
// reads the rest of the name again. Real names have one level.
const maxNested = 16

func keepCPPTypes(nested int) func(before, inside, whole string) (string, bool) {
	return func(before, inside, whole string) (string, bool) {
		switch {
		case inside == "name omitted":
		case strings.Contains(inside, " as ") || strings.Contains(inside, " in "):
			// A Rust function whose source file is not known: <A as B>::c.
		case strings.HasSuffix(before, "operator"):
			// operator<, operator<<, operator<=
		case strings.HasSuffix(before, "IPC::ParamTraits") && nested > 0:
			// Which type it serialises is the whole difference between these.
			types := collapser{'<', '>', "<T>", keepCPPTypes(nested - 1)}
			return "<" + types.collapse(inside) + strings.TrimPrefix(whole, "<"+inside), true
		default:
			return "", false
		}
		return whole, true
	}
}

func keepCPPArguments(before, inside, whole string) (string, bool) {
	return whole, whole == "(anonymous namespace)" || strings.HasSuffix(before, "operator")
}

// namelessLambda drops the number in "::$_12::", clang's name for a lambda: it
// changes when another lambda is added above.
func namelessLambda(s string) string {
	const open = "::$_"
	if !strings.Contains(s, open) {
		return s
	}
	var b strings.Builder
	for {
		at := strings.Index(s, open)
		if at < 0 {
			return b.String() + s
		}
		rest := strings.TrimLeftFunc(s[at+len(open):], unicode.IsDigit)
		if len(rest) == len(s)-at-len(open) || !strings.HasPrefix(rest, "::") {
			b.WriteString(s[:at+1])
			s = s[at+1:]
			continue
		}
		b.WriteString(s[:at] + "::$::")
		s = rest[len("::"):]
	}
}
