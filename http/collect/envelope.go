package collect

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"socorro"
)

// envelope reads what Sentry's clients send: a line of JSON about the whole,
// then items, each a line of JSON about it and its bytes.
func (p *payloadReader) envelope() error {
	p.kind = "envelope"
	var head struct {
		EventID string `json:"event_id"`
	}
	if err := p.jsonLine(&head); err != nil {
		return structure(err)
	}
	if len(head.EventID) <= maxReportID {
		p.report = strings.ToLower(head.EventID)
	}
	for n := 0; ; n++ {
		if n >= p.cfg.MaxParts {
			return &malformed{tooManyParts, fmt.Errorf("more than %d", p.cfg.MaxParts)}
		}
		var item envelopeItem
		err := p.jsonLine(&item)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.item(item)
		}
		if err != nil {
			return structure(err)
		}
	}
	p.nameFiles()
	return nil
}

const maxReportID = 64 // characters

// envelopeItem is the header of an item.
type envelopeItem struct {
	Type           string `json:"type"`
	Length         *int64 `json:"length"` // nil: up to the end of the line
	Filename       string `json:"filename"`
	AttachmentType string `json:"attachment_type"`
}

// jsonLine reads the next line that is not empty.
func (p *payloadReader) jsonLine(into any) error {
	for {
		line, err := p.line()
		if len(line) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		if err := json.Unmarshal(line, into); err != nil {
			return &malformed{invalidJSON, err}
		}
		return nil
	}
}

func (p *payloadReader) line() ([]byte, error) {
	var line []byte
	for {
		piece, err := p.br.ReadSlice('\n')
		if int64(len(line)+len(piece)) > p.cfg.MaxText {
			return nil, &malformed{jsonTooLarge, fmt.Errorf("a line of more than %d bytes", p.cfg.MaxText)}
		}
		line = append(line, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return []byte(strings.TrimSpace(string(line))), err
		}
	}
}

func (p *payloadReader) item(item envelopeItem) error {
	chunk := p.itemBytes(item.Length)
	switch item.Type {
	case "attachment":
		h := part{name: item.Filename, filename: item.Filename, contentType: "application/octet-stream"}
		if item.AttachmentType == "event.minidump" {
			h.name = socorro.MainDump
		}
		return p.file(h, h.contentType, chunk)
	case "event":
		data, whole, err := p.text(chunk)
		if err != nil {
			return err
		}
		if !whole {
			return &malformed{jsonTooLarge, fmt.Errorf("more than %d bytes", p.cfg.MaxText)}
		}
		event, err := decodeJSON(data)
		if err != nil {
			return err
		}
		return p.sentryEvent(event)
	default: // sessions, metrics, replays: nothing about a crash
		for {
			if _, err := chunk(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
}

// itemBytes gives the bytes of an item piece by piece.
func (p *payloadReader) itemBytes(length *int64) func() ([]byte, error) {
	held, left, byLine := 0, int64(0), length == nil
	if !byLine {
		left = *length
	}
	ended := false
	return func() ([]byte, error) {
		_, _ = p.br.Discard(held)
		held = 0
		switch {
		case ended, !byLine && left <= 0:
			return nil, io.EOF
		case byLine:
			piece, err := p.br.ReadSlice('\n')
			ended = err != bufio.ErrBufferFull
			if err == bufio.ErrBufferFull || err == io.EOF && len(piece) > 0 {
				err = nil
			}
			return []byte(strings.TrimSuffix(string(piece), "\n")), err
		}
		if _, err := p.br.Peek(1); err != nil {
			return nil, unexpected(err)
		}
		b, _ := p.br.Peek(int(min(int64(p.br.Buffered()), left)))
		held = len(b)
		left -= int64(held)
		return b, nil
	}
}

// sentryEvent takes what a crash needs from an event. The user stays out of it.
func (p *payloadReader) sentryEvent(event map[string]any) error {
	text := func(key string) string { s, _ := event[key].(string); return s }
	product, version, named := strings.Cut(text("release"), "@")
	if !named {
		product, version = "", product
	}
	version, build, _ := strings.Cut(version, "+")
	fields := [][2]string{
		{"ProductName", product},
		{"Version", version},
		{"BuildID", build},
		{"ReleaseChannel", text("environment")},
		{"platform", text("platform")},
	}
	if tags, ok := event["tags"].(map[string]any); ok {
		for key, value := range tags {
			if s, ok := value.(string); ok {
				fields = append(fields, [2]string{key, s})
			}
		}
	}
	for _, f := range fields {
		if _, has := p.annotations[f[0]]; has || f[1] == "" || f[0] == "" {
			continue
		}
		if err := p.checkName(f[0]); err != nil {
			return err
		}
		p.annotations[f[0]] = f[1]
		if err := p.grow(int64(len(f[0]) + len(f[1]))); err != nil {
			return err
		}
	}
	return nil
}

// sentryField reads the event that Sentry's minidump endpoint takes as a field.
func (p *payloadReader) sentryField() error {
	text, ok := p.annotations["sentry"].(string)
	if !ok || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil
	}
	event, err := decodeJSON([]byte(text))
	if err != nil {
		p.note("the field sentry is not valid JSON")
		return nil //nolint:nilerr // the note says it
	}
	delete(p.annotations, "sentry") // it has the user in it
	return p.sentryEvent(event)
}
