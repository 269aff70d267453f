package api_test

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/api"
	"daybook/domain"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/view"
	"daybook/view/viewtest"
)

// shop is the sample business behind both handlers, in memory; what was
// entered is posted to the views when post is called.
type shop struct {
	t         testing.TB
	handler   http.Handler
	store     *eventstest.Memory
	projector *view.Projector
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{t: t, store: new(eventstest.Memory)}
	made := 0
	handler, err := aggregate.NewHandler(s.store, domain.Aggregates(), &aggregate.Options{
		Now:   func() time.Time { return time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC) },
		NewID: func() string { made++; return fmt.Sprintf("made-%d", made) },
	})
	if err != nil {
		t.Fatal(err)
	}
	codec, err := aggregate.Codec(domain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	tables := viewtest.NewMemory(domain.Views()...)
	if s.projector, err = view.NewProjector(s.store, codec, tables, domain.Views(), &view.ProjectorOptions{Routed: true}); err != nil {
		t.Fatal(err)
	}
	q, err := view.NewQueries(s.store, codec, tables, domain.Views(), &view.QueriesOptions{Wait: time.Nanosecond, Routed: true})
	if err != nil {
		t.Fatal(err)
	}
	writing := api.NewCommands(handler, options(nil))
	reading := api.NewQueries(q, s.store, domain.Aggregates(), domain.Views(), options(nil))
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/commands") {
			writing.ServeHTTP(w, r)
		} else {
			reading.ServeHTTP(w, r)
		}
	})
	return s
}

// post posts all commits to the views.
func (s *shop) post() {
	s.t.Helper()
	for cursor := ""; ; {
		page, next, err := s.store.Scan(s.t.Context(), 0, 1, cursor)
		if err != nil {
			s.t.Fatal(err)
		}
		var batch []follow.Delivery
		for i := range page {
			batch = append(batch, follow.Delivery{Stream: page[i].Stream, Number: page[i].Number, Commit: &page[i], Sequence: fmt.Sprint(i)})
		}
		if r := s.projector.Project(s.t.Context(), batch); r.Err != nil || len(r.Faults) > 0 {
			s.t.Fatalf("projecting: %+v", r)
		}
		if cursor = next; next == "" {
			return
		}
	}
}

