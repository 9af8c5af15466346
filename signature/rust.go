package signature

import "strings"

// normaliseRust names a Rust function without arguments, generic arguments and
// the hash that old manglings end in. The number function is as in normaliseCPP.
func normaliseRust(function string, number func(string) string) (string, error) {
	s, ok := dropPrefixAndReturnType(function)
	if !ok {
		return "", errNoName
	}
	s = rustTypes.collapse(s)
	s = rustArguments.collapse(s)
	return dropHash(tidySpaces(number(s))), nil
}

var (
	rustTypes     = collapser{'<', '>', "<T>", keepTraitImpl}
	rustArguments = collapser{'(', ')', "", nil}
)

// keepTraitImpl keeps <Type as Trait>, which says whose method it is.
func keepTraitImpl(_, inside, whole string) (string, bool) {
	return whole, strings.Contains(inside, " as ")
}

// dropHash cuts "::h0123456789abcdef" off the end, or off the line before a
// final line feed.
func dropHash(s string) string {
	body, newline := strings.CutSuffix(s, "\n")
	at := strings.LastIndex(body, "::h")
	if at < 0 {
		return s
	}
	for _, c := range body[at+len("::h"):] {
		if _, ok := digitOf(c); !ok || c > 0x7f {
			return s
		}
	}
	if at+len("::h") == len(body) {
		return s
	}
	if newline {
		return body[:at] + "\n"
	}
	return body[:at]
}

// rust134 gives back the modules of functions that Rust 1.34 wrote into symbol
// files without them, keyed by source file and function.
// https://github.com/rust-lang/rust/issues/60243
var rust134 = map[[2]string]string{
	{"src/liballoc/raw_vec.rs", "capacity_overflow"}:       "alloc::raw_vec::capacity_overflow",
	{"src/libcore/option.rs", "expect_failed"}:             "core::option::expect_failed",
	{"src/libcore/panicking.rs", "panic"}:                  "core::panicking::panic",
	{"src/libcore/panicking.rs", "panic_bounds_check"}:     "core::panicking::panic_bounds_check",
	{"src/libcore/panicking.rs", "panic_fmt"}:              "core::panicking::panic_fmt",
	{"src/libcore/slice/mod.rs", "slice_index_order_fail"}: "core::slice::slice_index_order_fail",
	{"src/libstd/panicking.rs", "begin_panic_fmt"}:         "std::panicking::begin_panic_fmt",
	{"src/libstd/panicking.rs", "continue_panic_fmt"}:      "std::panicking::continue_panic_fmt",
	{"src/libstd/panicking.rs", "rust_panic_with_hook"}:    "std::panicking::rust_panic_with_hook",
}
