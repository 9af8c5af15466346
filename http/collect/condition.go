package collect

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"socorro"
)

type condition = func(value string, c Crash) bool

// conditions reads CONDITION [and CONDITION]...
func conditions(words []word) (condition, error) {
	if len(words) == 1 && words[0].is("*") {
		return nil, nil
	}
	var all []condition
	for {
		end := 0
		for end < len(words) && !words[end].is("and") {
			end++
		}
		one, err := oneCondition(words[:end])
		if err != nil {
			return nil, err
		}
		all = append(all, one)
		if end == len(words) {
			break
		}
		words = words[end+1:]
	}
	return func(_ string, c Crash) bool {
		for _, holds := range all {
			if !holds("", c) {
				return false
			}
		}
		return true
	}, nil
}

// oneCondition reads KEY, "not KEY" or KEY OPERATOR VALUE[|VALUE]...
func oneCondition(words []word) (condition, error) {
	switch {
	case len(words) == 1:
		return func(_ string, c Crash) bool { return value(c, words[0]) != "" }, nil
	case len(words) == 2 && words[0].is("not"):
		return func(_ string, c Crash) bool { return value(c, words[1]) == "" }, nil
	case len(words) != 3:
		return nil, errors.New("want a condition: *, KEY, not KEY, or KEY OPERATOR VALUE")
	}
	key, values := words[0], []string{words[2].text}
	if !words[2].quoted {
		values = strings.Split(words[2].text, "|")
	}
	any := func(match func(have, want string) bool) condition {
		return func(_ string, c Crash) bool {
			have := value(c, key)
			for _, want := range values {
				if match(have, want) {
					return true
				}
			}
			return false
		}
	}
	equal := func(have, want string) bool { return have == want }
	switch op := words[1].text; op {
	case "=":
		return any(equal), nil
	case "!=":
		same := any(equal)
		return func(v string, c Crash) bool { return !same(v, c) }, nil
	case "~":
		for _, pattern := range values {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("pattern %q: %w", pattern, err)
			}
		}
		return any(func(have, pattern string) bool { ok, _ := path.Match(pattern, have); return ok }), nil
	case "<", "<=", ">", ">=":
		return func(_ string, c Crash) bool {
			have := value(c, key)
			return have != "" && ordered(op, compareVersions(have, words[2].text))
		}, nil
	default:
		return nil, fmt.Errorf("operator %q is none of = != ~ < <= > >=", op)
	}
}

func ordered(op string, cmp int) bool {
	switch op {
	case "<":
		return cmp < 0
	case "<=":
		return cmp <= 0
	case ">":
		return cmp > 0
	}
	return cmp >= 0
}

// value is what a crash says under a key: one of five words of ours, whatever
// the client calls it, or an annotation's own name.
func value(c Crash, key word) string {
	if key.quoted {
		return c.Text(key.text)
	}
	switch key.text {
	case "product":
		return c.Product()
	case "version":
		return c.Version()
	case "build":
		return c.BuildID()
	case "channel":
		return c.ReleaseChannel()
	case "process":
		return c.ProcessType()
	}
	return c.Text(key.text)
}

// compareVersions compares number by number: 9.1 comes before 10.0, 2.0b3 before
// 2.0, and 2.0 is 2.0.0.
func compareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a = versionPiece(a)
		y, b = versionPiece(b)
		if c := comparePieces(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// versionPiece takes a run of digits or of other characters off, without dots.
func versionPiece(s string) (piece, rest string) {
	s = strings.TrimLeft(s, ".")
	end := strings.IndexFunc(s, func(r rune) bool { return r == '.' || isDigit(s[0]) != (r >= '0' && r <= '9') })
	if s == "" || end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func comparePieces(x, y string) int {
	rank := func(s string) int { // "b" of a beta < nothing = 0 < 1
		switch {
		case s == "" || isDigit(s[0]):
			return 1
		}
		return 0
	}
	if rank(x) != rank(y) {
		return rank(x) - rank(y)
	}
	if rank(x) == 0 {
		return strings.Compare(x, y)
	}
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}

// endedVersion is what the client of an ended version is told; "" otherwise.
func (h *Handler) endedVersion(a socorro.Annotations) string {
	if !h.cfg.Policy.ended(a) {
		return ""
	}
	version := a.Version()
	if strings.ContainsAny(version, "\r\n") {
		return ""
	}
	return version
}
