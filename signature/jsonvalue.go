package signature

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// object is a JSON object with its keys in the order of the text. Python's
// dictionaries keep that order, and it shows in signatures.
type object struct {
	keys   []string
	values map[string]any
}

// get gives a key's value, nil for a missing key as for null.
func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

func (o *object) has(key string) bool {
	if o == nil {
		return false
	}
	_, ok := o.values[key]
	return ok
}

// notANumber stands for the NaN that Python's JSON has and Go's has not. It is
// a number that no program writes.
const notANumber = "0.0e-0424242"

// maxDepth bounds nesting. Real crash data is ten deep.
const maxDepth = 500

// parseJSON decodes one JSON value into nil, bool, json.Number, string, []any
// and *object.
func parseJSON(text []byte) (any, error) {
	if !json.Valid(text) {
		// Decode for its error, which says where.
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, err
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the value")
	}
	return v, nil
}

// parsePythonJSON is parseJSON for text that Python's json module wrote or
// would read: NaN, Infinity and -Infinity are numbers.
func parsePythonJSON(text string) (any, error) {
	return parseJSON([]byte(plainNumbers(text)))
}

// plainNumbers replaces Python's three special numbers outside of strings.
// Python reads 1e99999 as infinity as well.
func plainNumbers(text string) string {
	if !strings.Contains(text, "NaN") && !strings.Contains(text, "Infinity") {
		return text
	}
	var b strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		switch {
		case inString && text[i] == '\\' && i+1 < len(text):
			b.WriteByte(text[i])
			i++
		case text[i] == '"':
			inString = !inString
		case !inString && strings.HasPrefix(text[i:], "NaN"):
			b.WriteString(notANumber)
			i += len("NaN") - 1
			continue
		case !inString && strings.HasPrefix(text[i:], "Infinity"):
			b.WriteString("1e99999")
			i += len("Infinity") - 1
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = dec.Token()
		return list, err
	case json.Delim('{'):
		obj := &object{values: map[string]any{}}
		for dec.More() {
			token, err := dec.Token()
			if err != nil {
				return nil, err
			}
			key, _ := token.(string) // the decoder refuses other keys
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			if !obj.has(key) {
				obj.keys = append(obj.keys, key)
			}
			obj.values[key] = v
		}
		_, err = dec.Token()
		return obj, err
	}
	return token, nil
}

// truth is bool(value) of a decoded JSON value.
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0 || v == notANumber
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *object:
		return len(v.keys) > 0
	}
	return false
}

// kind names a value's type for people.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

// at follows a path of keys and list indexes, written as glom writes them. It
// gives nil where the path ends early.
func at(v any, path ...string) any {
	for _, step := range path {
		switch here := v.(type) {
		case *object:
			v = here.get(step)
		case []any:
			if step != "0" || len(here) == 0 {
				return nil
			}
			v = here[0]
		default:
			return nil
		}
	}
	return v
}
