package api_test

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
	"daybook/view/query"
)

func TestRow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, target string
		row          view.Row
		headers      []string
		status       int
		want         map[string]string
		key          string
		after        []events.Token
	}{
		{"plain", "/members/7", view.Row{Version: 3}, nil, 200,
			map[string]string{"ETag": `"3"`, "Daybook-Parked": "", "Cache-Control": "private, no-cache", "Content-Type": "application/json"}, "7", nil},
		{"parked", "/members/7", view.Row{Version: 3, Parked: true}, nil, 200, map[string]string{"ETag": `"3"`, "Daybook-Parked": "true"}, "7", nil},
		{"no version", "/members/7", view.Row{}, nil, 200, map[string]string{"ETag": ""}, "7", nil},
		{"decoded once", "/members/a%2Fb%252F%20+%C3%BC", view.Row{Version: 1}, nil, 200, nil, "a/b%2F +ü", nil},
		{"with a slash that a gateway decoded", "/members/a/b", view.Row{Version: 1}, nil, 200, nil, "a/b", nil},
		{"a dot", "/members/%2E", view.Row{Version: 1}, nil, 200, nil, ".", nil},
		{"after", "/members/7?after=member/7@3", view.Row{Version: 3}, nil, 200, nil, "7", []events.Token{{Stream: "member/7", Version: 3}}},
		{"after several", "/members/7?after=member/7@3,member/a,b@4&after=booking%2F1%402", view.Row{Version: 3}, nil, 200, nil, "7",
			[]events.Token{{Stream: "member/7", Version: 3}, {Stream: "member/a,b", Version: 4}, {Stream: "booking/1", Version: 2}}},
		{"raised view", "/members/7", view.Row{Version: 3, Shape: 2}, nil, 200, map[string]string{"ETag": `"3.2"`}, "7", nil},
		{"tag of the view before", "/members/7", view.Row{Version: 3, Shape: 2}, []string{`If-None-Match: "3"`}, 200, map[string]string{"ETag": `"3.2"`}, "7", nil},
		{"tag of the raised view", "/members/7", view.Row{Version: 3, Shape: 2}, []string{`If-None-Match: "3.2"`}, 304, map[string]string{"ETag": `"3.2"`}, "7", nil},
		{"same tag", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: "3"`}, 304, map[string]string{"ETag": `"3"`, "Cache-Control": "private, no-cache", "Content-Type": ""}, "7", nil},
		{"same weak tag", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: W/"3"`}, 304, nil, "7", nil},
		{"in a list", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: "a,b" ,W/"2","3"`}, 304, nil, "7", nil},
		{"in a second line", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: "1"`, `If-None-Match: "3"`}, 304, nil, "7", nil},
		{"any", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: *`}, 304, nil, "7", nil},
		{"another tag", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: "2", "33", "3`}, 200, nil, "7", nil},
		{"no tag at all", "/members/7", view.Row{Version: 3}, []string{`If-None-Match: 3`}, 200, nil, "7", nil},
		{"tag of a row without version", "/members/7", view.Row{}, []string{`If-None-Match: "0"`}, 200, nil, "7", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.row.JSON = []byte(`{"id":"7"}`)
			q := &querier{row: tt.row}
			w := do(queries(q, nil), "GET", tt.target, "", tt.headers...)
			body := ""
			if tt.status == 200 {
				body = `{"id":"7"}`
			}
			if w.Code != tt.status || w.Body.String() != body {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			for name, value := range tt.want {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
			if q.view != "members" || q.key != tt.key || !reflect.DeepEqual(q.after, tt.after) {
				t.Errorf("asked for %q %q after %v", q.view, q.key, q.after)
			}
		})
	}
}

