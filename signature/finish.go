package signature

import "strings"

// printable keeps printable ASCII and the space, and drops the rest.
func printable(s string) string {
	clean := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, s)
}

// keepPrintable keeps signatures searchable and their lists readable.
func keepPrintable(r *run) error {
	if clean := printable(strip(r.Signature)); clean != r.Signature {
		r.set(clean)
		r.note("unprintable characters removed")
	}
	return nil
}

func squeezeSpaces(r *run) error {
	s := strip(r.Signature)
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	if s != r.Signature {
		r.set(s)
	}
	return nil
}

// tooLong counts bytes: after keepPrintable each character is one.
func tooLong(r *run) bool { return len(r.Signature) > maxLength }

func truncate(r *run) error {
	r.set(r.Signature[:maxLength-3] + "...")
	r.note("SigTrunc: signature truncated due to length")
	return nil
}
