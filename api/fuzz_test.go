package api_test

import (
	"encoding/json/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func FuzzCommand(f *testing.F) {
	s := newSchool(f)
	for _, seed := range []string{
		`{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`, `{"id":"7","expectedVersion":1e0}`, `{"id":"7","id":"8"}`,
		`{"payload":{"lines":[{"course":"p","quantity":1,"fee":1.0}],"currency":"EUR","member":"7"}}`, `[`, `{"payload":[[[[]]]]}`, "{\"id\":\"\xff\"}", ``,
	} {
		for _, command := range []string{"create-member", "place-booking", "no-such"} {
			f.Add(command, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, command string, body []byte) {
		sound(t, serve(s.handler, "POST", "/commands/"+command, body))
	})
}

func FuzzBatch(f *testing.F) {
	s := newSchool(f)
	for _, seed := range []string{
		`[{"command":"create-member","id":"7","payload":{"name":"Ada","email":"ada@example.com"}},{"command":"rename-member"}]`,
		`[1,null,{"a":1,"a":2}]`, `[{"command":"rename-member","id":"7","commandId":"x","expectedVersion":-0}]`, `[]`, `[}`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sound(t, serve(s.handler, "POST", "/commands", body))
	})
}

func FuzzQuery(f *testing.F) {
	s := newSchool(f)
	for i := range 5 {
		id := string(rune('a' + i))
		serve(s.handler, "POST", "/commands/create-member", []byte(`{"id":"`+id+`","payload":{"name":"`+id+`","email":"`+id+`@b.c"}}`))
	}
	s.post()
	for _, seed := range []string{
		"/members?sort=name&limit=2&cursor=AQ", "/members?name.gte=a&name.lt=c&active=true", "/members?id.in=a,b&after=member/a@1", "/members/a?after=member/a@2,member/b@1",
		"/streams/member/a?from=2&limit=1", "/areas?courses.gt=0", "/bookings?member=7&placedAt.lt=2026-01-01T00:00:00Z", "/members/%2F?x", "/members?a;b=%zz", "//", "/openapi.json",
		"/members?version=1e999999999", "/members?email=" + strings.Repeat("é", 2000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		w := serve(s.handler, "GET", target, nil)
		sound(t, w)
		soundPage(t, target, w)
	})
}

// soundPage checks a page of the members "a" to "e": each once, no more than asked for,
// and only those that match an equality in the query.
func soundPage(t *testing.T, target string, w *httptest.ResponseRecorder) {
	t.Helper()
	at, err := url.Parse(target)
	if err != nil || at.Path != "/members" || w.Code != http.StatusOK {
		return
	}
	var page struct {
		Items []struct{ ID, Name string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
		t.Fatalf("%s: %s: %v", target, w.Body, err)
	}
	query, seen := at.Query(), map[string]bool{}
	for _, row := range page.Items {
		if seen[row.ID] || len(row.ID) != 1 || !strings.Contains("abcde", row.ID) || row.Name != row.ID {
			t.Errorf("%s: %s", target, w.Body)
		}
		seen[row.ID] = true
		if query.Has("name") && query.Get("name") != row.Name {
			t.Errorf("%s returns %s", target, row.Name)
		}
	}
	if limit, err := strconv.Atoi(query.Get("limit")); err == nil && len(page.Items) > limit {
		t.Errorf("%s: %d rows", target, len(page.Items))
	}
}

// FuzzCursor alters a cursor that a list gave.
func FuzzCursor(f *testing.F) {
	s := newSchool(f)
	for _, id := range []string{"a", "b", "c"} {
		serve(s.handler, "POST", "/commands/create-member", []byte(`{"id":"`+id+`","payload":{"name":"`+id+`","email":"`+id+`@b.c"}}`))
	}
	s.post()
	_, cursor, ok := strings.Cut(serve(s.handler, "GET", "/members?sort=name&limit=1", nil).Body.String(), `"next":"`)
	if !ok {
		f.Fatal("no second page")
	}
	cursor = strings.TrimSuffix(cursor, `"}`)
	f.Add("sort=name", cursor)
	f.Add("sort=-name", cursor)
	f.Add("active=true", cursor[:len(cursor)-1])
	f.Fuzz(func(t *testing.T, query, cursor string) {
		sound(t, serve(s.handler, "GET", "/members?"+query+"&cursor="+cursor, nil))
	})
}

func FuzzHeaders(f *testing.F) {
	s := newSchool(f)
	f.Add(`"1"`, `W/"1", *`, "key", "correlation", "application/json")
	f.Add(`*`, `"`, "", "\x7f", ";")
	f.Fuzz(func(t *testing.T, match, noneMatch, key, correlation, media string) {
		for _, method := range []string{"POST", "GET"} {
			target := map[string]string{"POST": "/commands/rename-member", "GET": "/members/7"}[method]
			r := httptest.NewRequest(method, target, strings.NewReader(`{"id":"7","payload":{"name":"Ada"}}`))
			for name, value := range map[string]string{"If-Match": match, "If-None-Match": noneMatch, "Idempotency-Key": key, "X-Correlation-Id": correlation, "Content-Type": media} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			sound(t, w)
		}
	})
}
