package collect

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"socorro"
)

// payload is what one body held.
type payload struct {
	kind        string // "json", "multipart", "minidump" or "envelope"
	report      string // the client's own id of the report; "" when it did not say
	annotations socorro.Annotations
	files       []*file
	notes       []string
}

// payloadReader takes a decoded body apart.
type payloadReader struct {
	cfg   Config
	stage *staging
	log   *slog.Logger
	br    buffered

	payload
	sawJSON, sawFields bool
	size               int64 // bytes of all annotations
}

// read takes the body apart. The content type is only trusted for multipart:
// `curl --data-binary @x.dmp` calls a minidump a web form.
func (p *payloadReader) read(contentType string, envelope bool) (*payload, error) {
	p.annotations = socorro.Annotations{}
	if envelope {
		return &p.payload, p.envelope()
	}
	if p.cfg.Strict {
		if err := strictType(contentType); err != nil {
			return nil, err
		}
	}
	media, params := headerParams(contentType)
	media = strings.ToLower(media)
	if media != "multipart/form-data" && media != "multipart/mixed" {
		if magic, _ := p.br.Peek(len(minidumpMagic)); string(magic) == minidumpMagic {
			return p.bareMinidump()
		}
		if contentType == "" {
			return nil, &malformed{noContentType, nil}
		}
		return nil, &malformed{wrongContentType, fmt.Errorf("%.80q", contentType)}
	}
	boundary := ""
	for _, kv := range params {
		if kv[0] == "boundary" && boundary == "" {
			boundary = kv[1]
		}
	}
	if boundary == "" || len(boundary) > maxBoundary {
		return nil, &malformed{noBoundary, fmt.Errorf("%.80q", contentType)}
	}
	if err := p.multipart(newParts(p.br, boundary)); err != nil {
		return nil, err
	}
	return &p.payload, p.finish()
}

// strictType refuses what Antenna does: media types in capitals, and a boundary
// that is not the first parameter or longer than RFC 2046 allows.
func strictType(contentType string) error {
	media, rest, _ := strings.Cut(contentType, ";")
	rest, bounded := strings.CutPrefix(strings.TrimLeft(rest, " "), "boundary=")
	switch {
	case contentType == "":
		return &malformed{noContentType, nil}
	case media != "multipart/form-data" && media != "multipart/mixed":
		return &malformed{wrongContentType, fmt.Errorf("%.80q", contentType)}
	case !bounded || len(strings.Trim(rest, `"`)) > maxStrictBoundary:
		return &malformed{noBoundary, fmt.Errorf("%.80q", contentType)}
	}
	return nil
}

func (p *payloadReader) bareMinidump() (*payload, error) {
	p.kind = "minidump"
	held := 0
	f, err := p.stage.save(func() ([]byte, error) {
		_, _ = p.br.Discard(held)
		_, err := p.br.Peek(1)
		b, _ := p.br.Peek(p.br.Buffered())
		held = len(b)
		return b, err
	})
	if err != nil {
		return nil, structure(err)
	}
	f.Name, f.sent = socorro.MainDump, socorro.MainDump
	p.files = append(p.files, f)
	return &p.payload, nil
}

func (p *payloadReader) multipart(body *parts) error {
	p.kind = "multipart"
	for n := 0; ; n++ {
		h, err := body.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return structure(err)
		}
		if n >= p.cfg.MaxParts {
			return &malformed{tooManyParts, fmt.Errorf("more than %d", p.cfg.MaxParts)}
		}
		if !h.named {
			continue
		}
		if err := p.part(h, body.chunk); err != nil {
			return structure(err)
		}
	}
	// The epilogue means nothing, but the checksum of a compressed body stands
	// behind it.
	if _, err := io.Copy(io.Discard, p.br); err != nil && err != io.ErrUnexpectedEOF {
		return structure(err)
	}
	return nil
}

// structure gives an error its reason unless it has one or is not the client's.
func structure(err error) error {
	if _, ok := errors.AsType[*malformed](err); ok || errors.Is(err, socorro.ErrUnavailable) {
		return err
	}
	return &malformed{invalidStructure, err}
}

func (p *payloadReader) part(h part, chunk func() ([]byte, error)) error {
	if p.cfg.Strict && h.transfer != "" && h.transfer != "binary" {
		return fmt.Errorf("Content-Transfer-Encoding %.40q", h.transfer)
	}
	chunk, err := transferDecoded(h.transfer, chunk)
	if err != nil {
		return err
	}
	media, params := headerParams(h.contentType)
	if !p.cfg.Strict {
		media = strings.ToLower(media)
	}
	switch {
	case isExtra(media, h):
		return p.extra(chunk)
	case strings.HasPrefix(media, "text/plain") && h.filename == "":
		charset := "utf-8"
		for _, kv := range params {
			if kv[0] == "charset" && kv[1] != "" {
				charset = kv[1]
			}
		}
		return p.field(h.name, charset, chunk)
	default:
		return p.file(h, media, chunk)
	}
}

// isExtra tells the JSON object of annotations from a JSON file that a client
// attached to its report, such as its settings.
func isExtra(media string, h part) bool {
	return strings.HasPrefix(media, "application/json") &&
		(h.name == "extra" || h.filename == "" || strings.EqualFold(h.filename, "extra.json"))
}

