package process

import "testing"

func TestJavaTracesLoseTheirMessages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{
			"message over two lines, and a cause",
			"java.lang.IllegalStateException: user bob@example.com\n is gone\n\tat org.app.Main.run(Main.java:10)\n\tat org.app.Main.main(Main.java:3)\nCaused by: java.io.IOException: secret\n\tat x.y.Z.a(Z.java:1)\n",
			"java.lang.IllegalStateException\n\tat org.app.Main.run(Main.java:10)\n\tat org.app.Main.main(Main.java:3)",
		},
		{"no message", "java.lang.OutOfMemoryError\n\tat a.B.c(B.java:1)", "java.lang.OutOfMemoryError\n\tat a.B.c(B.java:1)"},
		{"no frames", "java.lang.Error: x", "java.lang.Error"},
		{"windows lines", "a.B: x\r\n\tat c.D.e(D.java:1)\r\n", "a.B\n\tat c.D.e(D.java:1)"},
		{"suppressed first", "a.B\n\tSuppressed: c.D: x\n\tat e.F.g(F.java:2)", "a.B"},
	} {
		if got, err := sanitizeTrace(c.text); got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	for _, text := range []string{"", "\n", "not a trace at all", "<html>", ": x"} {
		if got, err := sanitizeTrace(text); err == nil {
			t.Errorf("sanitizeTrace(%q) = %q; want an error", text, got)
		}
	}
}
