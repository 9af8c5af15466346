package signature

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// line42 numbers functions that begin with js_Interpret.
func line42(name string) string {
	if strings.HasPrefix(name, "js_Interpret") {
		return name + ":42"
	}
	return name
}

func TestCPPFunctionsLoseWhatDiffersBetweenBuilds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, in, want string }{
		{"return type and arguments", "static void * Allocator<MozJemallocBase>::malloc(unsigned __int64)", "Allocator<T>::malloc"},
		{"nested template arguments and const", "nsTArray_Impl<unsigned char, nsTArrayFallibleAllocator>::SizeOfExcludingThis(unsigned int (*)(void const*)) const", "nsTArray_Impl<T>::SizeOfExcludingThis"},
		{"a listed function carries its line", "js_Interpret(JSContext*)", "js_Interpret:42"},
		{"MSVC's anonymous namespace", "`anonymous namespace'::Foo::bar(int)", "(anonymous namespace)::Foo::bar"},
		{"the call operator is no argument list", "foo::operator()(int) const", "foo::operator()"},
		{"operator< is no type list", "a::operator<(b const&)", "a::operator<"},
		{"a conversion keeps the space in its name", "a::operator bool() const", "a::operator bool"},
		{"operator new loses a word, as in Socorro", "operator new[](unsigned long)", "new[]"},
		{"IPC::ParamTraits keeps its type", "IPC::ParamTraits<nsTArray<int> >::Read(x)", "IPC::ParamTraits<nsTArray<T> >::Read"},
		{"a cold clone is the same function", "somefunc (int arg1, int arg2) [clone .cold.111]", "somefunc  "},
		{"another clone is not", "f(int) [clone .isra.0]", "f [clone .isra.0]"},
		{"numbers of lambdas", "a::$_12::operator()() const", "a::$::operator()"},
		{"numbers of lambdas, two in a row", "a::$_12::$_3::b()", "a::$::$_3::b"},
		{"no digits, no lambda", "a::$_::b", "a::$_::b"},
		{"omitted names stay", "<name omitted>", "<name omitted>"},
		{"unknown functions stay", "<unknown in foo.dll>", "<unknown in foo.dll>"},
		{"Rust without a source file", "<A<T> as B<U>>::c<V>", "<A<T> as B<U>>::c<T>"},
		{"an unclosed bracket reaches to the end", "a::b<c<d>::e(f)", "a::b<T>"},
		{"an unopened one is ordinary", "f)g(h)", "f)g"},
		{"Objective-C", "-[NSView drawRect:]", "-[NSView drawRect:]"},
		{"all ref and const qualifiers", "foo() const &", "foo"},
		{"letters of other scripts", "é::ü<ß>(x)", "é::ü<T>"},
	} {
		t.Run(c.why, func(t *testing.T) {
			t.Parallel()
			if got, err := normaliseCPP(c.in, line42); got != c.want || err != nil {
				t.Errorf("normaliseCPP(%q) = %q, %v; want %q", c.in, got, err, c.want)
			}
		})
	}
}

func TestAFunctionThatIsNothingButAQualifierFails(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "const", "&", "&&", "const&"} {
		if got, err := normaliseCPP(in, line42); err == nil {
			t.Errorf("normaliseCPP(%q) = %q; want an error", in, got)
		}
	}
}

func TestRustFunctionsLoseHashAndGenerics(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"core::ptr::drop_in_place<alloc::vec::Vec<u8>>":  "core::ptr::drop_in_place<T>",
		"<webrender::Foo as core::ops::Drop>::drop":      "<webrender::Foo as core::ops::Drop>::drop",
		"std::panicking::begin_panic::h0123456789abcdef": "std::panicking::begin_panic",
		"a::b::h":      "a::b::h",
		"a::b::hxyz":   "a::b::hxyz",
		"a::b::h0f\n":  "a::b\n",
		"static a::b":  "a::b",
		"js_Interpret": "js_Interpret:42",
	} {
		if got, err := normaliseRust(in, line42); got != want || err != nil {
			t.Errorf("normaliseRust(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestCommasGetASpaceAndPointersLoseTheirs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a,b": "a, b", "a , b": "a, b", "a *": "a*", "a &b": "a&b", "a  *": "a *", "a,": "a, ", "plain": "plain", "a b": "a b",
	} {
		if got := tidySpaces(in); got != want {
			t.Errorf("tidySpaces(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestAddressesLoseTheirLeadingZeros(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0x00000000deadbeef": "0xdeadbeef", "0x0000": "0x0", "40": "0x40", " 0x10 ": "0x10", "-0x1": "-0x1",
		"1_0": "0x10", "__1": "__1", "0x": "0x", "zz": "zz", "0XFF": "0xff", "１２": "0x12", "": "",
		"0x000000000000000000000000ffffffffffffffffff": "0xffffffffffffffffff",
	} {
		if got := shortHex(in); got != want {
			t.Errorf("shortHex(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestTextIsHandledAsPythonDoes(t *testing.T) {
	t.Parallel()
	if got := strip("\x1c\u2003 a\u00a0b \x1f"); got != "a\u00a0b" {
		t.Errorf("strip = %q", got)
	}
	for in, want := range map[string]string{"FooBar.DLL": "foobar.dll", "İΣ.Dll": "i̇σ.dll", "ΑΣΒ ΑΣ": "ασβ ας", "Σ": "σ"} {
		if got := lower(in); got != want {
			t.Errorf("lower(%q) = %q; want %q", in, got, want)
		}
	}
	if got := strings.Join(splitLines("a\r\nb\vc\u2028d\n\ne\n"), "|"); got != "a|b|c|d||e" {
		t.Errorf("splitLines = %q", got)
	}
}

// FuzzNormalize: whatever a symbol file calls a function, its name comes out
// quickly, as valid text, and not much longer than it went in.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{
		"static void * A<B>::c(d) const", "operator<<(a&, int)", "IPC::ParamTraits<a<b>>::Read<f>(g)", "`anonymous namespace'::f",
		"<A as B>::c::h0123abc", "a[b] [clone .cold.2]", ")(", "><", "const", "  ", "::$_1::$_2::", "\n", "a,b , c", "\xff<",
	} {
		f.Add(s)
	}
	f.Add(strings.Repeat("IPC::ParamTraits<", 40))
	f.Fuzz(func(t *testing.T, in string) {
		for name, normalise := range map[string]func(string, func(string) string) (string, error){"C++": normaliseCPP, "Rust": normaliseRust} {
			out, err := normalise(in, line42)
			if err != nil && out != "" {
				t.Errorf("%s: normalise(%q) = %q with an error", name, in, out)
			}
			// At worst each "<" becomes "<T>" and each comma gets a space.
			if len(out) > 3*len(in)+len(":42") {
				t.Errorf("%s: normalise(%q) grew to %q", name, in, out)
			}
			if utf8.ValidString(in) && !utf8.ValidString(out) {
				t.Errorf("%s: normalise(%q) = %q is no valid UTF-8", name, in, out)
			}
		}
	})
}
