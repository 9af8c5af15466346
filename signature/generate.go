// Package signature names crashes: it makes one short text of a crash's stack
// and annotations, so that crashes of the same bug get the same text.
//
// [Generator.Generate] runs a table of rules, read top to bottom in rules.go.
// The first makes a signature of the crashing thread's frames or of a Java
// stack trace; the others add what else is known (out of memory, abort message,
// hang) or clean up. A rule that fails leaves a note, and the next one runs.
//
// Which frames count is decided by the lists of package siglists. The rules are
// Socorro's of 2026, with their quirks: a signature is the name under which
// years of crashes are grouped, and a better name is a different name.
//
// The package does no input or output.
package signature

import "socorro/siglists"

// Result is what the rules made of a crash.
type Result struct {
	Signature string // at most 255 characters, printable ASCII; "" when the rules failed

	// ProtoSignature is every frame that was looked at, normalised, with nothing
	// left out. Empty for Java crashes and crashes without a stack.
	ProtoSignature string

	Notes []string // "<rule>: <what>", for the processor's notes
	Debug []string // how the signature changed, rule by rule
}

// Generator makes signatures. It is safe for concurrent use.
type Generator struct {
	lists *siglists.Lists
	cache *frameCache
}

// New makes a Generator that works with the lists; nil means [siglists.Default].
func New(lists *siglists.Lists) *Generator {
	if lists == nil {
		lists = siglists.Default()
	}
	return &Generator{lists: lists, cache: newFrameCache()}
}

// Generate makes the signature of a crash. It does not change the crash.
func (g *Generator) Generate(in *CrashData) Result { return g.run(in).Result }

func (g *Generator) run(in *CrashData) run {
	r := run{g: g, in: in}
	for _, rule := range rules2026 {
		r.rule = rule.name
		if rule.when != nil && !rule.when(&r) {
			continue
		}
		if err := rule.apply(&r); err != nil {
			r.note("Rule failed: " + err.Error())
		}
	}
	return r
}

// run is one crash on its way through the rules.
type run struct {
	Result
	g      *Generator
	in     *CrashData
	rule   string // name of the rule at work, which notes begin with
	thread int    // index of the thread that was looked at last
}

func (r *run) note(text string) {
	r.Notes = append(r.Notes, r.rule+": "+text)
}

func (r *run) set(signature string) {
	r.Debug = append(r.Debug, r.rule+`: change signature: "`+r.Signature+`" -> "`+signature+`"`)
	r.Signature = signature
}