// TestTheWholeContract sends requests to the sample shop and holds every answer
// to the description.
func TestTheWholeContract(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	c := newContract(t, do(s.handler, "GET", "/openapi.json", "").Body.Bytes())
	const ada = `{"id":"7","payload":{"name":"Ada","email":"ada@example.com"}}`
	steps := []struct {
		method, target, template, body string
		headers                        []string
		status                         int
		want                           string // part of the body
	}{
		{"GET", "/health", "/health", "", nil, 200, `"ok"`},
		{"GET", "/openapi.json", "/openapi.json", "", nil, 200, `"3.1.0"`},
		{"POST", "/commands/create-user", "/commands/create-user", ada, []string{"Idempotency-Key: k1"}, 201, `{"id":"7","version":1,"commandId":"k1","token":"user/7@1"}`},
		{"POST", "/commands/create-user", "/commands/create-user", ada, []string{"Idempotency-Key: k1"}, 201, `{"id":"7","version":1,"commandId":"k1","token":"user/7@1"}`},
		{"POST", "/commands/create-user", "/commands/create-user", strings.Replace(ada, "Ada", "Eve", 1), []string{"Idempotency-Key: k1"}, 422, `"idempotency-key-reused"`},
		{"POST", "/commands/create-user", "/commands/create-user", ada, nil, 422, `"user-already-exists"`},
		{"POST", "/commands/create-user", "/commands/create-user", `{"id":"8","payload":{"name":" ","email":"x","age":1}}`, nil, 400, `"/payload/age"`},
		{"POST", "/commands/create-user", "/commands/create-user", `{"payload":{"name":"Bob","email":"bob@example.com"}}`, []string{"Idempotency-Key: k2"}, 201, `"version":1`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada L."}}`, []string{`If-Match: "1"`}, 200, `"token":"user/7@2"`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-Match: "1"`}, 412, `"version":2`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-Match: W/"2"`}, 412, `"version":2`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-Match: "1", "3"`}, 412, `"version":2`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-None-Match: W/"2"`}, 412, `"version":2`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"nobody","payload":{"name":"Ada K."}}`, []string{`If-Match: *`}, 412, `"version":0`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada L."}}`, []string{`If-Match: "1", "2"`}, 200, `"version":2`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada L."}}`, []string{`If-Match: *`}, 200, `"version":2`},
		{"GET", "/", "/", "", nil, 200, `{"name":"rename-user","method":"POST","href":"commands/rename-user"}`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"7","payload":{"name":"Ada K."},"expectedVersion":1}`, nil, 409, `"version":2`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"payload":{"name":"Ada K."}}`, nil, 400, `"/id"`},
		{"POST", "/commands/rename-user", "/commands/rename-user", "x=1", []string{"Content-Type: text/plain"}, 415, `"unsupported-media-type"`},
		{"POST", "/commands/rename-user", "/commands/rename-user", `{"id":"` + strings.Repeat("7", api.MaxBody) + `"}`, nil, 413, `"too-large"`},
		{"POST", "/commands", "/commands", `[{"command":"add-product","id":"p1","payload":{"name":"Pen","category":"office","price":999999999999,"currency":"EUR","stock":1e1}},
			{"command":"rename-user","id":"7","payload":{"name":""}},{"command":"no-such"},{"command":"rename-user","id":"7","payload":{"name":"Ada"}},{"id":"7"}]`, nil, 207, `"/1/payload/name"`},
		{"POST", "/commands", "/commands", `{}`, nil, 400, `"malformed"`},
		{"POST", "/commands/place-order", "/commands/place-order", `{"id":"o1","payload":{"customer":"7","currency":"EUR","lines":[{"product":"p1","quantity":0,"price":1}]}}`, nil, 400, `"/payload/lines/0/quantity"`},
		{"POST", "/commands/place-order", "/commands/place-order", `{"id":"o1","payload":{"customer":"7","currency":"EUR","lines":[{"product":"p1","quantity":2,"price":999999999999}]}}`, nil, 201, `"order/o1@1"`},
		{"POST", "/commands", "/commands", `[{"command":"add-product","id":"p2","payload":{"name":"Pad","category":"paper","price":1,"currency":"EUR","stock":1}},
			{"command":"move-stock","id":"p1","payload":{"to":"p2","quantity":1}}]`, nil, 207, `"token":"product/p1@2","others":["product/p2@2"]`},
		{"POST", "/commands/move-stock", "/commands/move-stock", `{"id":"p2","payload":{"to":"p1","quantity":1}}`, nil, 200, `"others":["product/p1@3"]`},
		{"POST", "/commands/create-user", "/commands/create-user", strings.Replace(ada, `"7"`, `"9"`, 1), nil, 409, `"already-taken"`},
		{"GET", "/users/7?after=user/7@3", "/users/{key}", "", nil, 200, `"name":"Ada"`},
		{"GET", "/users/7?after=user/7@99", "/users/{key}", "", nil, 400, `"after"`},
		{"GET", "/users?sort=name&after=user/7@3", "/users", "", nil, 200, `"items":[]`},
		{"POST post", "", "", "", nil, 0, ""},
		{"GET", "/users/7", "/users/{key}", "", []string{`If-None-Match: "3"`}, 304, ""},
		{"GET", "/users/none", "/users/{key}", "", nil, 404, `"not-found"`},
		{"GET", "/users/7?nope=1", "/users/{key}", "", nil, 400, `"nope"`},
		{"GET", "/users?sort=name&limit=1", "/users", "", nil, 200, `"next":`},
		{"GET", "/users?email=ada@example.com", "/users", "", nil, 200, `"Ada"`},
		{"GET", "/users?sort=email", "/users", "", nil, 400, `no-index`},
		{"GET", "/users?sort=name&cursor=zz", "/users", "", nil, 400, `"cursor"`},
		{"GET", "/categories/office", "/categories/{key}", "", nil, 200, `"units":10`},
		{"GET", "/orders?customer=7&sort=-placedAt", "/orders", "", nil, 200, `"placedAt":"2026-01-31T09:30:00Z"`},
		{"GET", "/products?category=office&price.gte=1&price.lt=2e12", "/products", "", nil, 200, `999999999999`},
		{"GET", "/streams/user/7?from=2&limit=1", "/streams/{aggregate}/{id}", "", nil, 200, `"next":3`},
		{"GET", "/streams/user/none", "/streams/{aggregate}/{id}", "", nil, 404, `"not-found"`},
		{"GET", "/streams/user/7?limit=0", "/streams/{aggregate}/{id}", "", nil, 400, `"limit"`},
	}
	for i, step := range steps {
		if step.status == 0 {
			s.post()
			continue
		}
		w := do(s.handler, step.method, step.target, step.body, step.headers...)
		if w.Code != step.status || !strings.Contains(w.Body.String(), step.want) {
			t.Errorf("%d %s %s: got %d %s", i, step.method, step.target, w.Code, w.Body)
		}
		if err := c.check(step.method, step.template, w); err != nil {
			t.Errorf("%d %s %s: %s: %v", i, step.method, step.target, w.Body, err)
		}
	}
}

