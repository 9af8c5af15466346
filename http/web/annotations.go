package web

import (
	"strings"

	"socorro"
)

const (
	annotationLimit = 1_000
	annotationValue = 4_000 // characters of one value
)

type annotationsView struct {
	Rows    []annotationRow
	Masked  int // how many values are not shown
	More    int // annotations past the limit
	Missing string
}

type annotationRow struct {
	Key    string
	Value  string
	Masked bool
	Long   bool
}

// viewAnnotations names every annotation, and shows the values of those that
// are on the public list. A name that nobody knows may hold anything, so it
// stays masked: clients send user names, paths and tokens under names of their own.
func viewAnnotations(all socorro.Annotations, protected bool) annotationsView {
	var v annotationsView
	for _, k := range all.Keys() {
		if len(v.Rows) == annotationLimit {
			v.More = len(all) - annotationLimit
			break
		}
		r := annotationRow{Key: shorten(k, 200)}
		if protected || socorro.PublicAnnotation(k) {
			r.Value = shorten(visible(all.Text(k)), annotationValue)
			r.Long = len(r.Value) > 160 || strings.Contains(r.Value, "\n")
		} else {
			r.Masked = true
			v.Masked++
		}
		v.Rows = append(v.Rows, r)
	}
	return v
}
