package stackwalk_test

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"socorro/stackwalk"
	"socorro/stackwalk/symbols"
)

// keysOf adds the keys of all objects in v, but for those that are names of data.
func keysOf(v any, keys map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			keysOf(e, keys)
		}
	case map[string]any:
		for key, sub := range v {
			keys[key] = true
			if key != "registers" && key != "annotations" && key != "soft_errors" {
				keysOf(sub, keys)
			}
		}
	}
}

func TestEveryKeyOfTheJSONIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("json.md")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	root := symbolDir(t, map[string]string{"app.pdb/11111111111111111111111111111111f/app.sym": ""})
	for _, m := range machines() {
		r := walk(t, m.dump(), stackwalk.Options{Symbols: m.symbols(t), MaxFrames: 2})
		add(t, r, keys)
	}
	add(t, walk(t, everything(), stackwalk.Options{Symbols: symbols.Dir{Roots: []string{root}}}), keys)
	if len(keys) < 80 {
		t.Errorf("only %d keys were seen: %q", len(keys), slices.Sorted(maps.Keys(keys)))
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !strings.Contains(string(doc), "`"+key+"`") {
			t.Errorf("json.md does not tell of %s", key)
		}
	}
}

func add(t *testing.T, r *stackwalk.Report, keys map[string]bool) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b, false); err != nil {
		t.Fatal(err)
	}
	keysOf(decode(t, b.Bytes()), keys)
}
