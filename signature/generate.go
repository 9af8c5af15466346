// Package signature names crashes: it makes one short text of a crash's stack
// and annotations, so that crashes of the same bug get the same text.
//
// [Generator.Generate] runs a table of rules, read top to bottom in rules.go.
// The first makes a signature of the crashing thread's frames or of a Java
// stack trace; the others add what else is known (out of memory, abort message,
// hang) or clean up. A rule that fails leaves a note, and the next one runs.
//
// Which frames count is decided by the lists of package siglists. The rules are
// Socorro's, of 2026 or of 2018, with their quirks: a signature is the name
// under which years of crashes are grouped, and a better name is a different
// name. docs/signatures.md lists the few mistakes that are not copied.
//
// The package does no input or output.
package signature

import "socorro/siglists"

// Result is what the rules made of a crash.
type Result struct {
	Signature string // at most 255 characters; "" when the rules failed

	// ProtoSignature is every frame that was looked at, normalised, with nothing
	// left out. Empty for Java crashes and crashes without a stack.
	ProtoSignature string
	HasProto       bool // a rule set ProtoSignature, be it to ""

	Notes []string // for the processor's notes; in 2026 "<rule>: <what>"
	Debug []string // how the signature changed, rule by rule
}

// Generator makes signatures. It is safe for concurrent use.
type Generator struct {
	lists    *siglists.Lists
	pipeline *pipeline
	compat   bool
	cache    *frameCache
	watchdog *Generator      // for the thread that hangs; nil means this one
	rival    *siglists.Lists // other lists to judge frames by as well; nil for none
}

// Config says by which rules and lists signatures are made. The zero value is
// what the server does.
type Config struct {
	Pipeline Pipeline        // default [Rules2026]
	Lists    *siglists.Lists // default [siglists.Default]

	// Compat copies the mistakes of Socorro that are left out otherwise: those
	// by which a crash loses its name. docs/signatures.md lists them.
	Compat bool
}

// New makes a Generator of today's rules that works with the lists; nil means
// [siglists.Default].
func New(lists *siglists.Lists) *Generator {
	return newGenerator(Config{Lists: lists}, &pipelines[0])
}

// NewGenerator makes a Generator. The error, of kind [socorro.ErrInvalid], is
// for a pipeline that there is not.
func NewGenerator(cfg Config) (*Generator, error) {
	p, err := cfg.Pipeline.find()
	if err != nil {
		return nil, err
	}
	return newGenerator(cfg, p), nil
}

func newGenerator(cfg Config, p *pipeline) *Generator {
	if cfg.Lists == nil {
		cfg.Lists = siglists.Default()
	}
	g := &Generator{lists: cfg.Lists, pipeline: p, compat: cfg.Compat, cache: newFrameCache()}
	if cfg.Compat && p.name == Rules2026 {
		g.watchdog = New(nil)
	}
	return g
}

// Generate makes the signature of a crash. It does not change the crash.
func (g *Generator) Generate(in *CrashData) Result { return g.run(in).Result }

func (g *Generator) run(in *CrashData) run {
	r := run{g: g, in: in}
	r.do()
	return r
}

// run is one crash on its way through the rules.
type run struct {
	Result
	g      *Generator
	in     *CrashData
	rule   string // name of the rule at work, which notes begin with
	thread int    // index of the thread that was looked at last

	stacks []namedStack // that were named already
	rival  bool         // the lists of the generator's rival count
}

func (r *run) do() {
	for _, rule := range r.g.pipeline.rules {
		r.rule = rule.name
		if rule.when != nil && !rule.when(r) {
			continue
		}
		if err := rule.apply(r); err != nil {
			r.Notes = append(r.Notes, r.g.pipeline.failed(r.rule, err))
		}
	}
}

func (r *run) note(text string) {
	r.Notes = append(r.Notes, r.g.pipeline.note(r.rule, text))
}

func (r *run) set(signature string) {
	r.Debug = append(r.Debug, r.rule+`: change signature: "`+r.Signature+`" -> "`+signature+`"`)
	r.Signature = signature
}