func TestRowAsItWas(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for target, want := range map[string]query.Moment{
		"/members/7?at=2":                                   {Version: 2},
		"/members/7?at=9223372036854775807":                 {Version: 1<<63 - 1},
		"/members/7?at=2026-01-31T12:00:00Z":                {Time: noon},
		"/members/7?at=2026-01-31T13:30:00.000%2B01:30":     {Time: noon},
		"/members/7?at=2026-01-31T12:00:00.123456789-00:00": {Time: noon.Add(123456789)},
	} {
		q := &querier{row: view.Row{Version: 2, JSON: []byte(`{"id":"7"}`)}}
		w := do(queries(q, nil), "GET", target, "")
		if w.Code != 200 || w.Header().Get("ETag") != `"2"` || q.view != "members" || q.key != "7" ||
			q.at.Version != want.Version || !q.at.Time.Equal(want.Time) {
			t.Errorf("%s: %d %s, asked for %+v", target, w.Code, w.Body, q.at)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, target string
		page         query.Page
		body, stale  string
		params       map[string][]string
	}{
		{"empty", "/members", query.Page{}, `{"items":[]}`, "", map[string][]string{}},
		{"rows", "/members?name=Ada&fee.gte=10&sort=-fee&in=a&in=b&x=%2B+%C3%BC", query.Page{Items: rows(`{"id":"1"}`, `{"id":"2"}`), Next: "c1"},
			`{"items":[{"id":"1"},{"id":"2"}],"next":"c1"}`, "",
			map[string][]string{"name": {"Ada"}, "fee.gte": {"10"}, "sort": {"-fee"}, "in": {"a", "b"}, "x": {"+ ü"}}},
		{"parked", "/members?name=Ada", query.Page{Parked: true}, `{"items":[]}`, "", map[string][]string{"name": {"Ada"}}},
		{"stale", "/members?after=member/7@3,member/8@1&after=member/9@1", query.Page{Stale: true}, `{"items":[]}`, "true",
			map[string][]string{"after": {"member/7@3", "member/8@1", "member/9@1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := &querier{page: tt.page}
			w := do(queries(q, nil), "GET", tt.target, "")
			if w.Code != 200 || w.Body.String() != tt.body || w.Header().Get("Daybook-Stale") != tt.stale ||
				(w.Header().Get("Daybook-Parked") == "true") != tt.page.Parked || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
			}
			if q.view != "members" || !reflect.DeepEqual(q.params, tt.params) {
				t.Errorf("asked for %q %v", q.view, q.params)
			}
		})
	}
}

func rows(texts ...string) (out []jsontext.Value) {
	for _, text := range texts {
		out = append(out, jsontext.Value(text))
	}
	return out
}

func TestQueryRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, target string
		status         int
		code           events.Code
		paths, allow   string
	}{
		{"POST", "/", 405, "method-not-allowed", "", "GET, HEAD"},
		{"GET", "/nothing", 404, "unknown-view", "", ""},
		{"POST", "/nothing/7", 404, "unknown-view", "", ""},
		{"GET", "/members/", 404, "not-found", "", ""},
		{"GET", "//7", 404, "not-found", "", ""},
		{"GET", "/docs", 404, "unknown-view", "", ""},
		{"GET", "/health/7", 404, "not-found", "", ""},
		{"GET", "/openapi.json/7", 404, "not-found", "", ""},
		{"GET", "/streams", 404, "not-found", "", ""},
		{"GET", "/streams/member", 404, "not-found", "", ""},
		{"GET", "/streams/member/7/8", 404, "not-found", "", ""},
		{"GET", "/commands/create-member/7", 404, "not-found", "", ""},
		{"GET", "/commands", 405, "method-not-allowed", "", "POST"},
		{"GET", "/commands/create-member", 405, "method-not-allowed", "", "POST"},
		{"POST", "/commands", 405, "method-not-allowed", "", "POST"},
		{"POST", "/members", 405, "method-not-allowed", "", "GET, HEAD"},
		{"DELETE", "/members/7", 405, "method-not-allowed", "", "GET, HEAD"},
		{"TRACE", "/members/~00", 405, "method-not-allowed", "", "GET, HEAD"},
		{"OPTIONS", "/health", 405, "method-not-allowed", "", "GET, HEAD"},
		{"PUT", "/openapi.json", 405, "method-not-allowed", "", "GET, HEAD"},
		{"POST", "/streams/member/7", 405, "method-not-allowed", "", "GET, HEAD"},
		{"GET", "/%ff", 400, "malformed", "path", ""},
		{"GET", "/members/%c3%28", 400, "malformed", "path", ""},
		{"GET", "/members/7?name=x&B=1", 400, "malformed", "B name", ""},
		{"GET", "/members/7?after=", 400, "malformed", "after", ""},
		{"GET", "/members/7?after=member/7", 400, "malformed", "after", ""},
		{"GET", "/members/7?after=member/7@0", 400, "malformed", "after", ""},
		{"GET", "/members/7?after=member/7@1,", 400, "malformed", "after", ""},
		{"GET", "/members/7?after=member/7@1,x", 400, "malformed", "after", ""},
		{"GET", "/members/7?after=" + strings.Repeat("member/7@1,", 100) + "member/7@1", 400, "malformed", "after", ""},
		{"GET", "/members/7?at=", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=0", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=-1", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=02", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=9223372036854775808", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=2026-01-31", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=2026-01-31T12:00:00+01:00", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=1&at=2", 400, "malformed", "at", ""},
		{"GET", "/members/7?at=1&after=member/7@1", 400, "malformed", "at", ""},
		{"GET", "/members?after=x", 400, "malformed", "after", ""},
		{"GET", "/members?name=%zz", 400, "malformed", "query", ""},
		{"GET", "/members?a;b", 400, "malformed", "query", ""},
		{"GET", "/members?name=%ff", 400, "malformed", "query", ""},
		{"GET", "/members?%ff=1", 400, "malformed", "query", ""},
		{"GET", "/streams/member/7?from=0", 400, "malformed", "from", ""},
		{"GET", "/streams/member/7?from=01", 400, "malformed", "from", ""},
		{"GET", "/streams/member/7?from=1&from=2", 400, "malformed", "from", ""},
		{"GET", "/streams/member/7?from=9223372036854775807", 400, "malformed", "from", ""},
		{"GET", "/streams/member/7?limit=1001", 400, "malformed", "limit", ""},
		{"GET", "/streams/member/7?limit=-1", 400, "malformed", "limit", ""},
		{"GET", "/streams/member/7?limit=x", 400, "malformed", "limit", ""},
		{"GET", "/streams/member/7?after=member/7@1", 400, "malformed", "after", ""},
		{"GET", "/streams/Member/7", 404, "not-found", "", ""},
		{"GET", "/streams/member/" + strings.Repeat("a", 129), 404, "not-found", "", ""},
		{"GET", "/streams/member/7", 404, "not-found", "", ""},
		{"GET", "/streams/member/7?from=5", 404, "not-found", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.target[:min(len(tt.target), 60)], func(t *testing.T) {
			t.Parallel()
			q := &querier{}
			w := do(queries(q, new(eventstest.Memory)), tt.method, tt.target, "")
			wantPaths(t, wantProblem(t, w, tt.status, tt.code), tt.paths)
			if got := w.Header().Get("Allow"); got != tt.allow {
				t.Errorf("Allow %q, want %q", got, tt.allow)
			}
			if q.view != "" {
				t.Errorf("asked the querier for %s", q.view)
			}
		})
	}
}

