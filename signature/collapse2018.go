package signature

import "strings"

// collapser2018 replaces what stands in brackets as the code of 2018 did, which
// read the text once with a counter. A closing bracket that nobody opened takes
// the counter below zero, and what follows is lost: "T::operator->(int)" is
// "T::operator-". The lists of 2018 were written for such names.
type collapser2018 struct {
	open, shut byte
	begin, end string   // what stands for the brackets
	except     []string // texts around an opening bracket that leave it alone
}

func (c collapser2018) collapse(s string) string {
	if strings.IndexByte(s, c.open) < 0 && strings.IndexByte(s, c.shut) < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	level, kept := 0, false
	put := func(text string) {
		if level == 0 {
			b.WriteString(text)
		}
	}
	for i := range len(s) {
		switch {
		case s[i] == c.open && c.excepts(s[:i], s[i+1:]):
			kept = true
			put(s[i : i+1])
		case s[i] == c.open:
			put(c.begin)
			level++
		case s[i] == c.shut && kept:
			put(s[i : i+1])
			kept = false
		case s[i] == c.shut:
			level--
			put(c.end)
		default:
			put(s[i : i+1])
		}
	}
	return b.String()
}

func (c collapser2018) excepts(before, after string) bool {
	for _, text := range c.except {
		if strings.HasPrefix(after, text) || strings.HasSuffix(before, text) {
			return true
		}
	}
	return false
}

var (
	types2018     = collapser2018{'<', '>', "<", "T>", []string{"name omitted", "IPC::ParamTraits"}}
	arguments2018 = collapser2018{'(', ')', "", "", []string{"anonymous namespace", "operator"}}
	clones2018    = collapser2018{'[', ']', "", "", nil}
)

// normalise2018 names a function without template arguments and arguments.
// Return types and qualifiers stay, and Rust is read as C++.
func normalise2018(function string) string {
	s := arguments2018.collapse(types2018.collapse(function))
	if strings.Contains(s, "clone .cold") {
		s = clones2018.collapse(s)
	}
	return s
}
