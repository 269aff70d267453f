package api_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"daybook/api"
	"daybook/events"
)

func TestSegments(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"7": "7", "u-1_b.c~d": "u-1_b.c~d", "a b": "a%20b", "ada@example.com": "ada%40example.com", "...": "...", ".a": ".a",
		"λ-世界": "%CE%BB-%E4%B8%96%E7%95%8C", "e\u0301": "e%CC%81", "१": "%E0%A5%A7",
		".": "~Lg", "..": "~Li4", "~x": "~fng", "~": "~fg", "": "~",
		"a/b": "~YS9i", "50%": "~NTAl", "a?": "~YT8", "a#b": "~YSNi", `a\b`: "~YVxi", "a;b": "~YTti", "a+b": "~YSti", "a:b": "~YTpi", "a,b": "~YSxi",
		"cat\nx": "~Y2F0Cng", "\x00": "~AA", "\u00a0": "~wqA", "😀": "~8J-YgA", "\ufffd": "~77-9",
	} {
		if got := api.EncodeSegment(value); got != want {
			t.Errorf("%q is written %s, want %s", value, got, want)
		}
	}
	for _, segment := range []string{"~", "~x", "~fn", "~fng=", "~f ng", "~fn\ng", "~7n g", "~5A", "~/w", "~fnh", "~a/b", "~7000/"} {
		if value, err := api.DecodeSegment("path", segment); events.CodeOf(err) != events.CodeMalformed || !strings.Contains(err.Error(), "~x is written ~fng") {
			t.Errorf("%q is read as %q, %v", segment, value, err)
		}
	}
}

// Any value comes back, and what is written holds nothing that a gateway or a
// client changes: it is the same after any number of decodings, if it has no percent
// sign, and else after one.
func TestSegmentsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(rapid.StringN(1, 20, -1), rapid.StringMatching(`[a-c%/?#;+~. \\]{1,8}`)).Draw(rt, "value")
		segment := api.EncodeSegment(value)
		if strings.ContainsAny(segment, `/?#;+\`) || segment == "." || segment == ".." {
			rt.Fatalf("%q is written %s", value, segment)
		}
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			rt.Fatal(err)
		}
		twice, err := url.PathUnescape(decoded)
		if err != nil || twice != decoded {
			rt.Fatalf("%q is written %s, which is %q decoded twice: %v", value, segment, twice, err)
		}
		if got, err := api.DecodeSegment("path", decoded); err != nil || got != value || !utf8.ValidString(got) {
			rt.Fatalf("%q is written %s and read as %q, %v", value, segment, got, err)
		}
	})
}

func TestEncodedSegmentsAreRead(t *testing.T) {
	t.Parallel()
	q := &querier{}
	for target, key := range map[string]string{
		"/members/~YS9i": "a/b", "/members/%7EYS9i": "a/b", "/members/~Li4": "..", "/members/~fng": "~x", "/members/a~": "a~", "/members/~77-9": "\ufffd",
	} {
		if w := do(queries(q, nil), "GET", target, ""); w.Code != 200 || q.key != key {
			t.Errorf("%s: %d, key %q, want %q", target, w.Code, q.key, key)
		}
	}
	for _, target := range []string{"/members/~x", "/members/~YS9i/c", "/members/~", "/streams/member/~x", "/members/%EF%BF%BD", "/members?name=%EF%BF%BD", "/members?%EF%BF%BD=1"} {
		wantProblem(t, do(queries(q, nil), "GET", target, ""), 400, "malformed")
	}
	if p := wantProblem(t, do(queries(q, nil), "GET", "/members/a/", ""), 404, "not-found"); !strings.Contains(p.Detail, "~ and its base64url") {
		t.Errorf("got %+v", p)
	}
}
