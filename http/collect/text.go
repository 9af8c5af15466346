package collect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"socorro"
)

// windows1252 are the characters of bytes 0x80 to 0x9f; 0 where there is none.
const windows1252 = "€\x00‚ƒ„…†‡ˆ‰Š‹Œ\x00Ž\x00\x00‘’“”•–—˜™š›œ\x00žŸ"

// decodeText turns the bytes of a text part into text.
func decodeText(b []byte, charset string) (string, error) {
	bad := fmt.Errorf("invalid text or charset: %.40s", charset)
	switch strings.ReplaceAll(strings.ToLower(charset), "_", "-") {
	case "utf-8", "utf8":
		if !utf8.Valid(b) {
			return "", bad
		}
		return string(b), nil
	case "us-ascii", "ascii":
		if bytes.ContainsFunc(b, func(r rune) bool { return r > 127 }) {
			return "", bad
		}
		return string(b), nil
	case "iso-8859-1", "latin-1", "latin1":
		return decodeBytes(b, nil)
	case "windows-1252", "cp1252":
		return decodeBytes(b, []rune(windows1252))
	case "utf-16", "utf-16le", "utf-16be":
		if s, ok := decodeUTF16(b, strings.HasSuffix(strings.ToLower(charset), "be")); ok {
			return s, nil
		}
	}
	return "", bad
}

func decodeBytes(b []byte, high []rune) (string, error) {
	var s strings.Builder
	for _, c := range b {
		r := rune(c)
		if c >= 0x80 && int(c)-0x80 < len(high) {
			if r = high[c-0x80]; r == 0 {
				return "", errors.New("invalid text or charset: windows-1252")
			}
		}
		s.WriteRune(r)
	}
	return s.String(), nil
}

func decodeUTF16(b []byte, bigEndian bool) (string, bool) {
	if len(b)%2 != 0 {
		return "", false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if bigEndian {
		order = binary.BigEndian
	}
	if len(b) >= 2 {
		switch {
		case b[0] == 0xff && b[1] == 0xfe:
			order, b = binary.LittleEndian, b[2:]
		case b[0] == 0xfe && b[1] == 0xff:
			order, b = binary.BigEndian, b[2:]
		}
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units)), true
}

// decodeJSON reads the JSON object that holds a client's annotations. Like
// Python's reader, which all clients were tested against for years, it takes
// UTF-8 with or without byte order mark and UTF-16, and the numbers NaN and
// Infinity; those become text, since no other JSON reader understands them.
func decodeJSON(data []byte) (socorro.Annotations, error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		data = data[3:]
	case len(data) >= 2 && (data[0] == 0 || data[1] == 0 || data[0] >= 0xfe):
		text, ok := decodeUTF16(data, data[0] == 0)
		if !ok {
			return nil, &malformed{invalidJSON, errors.New("neither UTF-8 nor UTF-16")}
		}
		data = []byte(text)
	}
	if !utf8.Valid(data) {
		return nil, &malformed{invalidJSON, errors.New("not UTF-8")}
	}
	data, values := quoteNonNumbers(data)
	if values > maxJSONValues {
		return nil, &malformed{jsonTooLarge, fmt.Errorf("more than %d values", maxJSONValues)}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, &malformed{invalidJSON, err}
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, &malformed{invalidJSON, errors.New("something follows the JSON value")}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, &malformed{invalidJSONValue, fmt.Errorf("a %T where an object is needed", value)}
	}
	return object, nil
}

// quoteNonNumbers puts quotes around NaN, Infinity and -Infinity outside of
// strings, and counts the values, without building any of them.
func quoteNonNumbers(data []byte) (fixed []byte, values int) {
	values = 1
	kept := 0 // data[:kept] is already in fixed
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case ',', '[', '{':
			values++
		case 'N', 'I', '-':
			for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
				if bytes.HasPrefix(data[i:], []byte(word)) {
					fixed = append(append(fixed, data[kept:i]...), `"`+word+`"`...)
					i += len(word) - 1
					kept = i + 1
					break
				}
			}
		}
	}
	if kept == 0 {
		return data, values
	}
	return append(fixed, data[kept:]...), values
}
