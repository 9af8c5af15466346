package signature

import "strings"

// collapser replaces what stands in brackets. Keep decides over one bracketed
// part by the text before it, since the part before, and the text inside; it
// gives what shall stand there and whether that is so.
type collapser struct {
	open, shut byte
	with       string
	keep       func(before, inside, whole string) (string, bool)
}

// collapse replaces each outermost bracketed part. A bracket that nobody closes
// reaches to the end; one that nobody opened is an ordinary character.
func (c collapser) collapse(s string) string {
	first := strings.IndexByte(s, c.open)
	if first < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	done := 0 // s[:done] is written
	for at := first; at >= 0; {
		end, inside := c.part(s, at)
		before, whole := s[done:at], s[at:end]
		b.WriteString(before)
		with := c.with
		if c.keep != nil {
			if kept, ok := c.keep(before, inside, whole); ok {
				with = kept
			}
		}
		b.WriteString(with)
		done = end
		at = strings.IndexByte(s[done:], c.open)
		if at >= 0 {
			at += done
		}
	}
	b.WriteString(s[done:])
	return b.String()
}

// part finds the end of the bracketed part that begins at s[at].
func (c collapser) part(s string, at int) (end int, inside string) {
	level := 0
	for i := at; i < len(s); i++ {
		switch s[i] {
		case c.open:
			level++
		case c.shut:
			level--
			if level == 0 {
				return i + 1, s[at+1 : i]
			}
		}
	}
	return len(s), s[at+1:]
}

// dropPrefixAndReturnType keeps the last of the words that spaces outside of
// brackets and quotes separate: "static void * a<b>::c(d)" is "a<b>::c(d)". A
// word that is only arguments or a clone mark belongs to the one before it. It
// reports false for "", which has no words.
func dropPrefixAndReturnType(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	if strings.IndexByte(s, ' ') < 0 {
		return s, true
	}
	var startsArray [16]int
	var openArray [32]byte
	starts := append(startsArray[:0], 0)
	open := openArray[:0] // the closing characters that are awaited
	for i := range len(s) {
		switch ch := s[i]; ch {
		case '(':
			open = append(open, ')')
		case '{':
			open = append(open, '}')
		case '[':
			open = append(open, ']')
		case '<':
			open = append(open, '>')
		case '`':
			open = append(open, '\'')
		case ')', '}', ']', '>', '\'':
			if len(open) > 0 && open[len(open)-1] == ch {
				open = open[:len(open)-1]
			}
		case ' ':
			if len(open) == 0 {
				starts = append(starts, i+1)
			}
		}
	}
	end := len(s)
	if last := len(starts) - 1; starts[last] == end {
		// One space at the end separates nothing.
		end--
		starts = starts[:last]
	}
	last := len(starts) - 1
	for last > 0 && (strings.HasPrefix(s[starts[last]:end], "(") || strings.HasPrefix(s[starts[last]:end], "[clone")) {
		last--
	}
	return s[starts[last]:end], true
}

// tidySpaces drops a space that stands before '*', '&' or ',', then puts one
// after each comma that has none.
func tidySpaces(s string) string {
	if strings.IndexByte(s, ',') < 0 && !strings.Contains(s, " *") && !strings.Contains(s, " &") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := range len(s) {
		if s[i] == ' ' && i+1 < len(s) && strings.IndexByte("*&,", s[i+1]) >= 0 {
			continue
		}
		b.WriteByte(s[i])
	}
	tight := b.String()
	if strings.IndexByte(tight, ',') < 0 {
		return tight
	}
	b.Reset()
	for i := range len(tight) {
		b.WriteByte(tight[i])
		if tight[i] == ',' && !strings.HasPrefix(tight[i+1:], " ") {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
