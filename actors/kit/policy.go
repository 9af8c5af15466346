package kit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"socorro"
)

// Policy says whether and when something that failed is tried again. The three
// kinds are the transaction executors of Socorro. The zero value is Infinite
// with the default [Backoff].
type Policy struct {
	kind    policyKind
	delays  []time.Duration
	backoff Backoff
}

type policyKind int

const (
	infinite policyKind = iota
	limited
	none
)

// Names of the policies in configuration, as Socorro has them.
const (
	NameNone     = "TransactionExecutor"
	NameLimited  = "TransactionExecutorWithLimitedBackoff"
	NameInfinite = "TransactionExecutorWithInfiniteBackoff"
)

// DefaultDelays is Socorro's backoff_delays.
func DefaultDelays() []time.Duration {
	return []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
}

// None never tries again.
func None() Policy { return Policy{kind: none} }

// Limited tries again after each delay and gives up after the last. Without
// delays it has [DefaultDelays].
func Limited(delays ...time.Duration) Policy {
	if len(delays) == 0 {
		delays = DefaultDelays()
	}
	return Policy{kind: limited, delays: slices.Clone(delays)}
}

// Infinite tries again for ever, with exponential waits.
func Infinite(b Backoff) Policy { return Policy{kind: infinite, backoff: b} }

// InfiniteDelays tries again after each delay; the last one repeats for ever.
// Without delays it has [DefaultDelays].
func InfiniteDelays(delays ...time.Duration) Policy {
	if len(delays) == 0 {
		delays = DefaultDelays()
	}
	return Policy{kind: infinite, delays: slices.Clone(delays)}
}

// ParsePolicy makes a policy from its name and Socorro's backoff_delays, which
// are seconds separated by commas or spaces ("10, 30, 60"); empty means
// [DefaultDelays]. A name may stand with or without its dotted path and the
// words TransactionExecutor and With. The error wraps [socorro.ErrInvalid].
func ParsePolicy(name, delays string) (Policy, error) {
	var list []time.Duration
	for _, text := range strings.FieldsFunc(delays, func(r rune) bool { return strings.ContainsRune("[], \t", r) }) {
		d, err := time.ParseDuration(text + "s")
		if err != nil || d < 0 {
			return Policy{}, fmt.Errorf("actors/kit: parse backoff_delays %q: %q is not a number of seconds: %w", delays, text, socorro.ErrInvalid)
		}
		list = append(list, d)
	}
	short := name[strings.LastIndexByte(name, '.')+1:]
	short = strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(short, NameNone), "With"))
	switch short {
	case "", "none":
		return None(), nil
	case "limited", "limitedbackoff":
		return Limited(list...), nil
	case "infinite", "infinitebackoff":
		return InfiniteDelays(list...), nil
	}
	return Policy{}, fmt.Errorf("actors/kit: parse policy %q: the policies are %s, %s and %s: %w",
		name, NameNone, NameLimited, NameInfinite, socorro.ErrInvalid)
}

// Next is the wait after so many failures in a row, and false when there shall
// be no further try.
func (p Policy) Next(failures int, chance func() float64) (time.Duration, bool) {
	failures = max(failures, 1)
	switch {
	case p.kind == none:
		return 0, false
	case p.kind == limited && failures > len(p.delays):
		return 0, false
	case len(p.delays) > 0:
		return p.delays[min(failures, len(p.delays))-1], true
	}
	return p.backoff.Delay(failures, chance), true
}

// Ends reports whether the policy ever gives up.
func (p Policy) Ends() bool { return p.kind != infinite }

// String is the policy's name in Socorro.
func (p Policy) String() string {
	switch p.kind {
	case none:
		return NameNone
	case limited:
		return NameLimited
	}
	return NameInfinite
}