// TestDescribedExamplesAreAccepted sends the description's examples: none of
// them is malformed.
func TestDescribedExamplesAreAccepted(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	raw := do(s.handler, "GET", "/openapi.json", "").Body.Bytes()
	c := newContract(t, raw)
	var doc struct {
		Paths map[string]struct {
			Post struct {
				RequestBody struct {
					Content map[string]struct {
						Example jsontext.Value `json:"example"`
					} `json:"content"`
				} `json:"requestBody"`
			} `json:"post"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		example := item.Post.RequestBody.Content["application/json"].Example
		if example == nil {
			continue
		}
		w := do(s.handler, "POST", path, string(example))
		if w.Code == 400 || w.Code >= 500 || strings.Contains(w.Body.String(), `"status":400`) {
			t.Errorf("%s %s: %d %s", path, example, w.Code, w.Body)
		}
		if err := c.check("POST", path, w); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestNothingIsWrittenByAnUnsoundBatch(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	w := do(s.handler, "POST", "/commands", `[{"command":"create-user","id":"7","payload":{"name":"Ada","email":"ada@example.com"}},{]`)
	wantProblem(t, w, 400, "malformed")
	if started, err := s.store.Started(t.Context(), []events.Stream{"user/7"}); err != nil || started[0] {
		t.Errorf("started: %v, %v", started, err)
	}
}

func TestPagesOfAList(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for i := range 7 {
		w := do(s.handler, "POST", "/commands/create-user", fmt.Sprintf(`{"id":"%d","payload":{"name":"N%d","email":"e%d@example.com"}}`, i, i, i))
		if w.Code != 201 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	s.post()
	var names []string
	for cursor := ""; ; {
		w := do(s.handler, "GET", "/users?sort=-name&limit=3&cursor="+cursor, "")
		var page struct {
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
			Next string `json:"next"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%d %s: %v", w.Code, w.Body, err)
		}
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "N6 N5 N4 N3 N2 N1 N0" {
		t.Errorf("got %s", got)
	}
}

// serve sends a request as the server of net/http would hand it over.
func serve(h http.Handler, method, target string, body []byte) *httptest.ResponseRecorder {
	r := request(method, "/", strings.NewReader(string(body)))
	path, query, _ := strings.Cut(target, "?")
	r.URL.RawQuery = query
	r.URL.Path, r.URL.RawPath = path, ""
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// sound checks what holds of every answer.
func sound(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code == http.StatusInternalServerError || w.Code < 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if v := jsontext.Value(w.Body.Bytes()); w.Code != http.StatusNotModified && !v.IsValid() {
		t.Fatalf("not JSON: %s", w.Body)
	}
	if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("not a problem: %d %s", w.Code, w.Body)
	}
}
