package web

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// grouped writes n with commas: 12,345,678.
func grouped(n any) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func utc(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// age says how long ago t was, in its largest unit.
func age(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	if d < 0 {
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

// span rounds d down to its one or two largest units: "3 d 4 h", "12 min", "8 s".
func span(d time.Duration) string {
	s := int64(d / time.Second)
	units := []struct {
		name    string
		seconds int64
	}{{"y", 365 * 86400}, {"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}
	for i, u := range units {
		if s < u.seconds {
			continue
		}
		out := fmt.Sprintf("%d %s", s/u.seconds, u.name)
		// Seconds beside minutes change too often to be worth reading.
		if rest := s % u.seconds; i < 3 && rest >= units[i+1].seconds {
			out += fmt.Sprintf(" %d %s", rest/units[i+1].seconds, units[i+1].name)
		}
		return out
	}
	return "0 s"
}

// size writes a number of bytes as people read it, keeping the exact count.
func size(n int64) string {
	const unit = 1024
	if n < unit && n > -unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for (v >= unit || v <= -unit) && i < 5 {
		v /= unit
		i++
	}
	return fmt.Sprintf("%.1f %ciB (%s bytes)", v, "KMGTPE"[i], grouped(n))
}

// visible makes characters visible that would hide or reorder text. A client
// sends what it likes: U+202E in a module's name makes "gpj.exe" read "exe.jpg".
func visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r < 0x20:
			b.WriteRune(0x2400 + r) // the control pictures: ␀ ␁ ␂ …
		case r == 0x7f:
			b.WriteRune('␡')
		default:
			fmt.Fprintf(&b, "‹U+%04X›", r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029 || r == 0xFFFE || r == 0xFFFF
}

// shorten cuts s to n characters. Of a text, it says how many are gone; a word
// in a cell has no room for that.
func shorten(s string, n int) string {
	total := utf8.RuneCountInString(s)
	if total <= n {
		return s
	}
	seen := 0
	for i := range s {
		if seen == n && n < 200 {
			return s[:i] + "…"
		}
		if seen == n {
			return fmt.Sprintf("%s… (%s more characters)", s[:i], grouped(total-n))
		}
		seen++
	}
	return s
}

// query builds a query string of the pairs that have a value.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// crashesURL links to the list of the crashes behind a number.
func crashesURL(signature, product string, days int) string {
	d := ""
	if days > 0 {
		d = strconv.Itoa(days)
	}
	return "/crashes/" + query("signature", signature, "product", product, "days", d)
}
