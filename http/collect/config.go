package collect

import (
	"fmt"
	"slices"
	"time"

	"socorro"
)

// Config holds the tunables of a [Handler]. The zero value of every field but
// Staging means its default.
type Config struct {
	// Staging is the directory that holds the dumps of an upload while it is
	// received. It is made when missing. Give it a place on the same file system
	// as the crash storage so that files can be renamed rather than copied.
	Staging string

	// Throttle chooses which crashes are kept. Default: the accept_all rules.
	Throttle ThrottleConfig

	// Policy is what the site's rules file says; nil means nothing. Its rules are
	// tried before those of Throttle.
	Policy *Policy

	// Strict answers as Antenna does: it refuses what Antenna refuses, and of the
	// paths of [Routes] there is only /submit.
	Strict bool

	// Strip lists annotations that are removed before a crash is kept. nil means
	// Email, TelemetryClientId, TelemetryServerURL and TelemetrySessionId; empty
	// means none.
	Strip []string

	// PublicURL is where readers reach the report pages, such as
	// "https://crash.example.com", for the links in answers. Default "": the scheme
	// and host that the client used.
	PublicURL string

	// BearerToken lets a trusted sender choose the crash id: it sends this token
	// as "Authorization: Bearer <token>" and an annotation "uuid". Default "":
	// nobody may.
	BearerToken string

	MaxBody        int64   // bytes on the wire; default 64 MiB
	MaxInflated    int64   // bytes after decompression; default 256 MiB
	MaxRatio       float64 // decompressed to wire bytes, checked from 16 MiB on; default 200
	MaxParts       int     // parts of a multipart body; default 1,000
	MaxName        int     // bytes of an annotation's name; default 512
	MaxText        int64   // bytes of one annotation or of the JSON part; default 4 MiB. A larger annotation is dropped with a note
	MaxAnnotations int64   // bytes of all annotations together; default 16 MiB

	ReadIdle  time.Duration // longest pause of a client within its body; default 30 s
	ReadTotal time.Duration // longest time for a whole body; default 10 min
	Keep      time.Duration // longest time for the Accepter; default 60 s

	// MaxUploads is how many uploads are received at once; more of them wait up
	// to ReadIdle for their turn, then get 503. Default 8,192.
	MaxUploads int

	// Traces is how many of the last uploads /debug/uploads shows. Default 200.
	Traces int
}

const (
	ratioFloor    = 16 << 20 // decompressed bytes below which MaxRatio is not checked
	maxJSONValues = 100_000  // values in the JSON part: a value costs up to 40 times its text
	maxNotes      = 100
	maxBoundary   = 200 // characters; RFC 2046 says 70, some clients do not

	maxStrictBoundary = 70
	retryAfter        = 30 // seconds
)

func (c Config) withDefaults() (Config, error) {
	if c.Staging == "" {
		return c, fmt.Errorf("http/collect: configure: Staging is empty: name a directory: %w", socorro.ErrInvalid)
	}
	set(&c.MaxBody, 64<<20)
	set(&c.MaxInflated, 256<<20)
	set(&c.MaxRatio, 200)
	set(&c.MaxParts, 1000)
	set(&c.MaxName, 512)
	set(&c.MaxText, 4<<20)
	set(&c.MaxAnnotations, 16<<20)
	set(&c.ReadIdle, 30*time.Second)
	set(&c.ReadTotal, 10*time.Minute)
	set(&c.Keep, time.Minute)
	set(&c.MaxUploads, 8192)
	set(&c.Traces, 200)
	if c.Strip == nil {
		c.Strip = personal()
	}
	if c.Policy != nil {
		c.Throttle.First = slices.Concat(c.Throttle.First, c.Policy.Rules)
	}
	switch {
	case c.MaxBody < 0 || c.MaxInflated < 0 || c.MaxText < 0 || c.MaxAnnotations < 0 || c.MaxRatio < 0,
		c.MaxParts < 0 || c.MaxName < 0 || c.MaxUploads < 0 || c.Traces < 0,
		c.ReadIdle < 0 || c.ReadTotal < 0 || c.Keep < 0:
		return c, fmt.Errorf("http/collect: configure: a limit is negative: use 0 for its default: %w", socorro.ErrInvalid)
	}
	return c, nil
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
