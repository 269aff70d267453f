package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func FuzzCommand(f *testing.F) {
	s := newShop(f)
	for _, seed := range []string{
		`{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`, `{"id":"7","expectedVersion":1e0}`, `{"id":"7","id":"8"}`,
		`{"payload":{"lines":[{"product":"p","quantity":1,"price":1.0}],"currency":"EUR","customer":"7"}}`, `[`, `{"payload":[[[[]]]]}`, "{\"id\":\"\xff\"}", ``,
	} {
		for _, command := range []string{"create-user", "place-order", "no-such"} {
			f.Add(command, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, command string, body []byte) {
		sound(t, serve(s.handler, "POST", "/commands/"+command, body))
	})
}

func FuzzBatch(f *testing.F) {
	s := newShop(f)
	for _, seed := range []string{
		`[{"command":"create-user","id":"7","payload":{"name":"Ada","email":"ada@example.com"}},{"command":"rename-user"}]`,
		`[1,null,{"a":1,"a":2}]`, `[{"command":"rename-user","id":"7","commandId":"x","expectedVersion":-0}]`, `[]`, `[}`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sound(t, serve(s.handler, "POST", "/commands", body))
	})
}

func FuzzQuery(f *testing.F) {
	s := newShop(f)
	for i := range 5 {
		id := string(rune('a' + i))
		serve(s.handler, "POST", "/commands/create-user", []byte(`{"id":"`+id+`","payload":{"name":"`+id+`","email":"`+id+`@b.c"}}`))
	}
	s.post()
	for _, seed := range []string{
		"/users?sort=name&limit=2&cursor=AQ", "/users?name.gte=a&name.lt=c&active=true", "/users?id.in=a,b&after=user/a@1", "/users/a?after=user/a@2,user/b@1",
		"/streams/user/a?from=2&limit=1", "/categories?products.gt=0", "/orders?customer=7&placedAt.lt=2026-01-01T00:00:00Z", "/users/%2F?x", "/users?a;b=%zz", "//", "/openapi.json",
		"/users?version=1e999999999", "/users?email=" + strings.Repeat("é", 2000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		sound(t, serve(s.handler, "GET", target, nil))
	})
}

// FuzzCursor alters a cursor that a list gave.
func FuzzCursor(f *testing.F) {
	s := newShop(f)
	for _, id := range []string{"a", "b", "c"} {
		serve(s.handler, "POST", "/commands/create-user", []byte(`{"id":"`+id+`","payload":{"name":"`+id+`","email":"`+id+`@b.c"}}`))
	}
	s.post()
	_, cursor, ok := strings.Cut(serve(s.handler, "GET", "/users?sort=name&limit=1", nil).Body.String(), `"next":"`)
	if !ok {
		f.Fatal("no second page")
	}
	cursor = strings.TrimSuffix(cursor, `"}`)
	f.Add("sort=name", cursor)
	f.Add("sort=-name", cursor)
	f.Add("active=true", cursor[:len(cursor)-1])
	f.Fuzz(func(t *testing.T, query, cursor string) {
		sound(t, serve(s.handler, "GET", "/users?"+query+"&cursor="+cursor, nil))
	})
}

func FuzzHeaders(f *testing.F) {
	s := newShop(f)
	f.Add(`"1"`, `W/"1", *`, "key", "correlation", "application/json")
	f.Add(`*`, `"`, "", "\x7f", ";")
	f.Fuzz(func(t *testing.T, match, noneMatch, key, correlation, media string) {
		for _, method := range []string{"POST", "GET"} {
			target := map[string]string{"POST": "/commands/rename-user", "GET": "/users/7"}[method]
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
