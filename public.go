package socorro

import (
	_ "embed"
	"strings"
)

// What everybody may see is decided here and nowhere else, by lists of what is
// known to be harmless. Pages, API and exports ask; a name that is not listed is
// protected, because clients send user names, paths and tokens under names of
// their own.

//go:embed publicannotations.txt
var publicAnnotationsText string

//go:embed publicfields.txt
var publicFieldsText string

var (
	publicAnnotations = nameList(publicAnnotationsText)
	publicFields      = nameList(publicFieldsText)
)

// PublicAnnotation says whether everybody may see the values of an annotation.
func PublicAnnotation(name string) bool { return publicAnnotations[name] }

// PublicField says whether everybody may see a field of a processed crash.
func PublicField(name string) bool { return publicFields[name] }

// nameList reads one name a line; # begins a comment.
func nameList(text string) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			names[line] = true
		}
	}
	return names
}
