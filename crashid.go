package socorro

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// CrashID names one crash: a random UUID whose last seven characters are the
// throttle digit and the UTC day of the upload as YYMMDD, for example
// de1bb258-cbbf-4589-a673-34f800160918 (accepted, 2016-09-18). Clients see it
// with the prefix "bp-". A CrashID made by [NewCrashID] or [ParseCrashID] is
// safe in file names and URLs.
type CrashID string

// Throttle is the collector's verdict, kept as a digit inside the CrashID.
type Throttle int

const (
	Accept     Throttle = iota // keep and process
	Defer                      // keep, process only when somebody asks
	Reject                     // do not keep, tell the client why
	FakeAccept                 // do not keep, but answer like Accept
)

func (t Throttle) String() string {
	switch t {
	case Accept:
		return "accept"
	case Defer:
		return "defer"
	case Reject:
		return "reject"
	case FakeAccept:
		return "fakeaccept"
	}
	return fmt.Sprintf("throttle(%d)", int(t))
}

const (
	crashIDLen      = 36
	throttleAt      = crashIDLen - 7
	crashIDDateForm = "060102"
)

// NewCrashID makes a random id that carries now's UTC day and the verdict.
func NewCrashID(now time.Time, t Throttle) CrashID {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program first
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	uuid := fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
	return CrashID(uuid[:throttleAt] + string(rune('0'+int(t))) + now.UTC().Format(crashIDDateForm))
}

// ParseCrashID reads an id with or without its "bp-" prefix. The error wraps
// [ErrInvalid] and says what is wrong with the text.
func ParseCrashID(text string) (CrashID, error) {
	s := strings.TrimPrefix(strings.TrimSpace(text), "bp-")
	if len(s) != crashIDLen {
		return "", fmt.Errorf("crash id %.60q: %d characters where %d are needed: %w", text, len(s), crashIDLen, ErrInvalid)
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", fmt.Errorf("crash id %q: character %d is not a dash: %w", text, i+1, ErrInvalid)
			}
		case c >= '0' && c <= '9':
		case c >= 'a' && c <= 'f' && i < throttleAt+1:
		default:
			return "", fmt.Errorf("crash id %q: unexpected character %d: %w", text, i+1, ErrInvalid)
		}
	}
	if CrashID(s).Date().IsZero() {
		return "", fmt.Errorf("crash id %q: %q is not a day (YYMMDD): %w", text, s[throttleAt+1:], ErrInvalid)
	}
	return CrashID(s), nil
}

// Date is the UTC day of the upload. The zero time means that the id is not valid.
func (id CrashID) Date() time.Time {
	if len(id) != crashIDLen {
		return time.Time{}
	}
	// Every id is of this century; Go alone would read the year 97 as 1997.
	day, err := time.Parse("20060102", "20"+string(id[throttleAt+1:]))
	if err != nil {
		return time.Time{}
	}
	return day
}

// Throttle is the verdict in the id. Ids made elsewhere may carry a hexadecimal
// digit or another meaning there (old trees kept their depth in it): all but 1
// counts as Accept, so that no such crash stays unprocessed.
func (id CrashID) Throttle() Throttle {
	if len(id) == crashIDLen && id[throttleAt] == '1' {
		return Defer
	}
	return Accept
}
