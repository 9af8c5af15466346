package signature

import (
	"fmt"
	"iter"
	"strings"
	"unicode"

	"socorro"
)

// Pipeline names a set of rules by its year.
type Pipeline string

// The pipelines that there are.
const (
	Rules2026 Pipeline = "2026" // today's Socorro; the default
	Rules2018 Pipeline = "2018" // Socorro of March 2018: modules with offsets, the trim list, no Rust, no inlined functions
)

// Pipelines lists the pipelines, the default first.
func Pipelines() []Pipeline { return []Pipeline{Rules2026, Rules2018} }

// pipeline is a table of rules, and how its rules say what they have to say.
type pipeline struct {
	name   Pipeline
	rules  []rule
	note   func(rule, text string) string
	failed func(rule string, err error) string
	digit  func(rune) bool // what \d is: in 2018 ASCII only

	// frames and walk are for [Generator.Explain]: how a thread's frames are
	// named and chosen.
	frames func(g *Generator, in *CrashData, thread int) ([]label, error)
	walk   func(g *Generator, frames []label, see func(int, Fate)) (kept []string, ok bool)
}

var pipelines = [...]pipeline{
	{
		name: Rules2026, rules: rules2026,
		note:   func(rule, text string) string { return rule + ": " + text },
		failed: func(rule string, err error) string { return rule + ": Rule failed: " + err.Error() },
		digit:  unicode.IsDigit,
		frames: (*Generator).normalise,
		walk: func(_ *Generator, frames []label, see func(int, Fate)) ([]string, bool) {
			return walk(frames, see)
		},
	},
	{
		name: Rules2018, rules: rules2018,
		note:   func(_, text string) string { return text },
		failed: func(rule string, err error) string { return "Rule " + rule + " failed: " + err.Error() },
		digit:  func(c rune) bool { return c >= '0' && c <= '9' },
		frames: (*Generator).normalise2018,
		walk:   (*Generator).walk2018,
	},
}

func (p Pipeline) find() (*pipeline, error) {
	if p == "" {
		p = Rules2026
	}
	for i := range pipelines {
		if pipelines[i].name == p {
			return &pipelines[i], nil
		}
	}
	return nil, fmt.Errorf("signature: find pipeline: there is none of %q, take one of %q: %w", string(p), Pipelines(), socorro.ErrInvalid)
}

// Rules yields name and description of the rules in the order in which they
// run; none for a pipeline that there is not.
func (p Pipeline) Rules() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		found, err := p.find()
		if err != nil {
			return
		}
		for _, rule := range found.rules {
			if !yield(rule.name, rule.doc) {
				return
			}
		}
	}
}

// Document writes the pipeline down for people. The text is valid Markdown and
// valid reStructuredText.
func (p Pipeline) Document() string {
	title := "Signature rules of " + string(p)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", title, strings.Repeat("=", len(title)))
	b.WriteString("They run from top to bottom; each sees the signature that those above it made. A rule that fails leaves a note, and the next one runs.\n\n")
	number := 0
	for name, doc := range p.Rules() {
		number++
		fmt.Fprintf(&b, "%d. **%s**: %s\n\n", number, name, doc)
	}
	return b.String()
}
