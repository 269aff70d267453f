package api_test

import (
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"daybook/api"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
)

// TestRootNamesWhatThereIs: every address that GET / gives leads somewhere.
func TestRootNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	w := do(s.handler, "GET", "/", "")
	type link struct{ Name, Method, Href string }
	var got struct {
		Title, Version         string
		Links, Views, Commands []link
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil || w.Code != 200 {
		t.Fatalf("got %d %s: %v", w.Code, w.Body, err)
	}
	if got.Title != "Daybook" || got.Version != "1" || len(got.Views) != len(testdomain.Views()) || len(got.Links) != 2 || len(got.Commands) < 10 {
		t.Errorf("got %s", w.Body)
	}
	for _, l := range append(got.Links, append(got.Views, got.Commands...)...) {
		w := do(s.handler, l.Method, "/"+l.Href, "{}")
		if w.Code == 404 || w.Code == 405 || !strings.HasSuffix(l.Href, l.Name) && l.Name != "openapi" {
			t.Errorf("%+v: got %d %s", l, w.Code, w.Body)
		}
	}
	if w := do(s.handler, "POST", "/", "{}"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

// TestUnknownNamesSuggestTheNearest: for commands and views alike.
func TestUnknownNamesSuggestTheNearest(t *testing.T) {
	t.Parallel()
	reading, writing := queries(&querier{}, new(eventstest.Memory)), commands(&commander{})
	for _, tt := range []struct {
		h                    http.Handler
		method, target, want string
	}{
		{writing, "POST", "/commands/creat-member", `there is no command "creat-member"; did you mean "create-member"?`},
		{writing, "POST", "/commands/nothing-like-it", `there is no command "nothing-like-it"`},
		{reading, "GET", "/member", `there is no view "member"; did you mean "members"?`},
		{reading, "GET", "/Members/7", `there is no view "Members"; did you mean "members"?`},
		{reading, "GET", "/openapi", `there is no view "openapi"; did you mean "openapi.json"?`},
		{reading, "GET", "/helth", `there is no view "helth"; did you mean "health"?`},
		{reading, "GET", "/zzz", `there is no view "zzz"`},
		{reading, "GET", "/" + strings.Repeat("z", 4000), `there is no view "` + strings.Repeat("z", 128) + `…"`},
	} {
		w := do(tt.h, tt.method, tt.target, "{}")
		var p problem
		if err := json.Unmarshal(w.Body.Bytes(), &p, json.MatchCaseInsensitiveNames(true)); err != nil || w.Code != 404 || p.Detail != tt.want {
			t.Errorf("%s %.60s: got %d %q, want %q", tt.method, tt.target, w.Code, p.Detail, tt.want)
		}
	}
}

// TestAnswersEndWithANewline: rows, descriptions, results and problems; an answer
// without a body has none.
func TestAnswersEndWithANewline(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	for target, body := range map[string]string{
		"/commands/create-member": `{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`,
		"/commands":               `[{"command":"rename-member","id":"7","payload":{"name":"Bob"}}]`,
		"/commands/nothing":       `{}`,
		"/":                       "", "/health": "", "/openapi.json": "", "/members": "", "/members?sort=name": "", "/members/7": "", "/streams/member/7": "",
	} {
		method := "GET"
		if body != "" {
			method = "POST"
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
		got := w.Body.String()
		if !strings.HasSuffix(got, "}\n") && !strings.HasSuffix(got, "]\n") || strings.HasSuffix(got, "\n\n") {
			t.Errorf("%s: %q", target, got)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/openapi.json", nil)
	r.Header.Set("If-None-Match", "*")
	s.handler.ServeHTTP(w, r)
	if w.Code != 304 || w.Body.Len() > 0 {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}

// TestAnswersMayShareABody: the newline is not written into a body that another
// answer may share.
func TestAnswersMayShareABody(t *testing.T) {
	t.Parallel()
	shared := append(make([]byte, 0, 64), `{"id":"7"}*`...)
	q := &querier{}
	q.row.JSON = shared[:10]
	api.NewQueries(q, nil, testdomain.Aggregates(), testdomain.Views(), options(nil)).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/members/7", nil))
	if string(shared) != `{"id":"7"}*` {
		t.Errorf("got %q", shared)
	}
}
