package collect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"socorro"
)

// Continue is the result of a rule that leaves the decision to the next one.
const Continue socorro.Throttle = 4

// NoMatch is the name of the rule that rejects what no other rule decided.
const NoMatch = "NO_MATCH"

// A Rule decides about some crashes. Rules are tried in order; the first one
// whose condition holds and whose result is not Continue decides.
type Rule struct {
	Name string // letters, digits and _; clients see it as "Discarded=rule_<Name>"

	// Key is the annotation that the condition is about: without it in the crash
	// the rule does not apply. "*" applies to every crash.
	Key string

	// When is the condition. It gets the text of the annotation Key, "" for "*".
	// nil always holds.
	When func(value string, c Crash) bool

	Then Outcome
}

// Crash is what conditions may look at.
type Crash struct {
	socorro.Annotations
	Now time.Time
}

// Outcome is a verdict, or two of which chance chooses.
type Outcome struct {
	Percent float64          // how many of a hundred get Hit; 100 is all
	Hit     socorro.Throttle // also Continue
	Miss    socorro.Throttle
}

func always(t socorro.Throttle) Outcome { return Outcome{Percent: 100, Hit: t} }

// ThrottleConfig chooses the rules of a [Throttler].
type ThrottleConfig struct {
	// Rules is the name of a rule set: "accept_all" (default) keeps everything,
	// "mozilla" applies Mozilla's policy for its products.
	Rules string

	// First are rules of your own, tried before those of the set.
	First []Rule

	// Products that the mozilla rules keep. nil means Mozilla's; empty means any.
	Products []string

	// Packages lists, by product, the Android packages that the mozilla rules
	// keep. nil means Mozilla's; a product that is not in it may have any.
	Packages map[string][]string
}

// Throttler decides which crashes are kept. It is safe for concurrent use when
// its clock and its source of chance are.
type Throttler struct {
	rules []Rule
	now   func() time.Time
	rand  func() float64 // 0 <= rand() < 1
}

// NewThrottler returns the throttler of a named rule set. The error wraps
// socorro.ErrInvalid when there is no such set or a rule makes no sense.
func NewThrottler(cfg ThrottleConfig, now func() time.Time, rand func() float64) (*Throttler, error) {
	rules := slices.Clone(cfg.First)
	switch cfg.Rules {
	case "", "accept_all":
		rules = append(rules, AcceptAll()...)
	case "mozilla":
		rules = append(rules, Mozilla(cfg.Products, cfg.Packages)...)
	default:
		return nil, fmt.Errorf("http/collect: throttle rules %q: use accept_all or mozilla: %w", cfg.Rules, socorro.ErrInvalid)
	}
	for _, r := range rules {
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("http/collect: throttle rule %q: %w: %w", r.Name, err, socorro.ErrInvalid)
		}
	}
	return &Throttler{rules, now, rand}, nil
}

func (r Rule) check() error {
	known := func(t socorro.Throttle) bool { return t >= socorro.Accept && t <= Continue }
	switch {
	case r.Name == "" || strings.Trim(r.Name, nameLetters) != "":
		return errors.New("the name may have letters, digits and _ only")
	case r.Key == "":
		return errors.New("there is no key: use * for every crash")
	case !(r.Then.Percent >= 0 && r.Then.Percent <= 100): // also NaN
		return fmt.Errorf("%v percent", r.Then.Percent)
	case !known(r.Then.Hit) || !known(r.Then.Miss):
		return errors.New("the verdict is unknown")
	}
	return nil
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

// Throttle decides about a crash and names the rule that did.
func (t *Throttler) Throttle(a socorro.Annotations) (socorro.Throttle, string) {
	c := Crash{a, t.now()}
	for _, r := range t.rules {
		value := ""
		if r.Key != "*" {
			if _, ok := a[r.Key]; !ok {
				continue
			}
			value = a.Text(r.Key)
		}
		if r.When != nil && !r.When(value, c) {
			continue
		}
		verdict := r.Then.Hit
		if r.Then.Percent < 100 && t.rand()*100 > r.Then.Percent {
			verdict = r.Then.Miss
		}
		if verdict != Continue {
			return verdict, r.Name
		}
	}
	return socorro.Reject, NoMatch
}
