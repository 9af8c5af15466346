package collect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// parts reads a multipart body part by part. It is stricter than
// mime/multipart about line ends (CRLF only) and about the size of part headers,
// and looser about their contents: a header line that makes no sense is skipped,
// any disposition may carry a name. Clients and Antenna agree on that.
type parts struct {
	br    buffered
	delim []byte // CRLF, two dashes, boundary

	inPart  bool
	atStart bool // no data of this part was read: the boundary may follow without CRLF
	begun   bool // the first boundary was seen
	final   bool // the last one
	held    int  // bytes that chunk handed out and has to discard
}

// part is what a part's headers say.
type part struct {
	name        string
	named       bool
	filename    string
	contentType string // as sent; "text/plain" when there was none
	transfer    string // Content-Transfer-Encoding, lower case
}

const (
	maxPartHeader  = 8 << 10 // bytes
	maxHeaderLines = 100
)

var errNoBoundary = errors.New("the boundary does not occur")

func newParts(br buffered, boundary string) *parts {
	return &parts{br: br, delim: []byte("\r\n--" + boundary), inPart: true, atStart: true}
}

// next goes to the next part, past whatever the caller left unread. io.EOF means
// that the final boundary was seen.
func (p *parts) next() (part, error) {
	for p.inPart { // at first this is the preamble
		if _, err := p.chunk(); err == io.ErrUnexpectedEOF && !p.begun {
			return part{}, errNoBoundary
		} else if err != nil && err != io.EOF {
			return part{}, err
		}
	}
	p.begun = true
	if p.final {
		return part{}, io.EOF
	}
	h, err := p.header()
	if err != nil {
		return part{}, err
	}
	p.inPart, p.atStart = true, true
	return h, nil
}

// chunk returns the next bytes of the part, valid until the next call, and
// io.EOF after its last byte. A body that ends inside a part is io.ErrUnexpectedEOF.
func (p *parts) chunk() ([]byte, error) {
	if !p.inPart {
		return nil, io.EOF
	}
	_, _ = p.br.Discard(p.held) // these bytes are buffered
	p.held = 0
	if p.atStart {
		p.atStart = false
		if end, err := p.boundary(p.delim[2:]); err != nil || end {
			return nil, p.ended(err)
		}
	}
	// Two bytes after the boundary decide whether it is one.
	_, err := p.br.Peek(len(p.delim) + 2)
	buf, _ := p.br.Peek(p.br.Buffered())
	i := bytes.Index(buf, p.delim)
	switch {
	case i > 0:
		return p.hold(buf[:i]), nil
	case i == 0:
		end, err := p.boundary(p.delim)
		if err != nil || end {
			return nil, p.ended(err)
		}
		return p.hold(buf[:2]), nil // it only looked like one
	case err != nil:
		return nil, unexpected(err)
	}
	// The delimiter may begin in the last bytes.
	return p.hold(buf[:len(buf)-len(p.delim)+1]), nil
}

func (p *parts) hold(b []byte) []byte {
	p.held = len(b)
	return b
}

func (p *parts) ended(err error) error {
	if err != nil {
		return err
	}
	p.inPart = false
	return io.EOF
}

// boundary consumes mark and the rest of its line when that makes a boundary
// line. Text such as "--boundaryX" is no boundary and stays.
func (p *parts) boundary(mark []byte) (bool, error) {
	buf, err := p.br.Peek(len(mark) + 2)
	if !bytes.HasPrefix(buf, mark) {
		return false, nil
	}
	if err != nil {
		return false, unexpected(err)
	}
	tail := buf[len(mark):]
	switch {
	case string(tail) == "--":
		p.final = true
		_, _ = p.br.Discard(len(buf))
		return true, nil
	case string(tail) == "\r\n":
		_, _ = p.br.Discard(len(buf))
		return true, nil
	case tail[0] != ' ' && tail[0] != '\t':
		return false, nil
	}
	_, _ = p.br.Discard(len(mark))
	line, err := p.br.ReadSlice('\n')
	if err != nil {
		return false, unexpected(err)
	}
	if len(bytes.Trim(line, " \t\r\n")) > 0 || !bytes.HasSuffix(line, []byte("\r\n")) {
		return false, errors.New("a boundary's line goes on")
	}
	return true, nil
}

// header reads the lines up to the empty one.
func (p *parts) header() (part, error) {
	h := part{contentType: "text/plain"}
	total := 0
	for lines := 0; ; lines++ {
		line, err := p.br.ReadSlice('\n')
		total += len(line)
		switch {
		case total > maxPartHeader || lines > maxHeaderLines || err == bufio.ErrBufferFull:
			return h, fmt.Errorf("the header of a part is larger than %d bytes or %d lines", maxPartHeader, maxHeaderLines)
		case err != nil:
			return h, unexpected(err)
		}
		text, ok := strings.CutSuffix(string(line), "\r\n")
		if !ok {
			return h, errors.New("a header line of a part does not end with CRLF")
		}
		if text == "" {
			return h, nil
		}
		h.field(text)
	}
}

func (h *part) field(line string) {
	key, value, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "content-disposition":
		_, params := headerParams(value)
		for _, kv := range params {
			switch kv[0] {
			case "name":
				h.name, h.named = cleanName(kv[1]), true
			case "filename", "filename*":
				h.filename = cleanName(kv[1])
			}
		}
	case "content-type":
		if value != "" {
			h.contentType = strings.ToValidUTF8(value, "\uFFFD")
		}
	case "content-transfer-encoding":
		h.transfer = strings.ToLower(value)
	}
}

func cleanName(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// headerParams splits `value; key=text; key="quoted \" text"` into the value and
// the parameters in order, keys in lower case. It never fails: what is not a
// parameter is left out.
func headerParams(s string) (value string, params [][2]string) {
	value, rest, _ := strings.Cut(s, ";")
	for rest != "" {
		key, after, ok := strings.Cut(rest, "=")
		if semi := strings.IndexByte(rest, ';'); !ok || semi >= 0 && semi < len(key) {
			_, rest, _ = strings.Cut(rest, ";")
			continue
		}
		key = strings.ToLower(strings.TrimSpace(key))
		after = strings.TrimLeft(after, " \t")
		var text string
		if strings.HasPrefix(after, `"`) {
			text, rest = unquote(after[1:])
			_, rest, _ = strings.Cut(rest, ";")
		} else {
			text, rest, _ = strings.Cut(after, ";")
			text = strings.TrimSpace(text)
		}
		params = append(params, [2]string{key, text})
	}
	return strings.TrimSpace(value), params
}

// unquote reads up to the closing quote. Only quotes and backslashes can be
// escaped: old Windows clients send filename="C:\dump.dmp" as it is.
func unquote(s string) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
