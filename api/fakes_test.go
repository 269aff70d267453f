package api_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events"
	"daybook/internal/testdomain"
	"daybook/view"
	"daybook/view/query"
)

// commander is a Commander that notes what it was given.
type commander struct {
	got    []aggregate.Command
	handle func(aggregate.Command) (aggregate.Result, error)
	short  bool // gives too few outcomes
}

func (c *commander) Handle(_ context.Context, cmd aggregate.Command) (aggregate.Result, error) {
	c.got = append(c.got, cmd)
	if c.handle == nil {
		return aggregate.Result{Stream: "member/7", Version: 3, CommandID: "c1"}, nil
	}
	return c.handle(cmd)
}

func (c *commander) HandleBatch(ctx context.Context, cs []aggregate.Command) []aggregate.Outcome {
	outcomes := []aggregate.Outcome{}
	for _, cmd := range cs {
		r, err := c.Handle(ctx, cmd)
		outcomes = append(outcomes, aggregate.Outcome{Result: r, Err: err})
	}
	if c.short {
		return outcomes[1:]
	}
	return outcomes
}

func (c *commander) Describe() []aggregate.Description {
	return []aggregate.Description{
		{Name: "create-member", Aggregate: "member", Creates: true}, {Name: "rename-member", Aggregate: "member"},
		{Name: "faulty-payload", Aggregate: "member"}, {Name: "conflicting", Aggregate: "member"}, {Name: "broken", Aggregate: "member"},
	}
}

// querier is a Querier that notes what it was given.
type querier struct {
	tenant    string
	view, key string
	after     []events.Token
	at        query.Moment
	params    map[string][]string
	row       view.Row
	page      query.Page
	err       error
	described []view.Description // in place of the domain's
}

func (q *querier) Get(_ context.Context, tenant, v, key string, after []events.Token) (view.Row, error) {
	q.tenant, q.view, q.key, q.after = tenant, v, key, after
	return q.row, q.err
}

func (q *querier) At(_ context.Context, tenant, v, key string, at query.Moment) (view.Row, error) {
	q.tenant, q.view, q.key, q.at = tenant, v, key, at
	return q.row, q.err
}

func (q *querier) List(_ context.Context, tenant, v string, params map[string][]string) (query.Page, error) {
	q.tenant, q.view, q.params = tenant, v, params
	return q.page, q.err
}

// Describe describes the domain's views as declared.
func (q *querier) Describe(context.Context) ([]view.Description, error) {
	if q.described != nil || q.err != nil {
		return q.described, q.err
	}
	var all []view.Description
	for _, v := range testdomain.Views() {
		all = append(all, v.Describe())
	}
	return all, nil
}

// options are those of the tests: request ids are req-1, and logs go to log.
func options(log *bytes.Buffer) *api.Options {
	if log == nil {
		log = new(bytes.Buffer)
	}
	return &api.Options{
		Logger: slog.New(slog.NewJSONHandler(log, nil)),
		NewID:  func() string { return "req-1" },
	}
}

func commands(c *commander) http.Handler { return api.NewCommands(c, options(nil)) }

// both answers as the command and the query function do together.
func both(c api.Commander, o *api.Options) http.Handler {
	writing, reading := api.NewCommands(c, o), api.NewQueries(&querier{}, nil, testdomain.Aggregates(), testdomain.Views(), o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			writing.ServeHTTP(w, r)
			return
		}
		reading.ServeHTTP(w, r)
	})
}

func queries(q *querier, h api.History) http.Handler {
	return api.NewQueries(q, h, testdomain.Aggregates(), testdomain.Views(), options(nil))
}

// request makes a request whose body is declared as JSON.
func request(method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// do sends a request; headers are name: value. The newline that ends every body is
// left out of the answer (TestAnswersEndWithANewline has it).
func do(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := request(method, target, strings.NewReader(body))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Content-Type" {
			r.Header.Del(name)
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	w.Body = bytes.NewBuffer(bytes.TrimSuffix(w.Body.Bytes(), []byte("\n")))
	return w
}

// problem is a problem as a client reads it.
type problem struct {
	Type, Title, Code, Detail, RequestID string
	Status                               int
	Errors                               []events.Field
	Version                              *int64
}

// wantProblem checks that an answer is a whole problem and returns it.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code events.Code) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Status != status || p.Code != string(code) || p.Type != "urn:daybook:problem:"+string(code) || p.Title == "" {
		t.Errorf("got %d %s, want %d %s", w.Code, w.Body, status, code)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if w.Header().Get("X-Request-Id") == "" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
	return p
}

// wantPaths checks the paths of a problem's errors.
func wantPaths(t *testing.T, p problem, paths string) {
	t.Helper()
	var got []string
	for _, e := range p.Errors {
		got = append(got, e.Path)
		if e.Message == "" {
			t.Errorf("no message for %s", e.Path)
		}
	}
	if strings.Join(got, " ") != paths {
		t.Errorf("paths %q, want %q", got, paths)
	}
}

func ptr[T any](v T) *T { return &v }
