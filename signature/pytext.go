package signature

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Signatures are names under which years of crashes are grouped. They were made
// by Python code, so text is handled here as Python's str does it, where that
// differs from Go.

// isSpace is str.isspace: Go's notion and the four separators of ASCII.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

func strip(s string) string { return strings.TrimFunc(s, isSpace) }

// lower is str.lower. Go maps a dotted capital I to one letter instead of two
// and knows no final sigma.
func lower(s string) string {
	if !strings.ContainsAny(s, "İΣ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ' && endsWord(s, i):
			b.WriteRune('ς')
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// endsWord reports whether the sigma at s[at:] has a cased letter before it and
// none after it, leaving out what may stand inside a word.
func endsWord(s string, at int) bool {
	cased := func(r rune) bool { return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) }
	ignorable := func(r rune) bool {
		return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·’", r)
	}
	before := strings.TrimRightFunc(s[:at], ignorable)
	after := strings.TrimLeftFunc(s[at+len("Σ"):], ignorable)
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	return before != "" && cased(last) && (after == "" || !cased(first))
}

// splitLines is str.splitlines: many characters end a line, and the end of the
// text does not begin another one.
func splitLines(s string) []string {
	var lines []string
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool {
			return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
		})
		if end < 0 {
			return append(lines, s)
		}
		lines = append(lines, s[:end])
		_, size := utf8.DecodeRuneInString(s[end:])
		if strings.HasPrefix(s[end:], "\r\n") {
			size = 2
		}
		s = s[end+size:]
	}
	return lines
}

// firstRunes cuts a text after n characters.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// parseInt is int(text, base) for base 10 and 16: space around, a sign, single
// underscores between digits, and digits of every script.
func parseInt(text string, base int) (*big.Int, bool) {
	s := strip(text)
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = s[:1], s[1:]
	}
	afterPrefix := false
	if base == 16 && len(s) >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		s, afterPrefix = s[2:], true
	}
	digits := make([]byte, 0, len(s))
	mayUnderscore := afterPrefix
	for _, r := range s {
		if r == '_' {
			if !mayUnderscore {
				return nil, false
			}
			mayUnderscore = false
			continue
		}
		d, ok := digitOf(r)
		if !ok || d >= base {
			return nil, false
		}
		digits = append(digits, "0123456789abcdef"[d])
		mayUnderscore = true
	}
	// CPython refuses decimal texts beyond 4,300 digits too: reading them takes quadratic time.
	if len(digits) == 0 || !mayUnderscore || len(digits) > 4300 {
		return nil, false
	}
	return new(big.Int).SetString(sign+string(digits), base)
}

func digitOf(r rune) (int, bool) {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0'), true
	case r >= 'a' && r <= 'f':
		return int(r-'a') + 10, true
	case r >= 'A' && r <= 'F':
		return int(r-'A') + 10, true
	case r > unicode.MaxASCII && unicode.Is(unicode.Nd, r):
		// The digits of a script stand in one run of ten that begins at its zero.
		zero := r
		for unicode.Is(unicode.Nd, zero-1) && r-zero < 9 {
			zero--
		}
		return int(r - zero), true
	}
	return 0, false
}

// str is str(value) for a decoded JSON value.
func str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

// repr is repr(value) for a decoded JSON value.
func repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case json.Number:
		return reprNumber(v)
	case string:
		return reprString(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *object:
		parts := make([]string, len(v.keys))
		for i, k := range v.keys {
			parts[i] = reprString(k) + ": " + repr(v.values[k])
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return ""
}

func reprNumber(n json.Number) string {
	text := n.String()
	if !strings.ContainsAny(text, ".eE") {
		if text == "-0" {
			return "0"
		}
		return text
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case text == notANumber:
		return "nan"
	case err != nil && f > 0:
		return "inf"
	case err != nil:
		return "-inf"
	}
	scientific := strconv.FormatFloat(f, 'e', -1, 64)
	_, exponent, _ := strings.Cut(scientific, "e")
	if e, _ := strconv.Atoi(exponent); e < -4 || e >= 16 {
		return scientific
	}
	fixed := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(fixed, ".") {
		fixed += ".0"
	}
	return fixed
}

func reprString(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b := []byte{quote}
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r < 0x100:
			b = append(b, `\x`+hexDigits(r, 2)...)
		case r < 0x10000:
			b = append(b, `\u`+hexDigits(r, 4)...)
		default:
			b = append(b, `\U`+hexDigits(r, 8)...)
		}
	}
	return string(append(b, quote))
}

func hexDigits(r rune, width int) string {
	text := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", max(0, width-len(text))) + text
}
