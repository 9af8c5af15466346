package signature

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// replaceByShutdown2018 is stricter than today's rule: phase and conditions
// must be there, and every condition must be a text or have a name that is one.
func replaceByShutdown2018(r *run) error {
	if fault := r.in.fault("async_shutdown_timeout"); fault != "" {
		return errors.New(fault)
	}
	parts := []string{"AsyncShutdownTimeout"}
	annotation := r.in.AsyncShutdownTimeout
	if r.g.compat {
		annotation = laxNumbers(annotation)
	}
	more, err := shutdownParts2018(annotation)
	if fatal, ok := errors.AsType[*shapeError](err); ok {
		return fatal
	}
	parts = append(parts, more...)
	if err != nil {
		r.note("Error parsing AsyncShutdownTimeout: " + err.Error())
		parts = append(parts, "UNKNOWN")
	}
	if err := r.pythonBytes(r.Signature); err != nil {
		return err
	}
	r.note(fmt.Sprintf(`Signature replaced with a Shutdown Timeout signature, was: "%s"`, r.Signature))
	r.set(strings.Join(parts, separator))
	return nil
}

// shutdownParts2018 gives phase and conditions. An error that is no shapeError
// comes with the parts found before it.
func shutdownParts2018(annotation string) ([]string, error) {
	v, err := parseJSON([]byte(annotation))
	if err != nil {
		return nil, err
	}
	if tooBig(v) {
		return nil, errors.New("a number in it has more than 64 bits")
	}
	data, ok := v.(*object)
	if !ok {
		return nil, &shapeError{"the annotation is " + kind(v) + " where an object is needed"}
	}
	if !data.has("phase") {
		return nil, errors.New("'phase'")
	}
	phase, isText := data.get("phase").(string)
	parts := []string{phase}
	if !data.has("conditions") {
		if !isText {
			return nil, &shapeError{"the phase is " + kind(data.get("phase")) + " where a string is needed"}
		}
		return parts, errors.New("'conditions'")
	}
	conditions, err := shutdownConditions2018(data.get("conditions"))
	if !isText {
		return nil, &shapeError{"the phase is " + kind(data.get("phase")) + " where a string is needed"}
	}
	if err != nil {
		return parts, err
	}
	if len(conditions) == 0 {
		return append(parts, "(none)"), nil
	}
	slices.Sort(conditions)
	return append(parts, strings.Join(conditions, ",")), nil
}

func shutdownConditions2018(v any) ([]string, error) {
	var list []any
	switch v := v.(type) {
	case []any:
		list = v
	case string:
		return strings.Split(v, ""), nil
	case *object:
		return slices.Clone(v.keys), nil
	default:
		return nil, &shapeError{"the conditions are " + kind(v) + " where a list is needed"}
	}
	var names []string
	var unfit error
	for _, condition := range list {
		if obj, ok := condition.(*object); ok {
			if !obj.has("name") {
				return nil, errors.New("'name'")
			}
			condition = obj.get("name")
		}
		name, ok := condition.(string)
		if !ok {
			unfit = &shapeError{"the name of a condition is " + kind(condition) + " where a string is needed"}
		}
		names = append(names, name)
	}
	return names, unfit
}

// tooBig reports whether there is a whole number in the value that the JSON
// reader of 2018 refused.
func tooBig(v any) bool {
	switch v := v.(type) {
	case json.Number:
		text := strings.TrimPrefix(v.String(), "-")
		const largest = "18446744073709551615"
		return !strings.ContainsAny(text, ".eE") && (len(text) > len(largest) || len(text) == len(largest) && text > largest)
	case []any:
		return slices.ContainsFunc(v, tooBig)
	case *object:
		for _, value := range v.values {
			if tooBig(value) {
				return true
			}
		}
	}
	return false
}

// laxNumbers makes JSON of numbers that only the reader of 2018 took: 007, and
// a minus without digits, which is 0.
func laxNumbers(text string) string {
	var b strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
			continue
		case c == '"':
			inString = !inString
		case !inString && c == '-' && !digitAt(text, i+1):
			b.WriteByte('0')
			continue
		case !inString && c == '0' && digitAt(text, i+1) && (i == 0 || !digitAt(text, i-1) && text[i-1] != '.' && text[i-1] != '+'):
			for digitAt(text, i+1) && text[i] == '0' {
				i++
			}
			c = text[i]
		}
		b.WriteByte(c)
	}
	return b.String()
}

func digitAt(text string, i int) bool {
	return i < len(text) && text[i] >= '0' && text[i] <= '9'
}
