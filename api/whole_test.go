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
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/follow"
	"daybook/internal/testdomain"
	"daybook/view/projection"
	"daybook/view/query"
	"daybook/view/viewtest"
)

// school is the test domain behind both handlers, in memory; what was
// entered is posted to the views when post is called.
type school struct {
	t         testing.TB
	handler   http.Handler
	store     *eventstest.Memory
	projector *projection.Projector
}

func newSchool(t testing.TB) *school {
	t.Helper()
	s := &school{t: t, store: new(eventstest.Memory)}
	made := 0
	handler, err := aggregate.NewHandler(s.store, testdomain.Aggregates(), &aggregate.Options{
		Now:   func() time.Time { return time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC) },
		NewID: func() string { made++; return fmt.Sprintf("made-%d", made) },
	})
	if err != nil {
		t.Fatal(err)
	}
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	tables := viewtest.NewMemory(testdomain.Views()...)
	if s.projector, err = projection.New(s.store, codec, tables, testdomain.Views(), &projection.Options{Routed: true}); err != nil {
		t.Fatal(err)
	}
	q, err := query.New(s.store, codec, tables, testdomain.Views(), &query.Options{Wait: time.Nanosecond, Routed: true})
	if err != nil {
		t.Fatal(err)
	}
	writing := api.NewCommands(handler, options(nil))
	reading := api.NewQueries(q, s.store, testdomain.Aggregates(), testdomain.Views(), options(nil))
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
func (s *school) post() {
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

// TestTheWholeContract sends requests to the test domain and holds every answer
// to the description.
func TestTheWholeContract(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
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
		{"POST", "/commands/create-member", "/commands/create-member", ada, []string{"Idempotency-Key: k1"}, 201, `{"id":"7","version":1,"commandId":"k1","token":"member/7@1"}`},
		{"POST", "/commands/create-member", "/commands/create-member", ada, []string{"Idempotency-Key: k1"}, 201, `{"id":"7","version":1,"commandId":"k1","token":"member/7@1"}`},
		{"POST", "/commands/create-member", "/commands/create-member", strings.Replace(ada, "Ada", "Eve", 1), []string{"Idempotency-Key: k1"}, 422, `"idempotency-key-reused"`},
		{"POST", "/commands/create-member", "/commands/create-member", ada, nil, 422, `"member-already-exists"`},
		{"POST", "/commands/create-member", "/commands/create-member", `{"id":"8","payload":{"name":" ","email":"x","age":1}}`, nil, 400, `"/payload/age"`},
		{"POST", "/commands/create-member", "/commands/create-member", `{"payload":{"name":"Bob","email":"bob@example.com"}}`, []string{"Idempotency-Key: k2"}, 201, `"version":1`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada L."}}`, []string{`If-Match: "1"`}, 200, `"token":"member/7@2"`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-Match: "1"`}, 412, `"version":2`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-Match: W/"2"`}, 412, `"version":2`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-Match: "1", "3"`}, 412, `"version":2`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada K."}}`, []string{`If-None-Match: W/"2"`}, 412, `"version":2`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"nobody","payload":{"name":"Ada K."}}`, []string{`If-Match: *`}, 412, `"version":0`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada L."}}`, []string{`If-Match: "1", "2"`}, 200, `"version":2`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada L."}}`, []string{`If-Match: *`}, 200, `"version":2`},
		{"GET", "/", "/", "", nil, 200, `{"name":"rename-member","method":"POST","href":"commands/rename-member"}`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"7","payload":{"name":"Ada K."},"expectedVersion":1}`, nil, 409, `"version":2`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"payload":{"name":"Ada K."}}`, nil, 400, `"/id"`},
		{"POST", "/commands/rename-member", "/commands/rename-member", "x=1", []string{"Content-Type: text/plain"}, 415, `"unsupported-media-type"`},
		{"POST", "/commands/rename-member", "/commands/rename-member", `{"id":"` + strings.Repeat("7", api.MaxBody) + `"}`, nil, 413, `"too-large"`},
		{"POST", "/commands", "/commands", `[{"command":"add-course","id":"p1","payload":{"name":"Pen","area":"office","fee":999999999999,"currency":"EUR","seats":1e1}},
			{"command":"rename-member","id":"7","payload":{"name":""}},{"command":"no-such"},{"command":"rename-member","id":"7","payload":{"name":"Ada"}},{"id":"7"}]`, nil, 207, `"/1/payload/name"`},
		{"POST", "/commands", "/commands", `{}`, nil, 400, `"malformed"`},
		{"POST", "/commands/place-booking", "/commands/place-booking", `{"id":"o1","payload":{"member":"7","currency":"EUR","lines":[{"course":"p1","quantity":0,"fee":1}]}}`, nil, 400, `"/payload/lines/0/quantity"`},
		{"POST", "/commands/place-booking", "/commands/place-booking", `{"id":"o1","payload":{"member":"7","currency":"EUR","lines":[{"course":"p1","quantity":2,"fee":999999999999}]}}`, nil, 201, `"booking/o1@1"`},
		{"POST", "/commands", "/commands", `[{"command":"add-course","id":"p2","payload":{"name":"Pad","area":"paper","fee":1,"currency":"EUR","seats":1}},
			{"command":"move-seats","id":"p1","payload":{"to":"p2","quantity":1}}]`, nil, 207, `"token":"course/p1@2","others":["course/p2@2"]`},
		{"POST", "/commands/move-seats", "/commands/move-seats", `{"id":"p2","payload":{"to":"p1","quantity":1}}`, nil, 200, `"others":["course/p1@3"]`},
		{"POST", "/commands/create-member", "/commands/create-member", strings.Replace(ada, `"7"`, `"9"`, 1), nil, 409, `"already-taken"`},
		{"GET", "/members/7?after=member/7@3", "/members/{key}", "", nil, 200, `"name":"Ada"`},
		{"GET", "/members/7?after=member/7@99", "/members/{key}", "", nil, 400, `"after"`},
		{"GET", "/members?sort=name&after=member/7@3", "/members", "", nil, 200, `"items":[]`},
		{"POST post", "", "", "", nil, 0, ""},
		{"GET", "/members/7", "/members/{key}", "", []string{`If-None-Match: "3"`}, 304, ""},
		{"GET", "/members/none", "/members/{key}", "", nil, 404, `"not-found"`},
		{"GET", "/members/7?nope=1", "/members/{key}", "", nil, 400, `"nope"`},
		{"GET", "/members?sort=name&limit=1", "/members", "", nil, 200, `"next":`},
		{"GET", "/members?email=ada@example.com", "/members", "", nil, 200, `"Ada"`},
		{"GET", "/members?sort=email", "/members", "", nil, 400, `no-index`},
		{"GET", "/members?sort=name&cursor=zz", "/members", "", nil, 400, `"cursor"`},
		{"GET", "/areas/office", "/areas/{key}", "", nil, 200, `"units":10`},
		{"GET", "/bookings?member=7&sort=-placedAt", "/bookings", "", nil, 200, `"placedAt":"2026-01-31T09:30:00Z"`},
		{"GET", "/courses?area=office&fee.gte=1&fee.lt=2e12", "/courses", "", nil, 200, `999999999999`},
		{"GET", "/streams/member/7?from=2&limit=1", "/streams/{aggregate}/{id}", "", nil, 200, `"next":3`},
		{"GET", "/streams/member/none", "/streams/{aggregate}/{id}", "", nil, 404, `"not-found"`},
		{"GET", "/streams/member/7?limit=0", "/streams/{aggregate}/{id}", "", nil, 400, `"limit"`},
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
	s := newSchool(t)
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
	s := newSchool(t)
	w := do(s.handler, "POST", "/commands", `[{"command":"create-member","id":"7","payload":{"name":"Ada","email":"ada@example.com"}},{]`)
	wantProblem(t, w, 400, "malformed")
	if started, err := s.store.Started(t.Context(), []events.Stream{"member/7"}); err != nil || started[0] {
		t.Errorf("started: %v, %v", started, err)
	}
}

func TestPagesOfAList(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	for i := range 7 {
		w := do(s.handler, "POST", "/commands/create-member", fmt.Sprintf(`{"id":"%d","payload":{"name":"N%d","email":"e%d@example.com"}}`, i, i, i))
		if w.Code != 201 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	s.post()
	var names []string
	for cursor := ""; ; {
		w := do(s.handler, "GET", "/members?sort=-name&limit=3&cursor="+cursor, "")
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
	path, rawQuery, _ := strings.Cut(target, "?")
	r.URL.RawQuery = rawQuery
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
