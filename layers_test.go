package socorro_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "socorro"

// layers says what each folder may import besides the standard library and
// itself: our folders by name ("." is the root package), libraries by path.
// A folder that is not listed may import anything: system wires everything.
var layers = map[string][]string{
	".":         {},
	"siglists":  {},
	"stackwalk": {"github.com/klauspost/compress/", "golang.org/x/arch/"}, // a library that anyone can take
	"signature": {".", "siglists"},
	"process":   {".", "signature", "stackwalk"},
	"storage":   {".", "modernc.org/sqlite", "github.com/klauspost/compress/", "github.com/jackc/", "github.com/minio/", "github.com/typesense/"},
	"http":      {".", "github.com/gofiber/", "github.com/valyala/fasthttp", "github.com/klauspost/compress/", "github.com/prometheus/"},
	"actors":    {".", "process", "github.com/asynkron/"},
	"cluster":   {".", "github.com/asynkron/"},
	"cmd":       {"system"},
}

// testLibraries are what a package that only helps tests (storagetest) may import too.
var testLibraries = []string{"github.com/google/go-cmp/", "pgregory.net/rapid"}

// The sources are parsed here rather than listed by the go command: files read
// by the test itself are tracked by the test cache, a listing would be served stale.
func TestLayers(t *testing.T) {
	checked := 0
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		checked++
		checkImports(t, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Errorf("only %d files were checked: is the test run from the project's root?", checked)
	}
}

func checkImports(t *testing.T, path string) {
	t.Helper()
	top := "."
	if i := strings.IndexByte(path, '/'); i > 0 {
		top = path[:i]
	}
	may, bound := layers[top]
	if !bound {
		return
	}
	if strings.HasSuffix(filepath.Dir(path), "test") {
		may = append(slices.Clip(may), testLibraries...)
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Error(err)
		return
	}
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Errorf("%s: import %s: %v", path, spec.Path.Value, err)
		}
		if !allowed(imp, top, may) {
			t.Errorf("%s imports %s; %s may import %q", path, imp, top, may)
		}
	}
}

func allowed(imp, top string, may []string) bool {
	if imp == module {
		return slices.Contains(may, ".")
	}
	if ours, ok := strings.CutPrefix(imp, module+"/"); ok {
		folder, _, _ := strings.Cut(ours, "/")
		return folder == top || slices.Contains(may, folder)
	}
	host, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(host, ".") || // standard library
		slices.ContainsFunc(may, func(m string) bool { return m != "." && strings.Contains(m, ".") && strings.HasPrefix(imp, m) })
}

func TestLayersRefuseAPlantedImport(t *testing.T) {
	for _, c := range []struct {
		imp, top string
		want     bool
	}{
		{"socorro/storage/fs", "signature", false},
		{"socorro/siglists", "signature", true},
		{"github.com/gofiber/fiber/v2", "actors", false},
		{"github.com/gofiber/fiber/v2", "http", true},
		{"socorro", "stackwalk", false},
		{"socorro/stackwalk/minidump", "stackwalk", true},
		{"encoding/json", "stackwalk", true},
	} {
		if got := allowed(c.imp, c.top, layers[c.top]); got != c.want {
			t.Errorf("allowed(%q from %q) = %t; want %t", c.imp, c.top, got, c.want)
		}
	}
}
