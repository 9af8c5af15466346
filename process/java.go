package process

import (
	"context"
	"errors"
	"regexp"
	"strings"
)

// Exceptions quote what the program worked on, so a stack trace has a public
// form without any message. Signatures are made of that one.
const javaTrace = "java_stack_trace"

var javaClass = regexp.MustCompile(`^[\pL_$][\pL\pN_$.]*$`)

func hasJavaTrace(s *State) bool { return s.Raw.Annotations.Text("JavaStackTrace") != "" }

// javaStackTrace makes the public form: the exception's class and its frames,
// without messages and without the exceptions that caused it.
func javaStackTrace(_ context.Context, s *State) error {
	public, err := sanitizeTrace(s.Raw.Annotations.Text("JavaStackTrace"))
	if err != nil {
		s.set(javaTrace, "malformed")
		s.note("JavaStackTraceRule: malformed java stack trace")
		return nil //nolint:nilerr // the crash's fault, not the rule's
	}
	s.set(javaTrace, public)
	return nil
}

func sanitizeTrace(text string) (string, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	class, _, _ := strings.Cut(lines[0], ":")
	if class = strings.TrimSpace(class); !javaClass.MatchString(class) {
		return "", errors.New("its first line does not begin with a class")
	}
	public := []string{class}
	for _, line := range lines[1:] {
		switch frame := strings.TrimSpace(line); {
		case strings.HasPrefix(frame, "at "):
			public = append(public, "\t"+frame)
		case strings.HasPrefix(frame, "Caused by:"), strings.HasPrefix(frame, "Suppressed:"):
			return strings.Join(public, "\n"), nil
		}
	}
	return strings.Join(public, "\n"), nil
}
