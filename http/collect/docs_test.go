package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDocumentationListsReasonsAndRoutes(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "collector.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Reasons() {
		if line := fmt.Sprintf("| `%s` | %d | %s |\n", r.Name, r.Status, r.Help); !strings.Contains(string(data), line) {
			t.Errorf("docs/collector.md lacks the line\n%s", line)
		}
	}
	for _, r := range Routes() {
		if !strings.Contains(string(data), "\n| `"+r.Path+"` | ") {
			t.Errorf("docs/collector.md lacks the path %s", r.Path)
		}
	}
}

func TestTheRulesInTheDocumentationCanBeRead(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "collector.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```\n# NAME:")
	example, _, _ := strings.Cut(rest, "```")
	policy, err := ParsePolicy(strings.NewReader("#" + example))
	if err != nil || len(policy.Rules) != 5 || len(policy.Ended) != 1 {
		t.Errorf("the example gives %+v, %v", policy, err)
	}
}
