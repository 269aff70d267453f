package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"daybook/functions/apigateway"
	"daybook/localstack/gateway"
)

// FuzzFormats: a request comes out of the events of both kinds of API as the same, or
// is refused by one of them as malformed.
func FuzzFormats(f *testing.F) {
	f.Add("GET", "/members/7", "name.gte=a&limit=2", `"1"`, "application/json", []byte(""))
	f.Add("POST", "/commands/create-member", "", "", "application/json", []byte(`{"id":"7"}`))
	f.Add("GET", "/members/~7e", "a=%C3%A4+b&a=&b", "W/\"1\", \"2\"", "", []byte{0xff, 0})
	f.Add("GET", "/a%20b/c", "a;b=%zz", "*", "text/plain", []byte("x"))
	f.Fuzz(func(t *testing.T, method, path, query, match, media string, body []byte) {
		var got []string
		for _, format := range []gateway.Format{gateway.HTTPAPI, gateway.RESTAPI} {
			request, err := http.NewRequestWithContext(t.Context(), method, "http://example.test/", strings.NewReader(string(body)))
			if err != nil || !strings.HasPrefix(path, "/") {
				return
			}
			o := gateway.Options{Format: format}
			called, seen := false, ""
			function := apigateway.New(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called, seen = true, whole(t, r) }), apigateway.Options{})
			o.Command, o.Query, o.Log = function.Invoke, function.Invoke, quiet()
			g := gateway.New(o)
			if request.URL, err = url.ParseRequestURI(g.Prefix() + path); err != nil {
				return
			}
			if strings.Contains(request.URL.EscapedPath(), "%") {
				return // the kinds differ in what they decode: see TestCapturedPaths
			}
			request.URL.RawQuery = query
			request.Header.Set("If-None-Match", match)
			request.Header.Set("Content-Type", media)
			w := httptest.NewRecorder()
			g.ServeHTTP(w, request)
			if !called && w.Code != http.StatusBadRequest {
				t.Errorf("the handler was not called, and the answer is %d", w.Code)
			}
			got = append(got, seen)
		}
		if got[0] != got[1] && got[0] != "" && got[1] != "" {
			t.Errorf("an HTTP API says\n%s\na REST API\n%s", got[0], got[1])
		}
	})
}

// whole is a request as text.
func whole(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if decoded, _ := url.QueryUnescape(r.URL.RawQuery); err != nil || !utf8.ValidString(decoded) {
		return "" // refused behind an HTTP API; a REST API refuses it itself, or hands over U+FFFD
	}
	return fmt.Sprintf("%s %q %q %q %q %q", r.Method, r.URL.Path, values.Encode(), r.Header["If-None-Match"], r.Header["Content-Type"], body)
}
