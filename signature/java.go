package signature

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxLength is the length of a signature in characters. Longer Java signatures
// lose their description, longer signatures of all kinds their end.
const maxLength = 255

// generateFromJavaTrace makes the signature of a stack trace in text: class and
// message of the exception in the first line, the innermost method in the second.
func (r *run) generateFromJavaTrace() {
	const tool = "JavaSignatureTool: "
	if r.in.fault("java_stack_trace") != "" {
		r.note(tool + "stack trace not in expected format")
		r.set("EMPTY: Java stack trace not in expected format")
		return
	}
	lines := splitLines(r.in.JavaStackTrace)
	for i := range lines {
		lines[i] = strip(lines[i])
	}
	class, description, found := strings.Cut(lines[0], ":")
	if !found {
		r.note(tool + "stack trace line 1 is not in the expected format")
	}
	class = strip(class)
	description = hideAddresses(strip(description))

	var method string
	switch {
	case len(lines) < 2:
		r.note(tool + "stack trace line 2 is missing")
	case lines[1] == "":
		r.note(tool + "stack trace line 2 is empty")
	default:
		method = dropJavaLine(lines[1], r.g.pipeline.digit)
	}

	var signature string
	if strings.HasSuffix(description, "<addr>") {
		signature = joinNonEmpty(": ", class, description, method)
	} else {
		signature = joinNonEmpty(": ", class, joinNonEmpty(" ", description, method))
	}
	if utf8.RuneCountInString(signature) > maxLength {
		r.note(tool + "dropped Java exception description due to length")
		signature = class + ": " + method
	}
	if signature != "" {
		r.set(signature)
	}
}

// hideAddresses replaces "@01234567", an object's identity, by "@<addr>".
func hideAddresses(s string) string {
	const digits = 8
	var b strings.Builder
	done := 0
	for i := 0; i+1+digits <= len(s); i++ {
		if s[i] == '@' && plainHex(s[i+1:i+1+digits]) {
			b.WriteString(s[done:i] + "@<addr>")
			done = i + 1 + digits
			i = done - 1
		}
	}
	return b.String() + s[done:]
}

// dropJavaLine drops the line number of a method in "(Name.java:123)": it moves
// with every version. The function digit tells digits.
func dropJavaLine(method string, digit func(rune) bool) string {
	body, ok := strings.CutSuffix(method, ")")
	if !ok {
		return method
	}
	head := strings.TrimRightFunc(body, digit)
	if len(head) == len(body) || !strings.HasSuffix(head, ".java:") {
		return method
	}
	return strings.TrimSuffix(head, ":") + ")"
}

func joinNonEmpty(sep string, parts ...string) string {
	kept := make([]string, 0, len(parts))
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}

// generateFromJavaException makes the signature of a structured exception: its
// class and its innermost frame.
func (r *run) generateFromJavaException() error {
	v, err := parsePythonJSON(string(r.in.JavaException))
	if err != nil {
		v = nil // not JSON at all: as little in the expected format as any other
	}
	// The first exception is the one that was thrown last.
	stack := at(v, "exception", "values", "0", "stacktrace")
	if values, ok := at(v, "exception", "values").(*object); ok {
		stack = at(values, "0", "stacktrace")
	}
	if !truth(stack) {
		r.note("JavaExceptionSignatureTool: value not in expected format")
		r.set("EMPTY: Java exception not in expected format")
		return nil
	}
	obj, ok := stack.(*object)
	if !ok {
		return fmt.Errorf("the exception's stacktrace is %s where an object is needed", kind(stack))
	}
	signature := javaClass(obj)
	if frames := obj.get("frames"); truth(frames) {
		list, _ := frames.([]any)
		if len(list) == 0 {
			return fmt.Errorf("the exception's frames are %s where a list is needed", kind(frames))
		}
		frame, ok := list[0].(*object)
		if !ok {
			return fmt.Errorf("the exception's first frame is %s where an object is needed", kind(list[0]))
		}
		signature += ": at " + javaFrame(frame)
	}
	if signature != "" {
		r.set(signature)
	}
	return nil
}

// javaClass is the exception's class with its package. A missing type is
// Unknown; one that is null shows as Python's None and takes no package.
func javaClass(stack *object) string {
	if !stack.has("type") {
		stack = &object{values: map[string]any{"type": "Unknown", "module": stack.get("module")}}
	}
	class, module := stack.get("type"), stack.get("module")
	if truth(class) && truth(module) {
		return str(module) + "." + str(class)
	}
	return str(class)
}

func javaFrame(frame *object) string {
	var parts []string
	for _, key := range []string{"module", "function"} {
		if v := frame.get(key); truth(v) {
			parts = append(parts, str(v))
		}
	}
	if len(parts) == 0 {
		return "unknown"
	}
	name := strings.Join(parts, ".")
	if file := frame.get("filename"); truth(file) {
		name += "(" + str(file) + ")"
	}
	return name
}
