package collect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"socorro"
)

// Policy is what a site decides about its uploads, as read from a rules file.
// docs/collector.md describes the file.
type Policy struct {
	Rules   []Rule            // tried before those of the rule set
	Aliases map[string]string // a client's name of an annotation to ours
	Ended   []Ended           // versions whose clients may stop
}

// Ended is a product's versions that nobody looks at any more.
type Ended struct {
	Product string
	Version string // pattern: "52.*"
}

// ParsePolicy reads a rules file. The error wraps socorro.ErrInvalid and names
// the line.
func ParsePolicy(r io.Reader) (*Policy, error) {
	p := &Policy{Aliases: map[string]string{}}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		words, err := splitWords(lines.Text())
		if err == nil && len(words) > 0 {
			err = p.statement(words)
		}
		if err != nil {
			return nil, fmt.Errorf("http/collect: rules, line %d: %w: %w", n, err, socorro.ErrInvalid)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("http/collect: rules: %w: %w", err, socorro.ErrInvalid)
	}
	return p, nil
}

// word is a word of a line. Quotes make any text a plain word.
type word struct {
	text   string
	quoted bool
}

func (w word) is(text string) bool { return !w.quoted && w.text == text }

// splitWords splits at blanks; # begins a comment.
func splitWords(line string) (words []word, err error) {
	for {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		if line[0] == '"' {
			text, rest, closed := strings.Cut(line[1:], `"`)
			if !closed {
				return nil, errors.New("a quote is not closed")
			}
			words, line = append(words, word{text, true}), rest
			continue
		}
		end := strings.IndexAny(line, " \t\r\"")
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, word{line[:end], false}), line[end:]
	}
}

func (p *Policy) statement(words []word) error {
	switch first, rest := words[0], words[1:]; {
	case first.is("rule"):
		return p.rule(rest)
	case first.is("alias"):
		if len(rest) != 3 || !rest[1].is("->") {
			return errors.New(`want: alias THEIRS -> OURS, such as: alias game_name -> ProductName`)
		}
		p.Aliases[rest[0].text] = rest[2].text
		return nil
	case first.is("end_of_life"):
		if len(rest) != 2 {
			return errors.New(`want: end_of_life PRODUCT VERSIONS, such as: end_of_life Tour 1.*`)
		}
		if _, err := path.Match(rest[1].text, ""); err != nil {
			return fmt.Errorf("versions %q: %w", rest[1].text, err)
		}
		p.Ended = append(p.Ended, Ended{rest[0].text, rest[1].text})
		return nil
	}
	return fmt.Errorf("%q is none of rule, alias, end_of_life", words[0].text)
}

var ruleName = regexp.MustCompile(`^([A-Za-z0-9_]+):$`)

// rule reads NAME: CONDITION [and CONDITION]... -> [PERCENT%] VERDICT [else VERDICT].
func (p *Policy) rule(words []word) error {
	const form = `want: rule NAME: CONDITION [and CONDITION]... -> [PERCENT%] VERDICT [else VERDICT]`
	if len(words) == 0 {
		return errors.New(form)
	}
	name := ruleName.FindStringSubmatch(words[0].text)
	if name == nil {
		return fmt.Errorf("%q: a name has letters, digits and _ and ends with a colon", words[0].text)
	}
	for _, r := range p.Rules {
		if r.Name == name[1] {
			return fmt.Errorf("there is a rule %s already", name[1])
		}
	}
	arrow := -1
	for i, w := range words {
		if w.is("->") {
			arrow = i
		}
	}
	if arrow < 2 {
		return errors.New(form)
	}
	when, err := conditions(words[1:arrow])
	if err != nil {
		return err
	}
	then, err := outcome(words[arrow+1:])
	if err != nil {
		return err
	}
	p.Rules = append(p.Rules, Rule{Name: name[1], Key: "*", When: when, Then: then})
	return nil
}

func outcome(words []word) (Outcome, error) {
	o := Outcome{Percent: 100, Hit: socorro.Accept, Miss: Continue}
	if len(words) > 0 && strings.HasSuffix(words[0].text, "%") {
		share, err := strconv.ParseFloat(strings.TrimSuffix(words[0].text, "%"), 64)
		if err != nil || !(share >= 0 && share <= 100) {
			return o, fmt.Errorf("%q is not a share between 0%% and 100%%", words[0].text)
		}
		o.Percent, words = share, words[1:]
	}
	var err error
	if len(words) != 1 && !(len(words) == 3 && words[1].is("else")) {
		return o, errors.New("after -> want: [PERCENT%] VERDICT [else VERDICT]")
	}
	if o.Hit, err = verdict(words[0].text); err != nil {
		return o, err
	}
	if len(words) == 3 {
		o.Miss, err = verdict(words[2].text)
	}
	return o, err
}

func verdict(text string) (socorro.Throttle, error) {
	switch text {
	case "accept":
		return socorro.Accept, nil
	case "defer":
		return socorro.Defer, nil
	case "reject":
		return socorro.Reject, nil
	case "fakeaccept":
		return socorro.FakeAccept, nil
	case "continue":
		return Continue, nil
	}
	return 0, fmt.Errorf("%q is none of accept, defer, reject, fakeaccept, continue", text)
}

// ended says whether the crash is of a version that nobody looks at any more.
func (p *Policy) ended(a socorro.Annotations) bool {
	if p == nil {
		return false
	}
	product, version := a.Product(), a.Version()
	for _, e := range p.Ended {
		if match, err := path.Match(e.Version, version); err == nil && match && e.Product == product {
			return true
		}
	}
	return false
}

// rename gives annotations the names that we know.
func (p *Policy) rename(a socorro.Annotations) {
	if p == nil {
		return
	}
	for theirs, ours := range p.Aliases {
		if v, has := a[theirs]; has && a.Text(ours) == "" {
			a[ours] = v
		}
	}
}