// extra takes the JSON part. It replaces what came before it, as in Antenna;
// fields that follow are merged in.
func (p *payloadReader) extra(chunk func() ([]byte, error)) error {
	data, whole, err := p.text(chunk)
	if err != nil {
		return err
	}
	if !whole {
		return &malformed{jsonTooLarge, fmt.Errorf("more than %d bytes", p.cfg.MaxText)}
	}
	object, err := decodeJSON(data)
	if err != nil {
		return err
	}
	for name := range object {
		if err := p.checkName(name); err != nil {
			return err
		}
	}
	p.sawJSON = true
	p.annotations, p.size = object, 0
	return p.grow(int64(len(data)))
}

func (p *payloadReader) field(name, charset string, chunk func() ([]byte, error)) error {
	if err := p.checkName(name); err != nil {
		return err
	}
	data, whole, err := p.text(chunk)
	if err != nil {
		return err
	}
	p.sawFields = true
	if !whole {
		p.note(fmt.Sprintf("extract payload text part exception: annotation %.60s is larger than %d bytes", name, p.cfg.MaxText))
		return nil
	}
	text, undecodable := decodeText(data, charset)
	if undecodable != nil {
		p.note("extract payload text part exception: " + undecodable.Error())
		return nil //nolint:nilerr // the note says it; one bad annotation is no reason to lose a crash
	}
	p.annotations[name] = text
	return p.grow(int64(len(name) + len(text)))
}

// text reads a part into memory; whole is false when it is larger than MaxText,
// and the rest of it is skipped.
func (p *payloadReader) text(chunk func() ([]byte, error)) (data []byte, whole bool, err error) {
	whole = true
	for {
		b, err := chunk()
		switch {
		case err == io.EOF:
			return data, whole, nil
		case err != nil:
			return nil, false, err
		case int64(len(data)+len(b)) > p.cfg.MaxText:
			data, whole = nil, false
		case whole:
			data = append(data, b...)
		}
	}
}

func (p *payloadReader) checkName(name string) error {
	if len(name) > p.cfg.MaxName {
		return &malformed{nameTooLong, fmt.Errorf("%.60q… has %d bytes, %d are allowed", name, len(name), p.cfg.MaxName)}
	}
	return nil
}

func (p *payloadReader) grow(n int64) error {
	if p.size += n; p.size > p.cfg.MaxAnnotations {
		return &malformed{annotationsTooLarge, fmt.Errorf("more than %d bytes", p.cfg.MaxAnnotations)}
	}
	return nil
}

func (p *payloadReader) file(h part, media string, chunk func() ([]byte, error)) error {
	// The type says nothing reliable about a file: Firefox on Linux calls its
	// minidump application/vnd.tcpdump.pcap, Sentry's client gives it no type.
	if media != "application/octet-stream" {
		p.note(fmt.Sprintf("unknown content type: %.100s %.100s", h.name, h.contentType))
	}
	name := dumpName(h.name)
	if name == "raw_crash" || name == "processed_crash" || name == "dump_names" {
		return &malformed{invalidDumpName, fmt.Errorf("%.60q", h.name)}
	}
	if !p.cfg.Strict {
		var err error
		if chunk, err = p.unpacked(h, name, chunk); err != nil {
			return err
		}
	}
	f, err := p.stage.save(chunk)
	if err != nil {
		return err
	}
	f.Name, f.sent, f.filename = name, h.name, h.filename
	for i, old := range p.files {
		if old.sent == f.sent { // the last of the same name wins
			p.log.Info("file replaced by a later part of the same name", "file", f.Name)
			p.files[i] = f
			return nil
		}
	}
	p.files = append(p.files, f)
	return nil
}

const maxDumpName = 30

// dumpName keeps the characters of a part's name that are safe everywhere.
func dumpName(s string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, s)
	return name[:min(len(name), maxDumpName)]
}

// finish settles what depends on all parts.
func (p *payloadReader) finish() error {
	if p.sawJSON {
		p.kind = "json"
		if p.sawFields {
			p.note("includes annotations in both json-encoded extra and formdata parts")
		}
	}
	if p.cfg.Strict {
		return nil
	}
	p.nameFiles()
	return p.sentryField()
}

// nameFiles finds the crash's own minidump when no part is called
// upload_file_minidump, and makes the names unique: "app.log" and "applog" are
// both applog once cleaned.
func (p *payloadReader) nameFiles() {
	isMain := func(f *file) bool { return f.Name == socorro.MainDump }
	if !slices.ContainsFunc(p.files, isMain) {
		if i := slices.IndexFunc(p.files, (*file).isMinidump); i >= 0 {
			p.note(fmt.Sprintf("minidump taken from part %.100s", p.files[i].sent))
			p.files[i].Name = socorro.MainDump
		}
	}
	taken := map[string]bool{}
	for _, f := range p.files {
		if f.Name == "" {
			f.Name = "unnamed"
		}
		for base, n := f.Name, 2; taken[f.Name]; n++ {
			suffix := fmt.Sprintf("_%d", n)
			f.Name = base[:min(len(base), maxDumpName-len(suffix))] + suffix
		}
		taken[f.Name] = true
	}
}

func (p *payload) note(text string) {
	switch {
	case len(p.notes) < maxNotes:
		p.notes = append(p.notes, strings.ToValidUTF8(text, "\uFFFD"))
	case len(p.notes) == maxNotes:
		p.notes = append(p.notes, "further notes left out")
	}
}

// hasMinidump says whether there is something to process even when the client
// sent no annotations.
func (p *payload) hasMinidump() bool { return slices.ContainsFunc(p.files, (*file).isMinidump) }