func TestQuerierErrors(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/members/7", "/members?name=Ada"} {
		q := &querier{err: events.Errorf(events.CodeNoIndex, "indexes: by-name")}
		if p := wantProblem(t, do(queries(q, nil), "GET", target, ""), 400, "no-index"); p.Detail != "indexes: by-name" {
			t.Errorf("got %+v", p)
		}
		q.err = errors.New("secret")
		wantProblem(t, do(queries(q, nil), "GET", target, ""), 500, "internal")
	}
	q := &querier{page: query.Page{Items: rows(`{`)}}
	wantProblem(t, do(queries(q, nil), "GET", "/members", ""), 500, "internal")
}

// TestMissingRowsSayThatAStreamIsParked: one may be missing for that. The
// description has the header too.
func TestMissingRowsSayThatAStreamIsParked(t *testing.T) {
	t.Parallel()
	c := newContract(t, describedAPI(t))
	for _, target := range []string{"/members/7", "/members/7?after=member/7@3", "/members/7?at=1"} {
		for _, parked := range []bool{true, false} {
			q := &querier{row: view.Row{Parked: parked}, err: events.Errorf(events.CodeNotFound, "there is no such row")}
			w := do(queries(q, nil), "GET", target, "")
			wantProblem(t, w, 404, "not-found")
			if got := w.Header().Get("Daybook-Parked") == "true"; got != parked {
				t.Errorf("%s, parked %v: %v", target, parked, w.Header())
			}
			if err := c.check("GET", "/members/{key}", w); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	t.Parallel()
	h := queries(&querier{row: view.Row{JSON: []byte(`{"id":"7"}`), Version: 3}}, new(eventstest.Memory))
	for _, target := range []string{"/members/7", "/members", "/health", "/openapi.json", "/nothing", "/streams/member/7"} {
		get, head := do(h, "GET", target, ""), do(h, "HEAD", target, "")
		if head.Body.Len() > 0 || head.Code != get.Code || fmt.Sprint(head.Header()) != fmt.Sprint(get.Header()) || get.Body.Len() == 0 {
			t.Errorf("%s: HEAD %d %v %s, GET %d %v", target, head.Code, head.Header(), head.Body, get.Code, get.Header())
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := do(queries(&querier{}, nil), "GET", "/health?probe=1", "")
	if w.Code != 200 || w.Body.String() != `{"status":"ok"}` || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
}
