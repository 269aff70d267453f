package messaging

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestLabels: whatever the text, every service takes what is made of it, and what
// a service takes as it is stays as it is.
func TestLabels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("a \t\n\x00\x1b\u0085\ufffe\uffff\ufffd😀é")), 0, 40, -1)).Draw(t, "text")
		if rapid.Bool().Draw(t, "broken") {
			text = text[:len(text)/2] + "\xff" + text[len(text)/2:]
		}
		size := rapid.IntRange(0, 60).Draw(t, "size")
		got := label(text, size)
		if len(got) > size || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x1b\u0085\ufffe\uffff") {
			t.Fatalf("%q of %q", got, text)
		}
		if harmless := utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f || r == 0xFFFE || r == 0xFFFF }); harmless && len(text) <= size && got != text {
			t.Fatalf("%q of %q", got, text)
		}
	})
	if got := label(strings.Repeat("😀", 200), 511); got != strings.Repeat("😀", 127) {
		t.Errorf("%d bytes", len(got))
	}
}
