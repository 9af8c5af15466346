package reason

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
)

// codes has a line "group TAB value TAB name" for each code, value in 8 hex
// digits, lines sorted by their bytes. It is searched as it stands: parsing it
// would cost every start of the program 6,000 allocations for the one or two
// codes that a crash needs.
//
//go:generate go run ./gen codes.tsv
//go:embed codes.tsv
var codes string

// name is what a group calls a value. Values of more than 32 bits have no name.
func name(group string, value uint64) (string, bool) {
	if value > 0xffffffff {
		return "", false
	}
	key := fmt.Sprintf("%s\t%08x\t", group, value)
	// Search offsets instead of lines: the line of an offset is the one that
	// begins at or after it, so lines come in the order of their offsets.
	i := sort.Search(len(codes), func(off int) bool {
		line := codes[lineStart(off):]
		return len(line) == 0 || line[:min(len(line), len(key))] >= key
	})
	rest, ok := strings.CutPrefix(codes[lineStart(i):], key)
	if !ok {
		return "", false
	}
	text, _, _ := strings.Cut(rest, "\n")
	return text, true
}

// lineStart is where the first line that does not begin before off begins.
func lineStart(off int) int {
	if off == 0 {
		return 0
	}
	nl := strings.IndexByte(codes[off-1:], '\n')
	if nl < 0 {
		return len(codes)
	}
	return off + nl
}
