package system

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"socorro"
	"socorro/signature"
)

// signaturePrinter prints signed crashes in one of four forms.
type signaturePrinter struct {
	format  string
	out     io.Writer
	verbose bool
	err     error // first error of writing
}

func newSignaturePrinter(format string, out io.Writer, verbose bool) *signaturePrinter {
	return &signaturePrinter{format: format, out: out, verbose: verbose}
}

func (p *signaturePrinter) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, args...)
	}
}

func (p *signaturePrinter) begin() {
	if p.format == "csv" {
		p.row("crashid", "old", "new", "same?", "notes")
	}
}

func (p *signaturePrinter) end() error { return p.err }

func (p *signaturePrinter) crash(id socorro.CrashID, old string, r signature.Result) error {
	switch p.format {
	case "csv":
		p.row(string(id), old, r.Signature, pythonBool(old == r.Signature), strings.Join(r.Notes, "\n"))
	case "markdown":
		p.markdown(id, old, r)
	case "json":
		p.json(id, old, r)
	default:
		p.text(id, old, r)
	}
	return p.err
}

// pythonBool writes the answer as scripts that read Socorro's output expect it.
func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

const indent = "          "

func (p *signaturePrinter) text(id socorro.CrashID, old string, r signature.Result) {
	p.printf("Crash id: %s\n", id)
	p.printf("Original: %s\n", old)
	p.printf("New:      %s\n", r.Signature)
	p.printf("Same?:    %s\n", pythonBool(old == r.Signature))
	p.list("Notes:    ", r.Notes)
	if p.verbose {
		p.list("Debug:    ", r.Debug)
		p.printf("Extra:\n%sproto_signature: %s\n", indent, r.ProtoSignature)
	}
	p.printf("\n")
}

func (p *signaturePrinter) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.printf("%s(%d)\n", title, len(lines))
	for _, line := range lines {
		p.printf("%s%s\n", indent, line)
	}
}

// row quotes every field, which encoding/csv does not.
func (p *signaturePrinter) row(fields ...string) {
	quoted := make([]string, len(fields))
	for i, f := range fields {
		quoted[i] = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
	}
	p.printf("%s\n", strings.Join(quoted, ","))
}

func (p *signaturePrinter) markdown(id socorro.CrashID, old string, r signature.Result) {
	p.printf("* **Crash id:** %s\n", code(string(id)))
	p.printf("* **Original:** %s\n", code(old))
	p.printf("* **New:** %s\n", code(r.Signature))
	p.printf("* **Same?:** %s\n", pythonBool(old == r.Signature))
	p.bullets("Notes", r.Notes)
	if p.verbose {
		p.bullets("Debug", r.Debug)
		p.printf("* **Extra:**\n  * proto_signature: %s\n", code(r.ProtoSignature))
	}
	p.printf("\n")
}

func (p *signaturePrinter) bullets(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.printf("* **%s:** (%d)\n", title, len(lines))
	for _, line := range lines {
		p.printf("  * %s\n", code(line))
	}
}

// code is a text between more backticks than it has in a row.
func code(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ReplaceAll(text, "\n", " ")
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) == 1 {
		return fence + text + fence
	}
	return fence + " " + text + " " + fence
}

// signedJSON is one line of JSON about a crash.
type signedJSON struct {
	ID    socorro.CrashID `json:"crash_id"`
	Old   string          `json:"old"`
	New   string          `json:"new"`
	Same  bool            `json:"same"`
	Notes []string        `json:"notes"`
	Proto *string         `json:"proto_signature"`
	Debug []string        `json:"debug,omitempty"`
}

func (p *signaturePrinter) json(id socorro.CrashID, old string, r signature.Result) {
	line := signedJSON{ID: id, Old: old, New: r.Signature, Same: old == r.Signature, Notes: notNil(r.Notes), Proto: proto(r)}
	if p.verbose {
		line.Debug = r.Debug
	}
	if p.err == nil {
		p.err = jsonLine(p.out, line)
	}
}

// proto is null where no rule set it.
func proto(r signature.Result) *string {
	if !r.HasProto {
		return nil
	}
	return &r.ProtoSignature
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// jsonLine writes a value on a line of its own, in ASCII: names of functions may
// hold characters such as U+0085 that some programs take for the end of a line.
func jsonLine(out io.Writer, value any) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	line := make([]byte, 0, text.Len())
	for _, r := range text.String() {
		switch {
		case r < 0x7f:
			line = append(line, byte(r))
		case r < 0x10000:
			line = fmt.Appendf(line, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			line = fmt.Appendf(line, `\u%04x\u%04x`, high, low)
		}
	}
	_, err := out.Write(line)
	return err
}

// csvTable writes rows where fields need quotes only when they need them.
func csvTable(out io.Writer, rows [][]string) error {
	return csv.NewWriter(out).WriteAll(rows)
}
