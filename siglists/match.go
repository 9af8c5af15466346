package siglists

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// matcher answers whether any entry matches at the start of a frame.
//
// The plain way, one alternation ^(?:a|b|...), costs Go's regexp 20 to 50 µs
// for a frame and a list of 300, which is most of a signature. But nearly every
// entry begins with one of a few literal texts, and most are nothing else. So
// entries hang in a trie under these texts: a walk down the frame finds the
// ones whose text is there, and only those that say more run as regular
// expressions. What is left runs when the frame has the text that the entry
// cannot do without, such as "_abort" in ".*_abort$".
type matcher struct {
	nodes []node
	rest  []compiled
}

type node struct {
	bytes string  // next bytes, parallel to next
	next  []int32 // index of the node for each of bytes
	whole int     // line of an entry that is this text and may go on; 0 for none
	ends  int     // line of an entry that is this text and the frame's end; 0 for none
	tails []compiled
}

type compiled struct {
	line int
	need string // a text in every match; "" when none is known
	re   *regexp.Regexp
}

// maxTexts bounds the texts under which one entry hangs.
const maxTexts = 64

func (m *matcher) add(entry string, line int, tree *syntax.Regexp) {
	if len(m.nodes) == 0 {
		m.nodes = []node{{}}
	}
	body, ends := tree, false
	if n := len(tree.Sub); tree.Op == syntax.OpConcat && tree.Sub[n-1].Op == syntax.OpEndText {
		body, ends = &syntax.Regexp{Op: syntax.OpConcat, Sub: tree.Sub[:n-1]}, true
	}
	starts := startsOf(body)
	if !starts.exact && starts.has("") {
		m.rest = append(m.rest, compile(entry, line, tree))
		return
	}
	var tail compiled
	if !starts.exact {
		tail = compile(entry, line, tree)
	}
	for _, text := range starts.texts {
		at := m.descend(text)
		n := &m.nodes[at]
		switch {
		case !starts.exact:
			n.tails = append(n.tails, tail)
		case ends && n.ends == 0:
			n.ends = line
		case !ends && n.whole == 0:
			n.whole = line
		}
	}
}

func compile(entry string, line int, tree *syntax.Regexp) compiled {
	re := regexp.MustCompile(`\A(?:` + entry + `)`) // the entry was parsed by check
	return compiled{line, needed(tree), re}
}

// descend gives the index of a text's node, made if need be.
func (m *matcher) descend(text string) int32 {
	at := int32(0)
	for i := range len(text) {
		k := strings.IndexByte(m.nodes[at].bytes, text[i])
		if k < 0 {
			m.nodes = append(m.nodes, node{})
			k = len(m.nodes[at].next)
			m.nodes[at].bytes += text[i : i+1]
			m.nodes[at].next = append(m.nodes[at].next, int32(len(m.nodes)-1))
		}
		at = m.nodes[at].next[k]
	}
	return at
}

func (m *matcher) match(frame string) bool {
	found := false
	m.visit(frame, func(int) bool {
		found = true
		return false
	})
	return found
}

// which gives the line of the first entry, in the order of the file, that matches.
func (m *matcher) which(frame string) (line int, ok bool) {
	m.visit(frame, func(l int) bool {
		if !ok || l < line {
			line, ok = l, true
		}
		return true
	})
	return line, ok
}

// visit calls yield with the lines of the entries that match, until it says
// false. An entry that matches in several ways may come more than once.
func (m *matcher) visit(frame string, yield func(line int) bool) {
	if len(m.nodes) == 0 {
		return
	}
	n := &m.nodes[0]
	for i := 0; ; i++ {
		if n.whole != 0 && !yield(n.whole) {
			return
		}
		for j := range n.tails {
			if t := &n.tails[j]; t.match(frame) && !yield(t.line) {
				return
			}
		}
		if i == len(frame) {
			if n.ends != 0 && !yield(n.ends) {
				return
			}
			break
		}
		k := strings.IndexByte(n.bytes, frame[i])
		if k < 0 {
			break
		}
		n = &m.nodes[n.next[k]]
	}
	for j := range m.rest {
		if c := &m.rest[j]; c.match(frame) && !yield(c.line) {
			return
		}
	}
}

func (c *compiled) match(frame string) bool {
	return strings.Contains(frame, c.need) && c.re.MatchString(frame)
}

// starts is a set of texts, with one of which every match of an expression
// begins. When it is exact, the texts are all that the expression matches.
type starts struct {
	texts []string
	exact bool
}

var (
	anything = starts{texts: []string{""}}
	nothing  = starts{texts: []string{""}, exact: true}
)

func (s starts) has(text string) bool {
	for _, t := range s.texts {
		if t == text {
			return true
		}
	}
	return false
}

func startsOf(tree *syntax.Regexp) starts {
	switch tree.Op {
	case syntax.OpEmptyMatch:
		return nothing
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase != 0 {
			return anything
		}
		return starts{[]string{string(tree.Rune)}, true}
	case syntax.OpCharClass:
		return startsOfClass(tree.Rune)
	case syntax.OpCapture:
		return startsOf(tree.Sub[0])
	case syntax.OpPlus:
		s := startsOf(tree.Sub[0])
		s.exact = false
		return s
	case syntax.OpQuest:
		return nothing.or(startsOf(tree.Sub[0]))
	case syntax.OpAlternate:
		all := startsOf(tree.Sub[0])
		for _, sub := range tree.Sub[1:] {
			all = all.or(startsOf(sub))
		}
		return all
	case syntax.OpConcat:
		all := nothing
		for _, sub := range tree.Sub {
			all = all.then(startsOf(sub))
			if !all.exact {
				break
			}
		}
		return all
	}
	return anything
}

// startsOfClass spells a small class out; the runes are pairs of first and last.
func startsOfClass(ranges []rune) starts {
	s := starts{exact: true}
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] >= maxTexts {
			return anything
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			s.texts = append(s.texts, string(r))
		}
	}
	if len(s.texts) > maxTexts || len(s.texts) == 0 {
		return anything
	}
	return s
}

func (s starts) or(t starts) starts {
	if len(s.texts)+len(t.texts) > maxTexts {
		return anything
	}
	both := starts{exact: s.exact && t.exact}
	both.texts = append(append(both.texts, s.texts...), t.texts...)
	return both
}

func (s starts) then(t starts) starts {
	if len(s.texts)*len(t.texts) > maxTexts {
		return starts{texts: s.texts}
	}
	both := starts{exact: t.exact}
	for _, first := range s.texts {
		for _, second := range t.texts {
			both.texts = append(both.texts, first+second)
		}
	}
	return both
}

// needed gives the longest text that is in every match, "" when none is known.
func needed(tree *syntax.Regexp) string {
	switch tree.Op {
	case syntax.OpLiteral:
		if tree.Flags&syntax.FoldCase == 0 {
			return string(tree.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return needed(tree.Sub[0])
	case syntax.OpConcat:
		longest := ""
		for _, sub := range tree.Sub {
			if text := needed(sub); len(text) > len(longest) {
				longest = text
			}
		}
		return longest
	}
	return ""
}
