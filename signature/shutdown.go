package signature

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func shutdownTimedOut(r *run) bool {
	return r.in.AsyncShutdownTimeout != "" || r.in.fault("async_shutdown_timeout") != ""
}

// replaceByShutdown names the crash after the shutdown phase that did not end
// and what it waited for: the stack is the watchdog's and always the same.
func replaceByShutdown(r *run) error {
	if fault := r.in.fault("async_shutdown_timeout"); fault != "" {
		return errors.New(fault)
	}
	parts := []string{"AsyncShutdownTimeout"}
	v, err := parsePythonJSON(r.in.AsyncShutdownTimeout)
	if err == nil {
		var more []string
		more, err = shutdownParts(v)
		if fatal, ok := errors.AsType[*shapeError](err); ok {
			return fatal
		}
		parts = append(parts, more...)
	}
	if err != nil {
		r.note("Error parsing AsyncShutdownTimeout: " + err.Error())
		parts = append(parts, "UNKNOWN")
	}
	r.note(fmt.Sprintf(`Signature replaced with a Shutdown Timeout signature, was: "%s"`, r.Signature))
	r.set(strings.Join(parts, separator))
	return nil
}

// shapeError is JSON of a shape that leaves nothing to make a signature of.
type shapeError struct{ what string }

func (e *shapeError) Error() string { return e.what }

// shutdownParts gives the phase and the conditions. An error that is no
// shapeError comes with the parts found before it.
func shutdownParts(v any) ([]string, error) {
	data, ok := v.(*object)
	if !ok {
		return nil, &shapeError{"the annotation is " + kind(v) + " where an object is needed"}
	}
	phase := "(unknown)"
	if text, ok := data.get("phase").(string); ok {
		phase = text
	}
	conditions, err := shutdownConditions(data.get("conditions"))
	if err != nil {
		return []string{phase}, err
	}
	if len(conditions) == 0 {
		return []string{phase, "(none)"}, nil
	}
	slices.Sort(conditions)
	return []string{phase, strings.Join(conditions, ",")}, nil
}

// shutdownConditions names the conditions, each of which is a text or an object
// with a name. A text is a list of its characters, an object one of its keys,
// for they are in Python.
func shutdownConditions(v any) ([]string, error) {
	switch v := v.(type) {
	case []any:
		var names []string
		for _, condition := range v {
			if obj, ok := condition.(*object); ok {
				if !obj.has("name") {
					return nil, errors.New("a condition has no name")
				}
				condition = obj.get("name")
			}
			names = append(names, str(condition))
		}
		return names, nil
	case string:
		return strings.Split(v, ""), nil
	case *object:
		return slices.Clone(v.keys), nil
	}
	if truth(v) {
		return nil, &shapeError{"the conditions are " + kind(v) + " where a list is needed"}
	}
	return nil, nil
}
