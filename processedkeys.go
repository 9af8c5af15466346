package socorro

import (
	"reflect"
	"strings"
)

// processedKeys are the JSON names of ProcessedCrash's typed fields.
var processedKeys = jsonKeys(reflect.TypeFor[ProcessedCrash]())

func jsonKeys(t reflect.Type) map[string]bool {
	keys := map[string]bool{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			keys[name] = true
		}
	}
	return keys
}
