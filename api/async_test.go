package api_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"

	"daybook/api"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
)

// office is the test domain behind both handlers, with a queue; what was
// queued is handled when work is called.
type office struct {
	t        *testing.T
	handler  http.Handler
	queue    *asynctest.Queue
	dead     *asynctest.Queue
	statuses *asynctest.Statuses
	worker   *async.Worker
	contract *contract
	now      time.Time
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, queue: &asynctest.Queue{}, dead: &asynctest.Queue{}, statuses: &asynctest.Statuses{}, contract: newContract(t, describedAPI(t)),
		now: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)}
	made := 0
	clock := func() time.Time { return o.now }
	handler, err := aggregate.NewHandler(new(eventstest.Memory), testdomain.Aggregates(), &aggregate.Options{
		Now: clock, NewID: func() string { made++; return fmt.Sprintf("made-%d", made) },
	})
	if err != nil {
		t.Fatal(err)
	}
	o.worker = async.NewWorker(handler, o.statuses, o.dead, nil)
	opts := options(nil)
	opts.Sender, opts.Statuses, opts.Now = async.NewSender(handler, o.queue, o.statuses), o.statuses, clock
	o.handler = both(handler, opts)
	return o
}

// as sends a request by an actor and holds the answer to the contract.
func (o *office) as(actor, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	o.t.Helper()
	w := do(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.handler.ServeHTTP(w, r.WithContext(api.WithActor(r.Context(), actor)))
	}), method, target, body, headers...)
	template := target
	if method == http.MethodGet {
		template = "/commands/{commandId}"
	}
	if err := o.contract.check(method, template, w); err != nil && w.Code != http.StatusNotFound {
		o.t.Errorf("%s %s answers %d %s: %v", method, target, w.Code, w.Body, err)
	}
	return w
}

// work handles what was queued.
func (o *office) work() {
	o.t.Helper()
	var batch []async.Delivery
	for i, m := range o.queue.Take() {
		batch = append(batch, async.Delivery{ID: fmt.Sprint(i), Body: m.Body, Group: m.Group, Receives: 1})
	}
	for _, h := range o.worker.Handle(o.t.Context(), batch) {
		if h.Verdict == async.VerdictRetry {
			o.t.Errorf("to be retried: %+v", h)
		}
	}
}

type statusBody struct {
	CommandID, Status, ID, Token string
	Since                        time.Time
	Version                      *int64
	Started                      bool
	Others                       []string
	Problem                      *problem
}

func (o *office) status(actor, id string) statusBody {
	o.t.Helper()
	w := o.as(actor, "GET", "/commands/"+id, "")
	var s statusBody
	if err := json.Unmarshal(w.Body.Bytes(), &s, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil || w.Code != 200 {
		o.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return s
}

const (
	later     = "Prefer: respond-async"
	newMember = `{"payload":{"name":"Ann","email":"ann@example.com"}}`
)

func TestACommandIsQueued(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	w := o.as("ann", "POST", "/commands/create-member", newMember, later, "Idempotency-Key: k/1", "X-Correlation-Id: corr")
	var body struct{ CommandID, ID, Status string }
	if err := json.Unmarshal(w.Body.Bytes(), &body, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	if w.Code != 202 || body.CommandID != "k/1" || len(body.ID) != 32 || body.Status != "../commands/~ay8x" {
		t.Fatalf("answer %d %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Location": body.Status, "Preference-Applied": "respond-async", "Retry-After": "1", "X-Correlation-Id": "corr", "Idempotent-Replayed": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if s := o.status("ann", "k%2F1"); s.Status != "pending" || s.ID != body.ID || s.CommandID != "k/1" || !s.Since.Equal(o.now) {
		t.Errorf("status %+v", s)
	}
	o.work()
	if s := o.status("ann", "k/1"); s.Status != "accepted" || s.ID != body.ID || s.Version == nil || *s.Version != 1 || s.Token != "member/"+body.ID+"@1" || !s.Started {
		t.Errorf("status %+v", s)
	}

	again := o.as("ann", "POST", "/commands/create-member", newMember, later, "Idempotency-Key: k/1")
	if again.Code != 202 || again.Body.String() != w.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("a repeat is answered %d %s", again.Code, again.Body)
	}
	if taken := o.queue.Take(); len(taken) != 0 {
		t.Errorf("a repeat of what is done was queued: %s", taken[0].Body)
	}
	if s := o.status("ann", "k/1"); s.Status != "accepted" {
		t.Errorf("a repeat changed the status: %+v", s)
	}
	wantProblem(t, o.as("ann", "POST", "/commands/create-member", strings.Replace(newMember, "Ann", "Bob", 1), later, "Idempotency-Key: k/1"), 422, events.CodeKeyReused)
}

func TestARepeatOfAPendingCommandIsQueuedAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.queue.Fail = func(async.Message) error { return events.Errorf(events.CodeUnavailable, "no queue") }
	w := o.as("", "POST", "/commands/create-member", newMember, later, "Idempotency-Key: k")
	wantProblem(t, w, 503, events.CodeUnavailable)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	o.queue.Fail = nil
	for range 2 {
		if w := o.as("", "POST", "/commands/create-member", newMember, later, "Idempotency-Key: k"); w.Code != 202 {
			t.Errorf("answer %d %s", w.Code, w.Body)
		}
	}
	o.work() // both
	if s := o.status("", "k"); s.Status != "accepted" || *s.Version != 1 {
		t.Errorf("status %+v", s)
	}
}

func TestWhatIsUnsoundIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, test := range []struct {
		command, body, header string
		status                int
		code                  events.Code
		paths                 string
	}{
		{"nonsense", `{}`, "", 404, events.CodeUnknownCommand, ""},
		{"create-member", `{"payload":{"name":7}}`, "", 400, events.CodeMalformed, "/payload/name /payload/email"},
		{"create-member", `{"payload":{"name":"Ann","email":"x","no":1}}`, "", 400, events.CodeMalformed, "/payload/email /payload/no"},
		{"rename-member", `{"payload":{"name":"Ann"}}`, "", 400, events.CodeMalformed, "/id"},
		{"rename-member", `{"id":"7","payload":{"name":"Ann"},"expectedVersion":-1}`, "", 400, events.CodeMalformed, "/expectedVersion"},
		{"rename-member", `rubbish`, "", 400, events.CodeMalformed, ""},
		{"rename-member", `{"id":"7","payload":{"name":"Ann"}}`, "Idempotency-Key: a\x7f", 400, events.CodeMalformed, "Idempotency-Key"},
		{"rename-member", `{"id":"7","payload":{"name":"Ann"}}`, "Content-Type: text/plain", 415, api.CodeUnsupportedMediaType, ""},
		{"rename-member", strings.Repeat(" ", api.MaxBody+1), "", 413, events.CodeTooLarge, ""},
	} {
		headers := []string{later}
		if test.header != "" {
			headers = append(headers, test.header)
		}
		w := do(o.handler, "POST", "/commands/"+test.command, test.body, headers...)
		p := wantProblem(t, w, test.status, test.code)
		if test.paths != "" {
			wantPaths(t, p, test.paths)
		}
		if w.Header().Get("Preference-Applied") != "" {
			t.Errorf("%s: a preference was applied", test.body)
		}
		sync := do(o.handler, "POST", "/commands/"+test.command, test.body, headers[1:]...)
		if sync.Body.String() != w.Body.String() {
			t.Errorf("without the preference:\n%s, with it\n%s", sync.Body, w.Body)
		}
	}
	if taken := o.queue.Take(); len(taken) != 0 {
		t.Errorf("queued: %s", taken[0].Body)
	}
}

func TestStatusOfARefusal(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.as("", "POST", "/commands/rename-member", `{"id":"7","payload":{"name":"Ann"}}`, later, "Idempotency-Key: r")
	o.as("", "POST", "/commands/create-member", `{"id":"8","payload":{"name":"Ann","email":"a@example.com"}}`, later, "Idempotency-Key: v", `If-Match: "3"`)
	o.work()
	if s := o.status("", "r"); s.Status != "rejected" || s.Problem == nil || s.Problem.Status != 422 || s.Version != nil {
		t.Errorf("status %+v", s)
	}
	if s := o.status("", "v"); s.Status != "rejected" || s.Problem == nil || s.Problem.Code != "version-conflict" || s.Problem.Version == nil || *s.Problem.Version != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestStatusOfAFailure(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if err := o.statuses.Record(t.Context(), async.Status{CommandID: "f", State: async.StateFailed, Since: o.now, Stream: "member/7",
		Problem: &events.Error{Code: events.CodeInternal, Message: "secret"}}); err != nil {
		t.Fatal(err)
	}
	if s := o.status("", "f"); s.Status != "failed" || s.Problem.Status != 500 || strings.Contains(s.Problem.Detail, "secret") || s.Problem.Detail == "" {
		t.Errorf("status %+v", s)
	}
}

func TestStatusIsForItsActor(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.as("ann", "POST", "/commands/create-member", newMember, later, "Idempotency-Key: k")
	wantProblem(t, o.as("bob", "GET", "/commands/k", ""), 404, events.CodeNotFound)
	for _, actor := range []string{"ann", ""} { // nobody is known where the API is open
		if s := o.status(actor, "k"); s.Status != "pending" {
			t.Errorf("%q is told %+v", actor, s)
		}
	}
	o.now = o.now.Add(async.StatusKept)
	wantProblem(t, o.as("ann", "GET", "/commands/k", ""), 404, events.CodeNotFound)
	wantProblem(t, o.as("ann", "GET", "/commands/other", ""), 404, events.CodeNotFound)
	wantProblem(t, do(o.handler, "GET", "/commands/"+strings.Repeat("x", 129), ""), 400, events.CodeMalformed)
}

func TestMethodsOfAStatus(t *testing.T) {
	t.Parallel()
	opts := options(nil)
	opts.Statuses = &asynctest.Statuses{}
	h := api.NewQueries(&querier{}, nil, nil, nil, opts)
	for _, test := range []struct{ method, target, allow string }{
		{"DELETE", "/commands/k", "GET, HEAD, POST"}, {"GET", "/commands", "POST"}, {"POST", "/commands/k", "GET, HEAD, POST"},
	} {
		w := do(h, test.method, test.target, "")
		wantProblem(t, w, 405, events.CodeMethodNotAllowed)
		if got := w.Header().Get("Allow"); got != test.allow {
			t.Errorf("%s %s allows %q, want %q", test.method, test.target, got, test.allow)
		}
	}
	if w := do(h, "HEAD", "/commands/k", ""); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD is answered %d %s", w.Code, w.Body)
	}
	wantProblem(t, do(queries(&querier{}, nil), "GET", "/commands/k", ""), 405, events.CodeMethodNotAllowed)
}

func TestABatchIsQueued(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	w := o.as("", "POST", "/commands", `[
		{"command":"create-member","id":"7","payload":{"name":"Ann","email":"ann@example.com"},"commandId":"c-1"},
		{"command":"create-member","payload":{"name":7,"email":"ann@example.com"}},
		{"command":"nonsense"},
		{"command":"rename-member","id":"7","payload":{"name":"Anna"},"commandId":".."},
		{"command":"create-member","id":"9","payload":{"name":"Bob","email":"bob@example.com"},"commandId":"c-1"}]`, "Prefer: wait=5, Respond-Async")
	var results []struct {
		Status                  int
		CommandID, ID, Location string
		Problem                 *problem
	}
	if err := json.Unmarshal(w.Body.Bytes(), &results, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil || len(results) != 5 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	if w.Code != 202 || w.Header().Get("Preference-Applied") != "respond-async" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if r := results[3]; r.Status != 202 || r.CommandID != ".." || r.ID != "7" || r.Location != "commands/~Li4" {
		t.Errorf("result 3: %+v", r)
	}
	if r := results[1]; r.Status != 400 || len(r.Problem.Errors) != 1 || r.Problem.Errors[0].Path != "/1/payload/name" {
		t.Errorf("result 1: %+v", r)
	}
	if r := results[2]; r.Status != 404 || r.Problem.Code != "unknown-command" {
		t.Errorf("result 2: %+v", r)
	}
	ok, other := results[0], results[4] // with the same id
	if ok.Status != 202 || ok.Location != "commands/c-1" || other.Status != 422 || other.Problem.Code != "idempotency-key-reused" {
		t.Errorf("results %+v and %+v", ok, other)
	}
	o.work()
	if s := o.status("", "c-1"); s.Status != "accepted" {
		t.Errorf("status %+v", s)
	}
	w = o.as("", "POST", "/commands", `[{"command":"nonsense"}]`, later)
	if w.Code != 207 || w.Header().Get("Preference-Applied") != "" || w.Header().Get("Retry-After") != "" {
		t.Errorf("a batch of failures is answered %d %v", w.Code, w.Header())
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		headers []string
		applied bool
	}{
		{nil, false},
		{[]string{"respond-async"}, true},
		{[]string{"Respond-Async"}, true},
		{[]string{"respond-async, wait=10"}, true},
		{[]string{"wait=10,respond-async"}, true},
		{[]string{"return=minimal; foo=\"a,b\" , respond-async;q=1"}, true},
		{[]string{"handling=lenient", " respond-async "}, true},
		{[]string{`respond-async=""`}, true},
		{[]string{"respond-async ="}, true},
		{[]string{",,respond-async,,"}, true},
		{[]string{`foo="\"", respond-async`}, true},
		{[]string{""}, false},
		{[]string{"wait=10"}, false},
		{[]string{"respond-sync"}, false},
		{[]string{"respond-asynchronously"}, false},
		{[]string{"respond-async=no"}, false},
		{[]string{`foo="respond-async, respond-async"`}, false},
		{[]string{`foo="a, respond-async`}, false},
		{[]string{"foo; respond-async"}, false},
		{[]string{`"`, `=`, `;`, `\`}, false},
	} {
		o := newOffice(t)
		var headers []string
		for _, value := range test.headers {
			headers = append(headers, "Prefer: "+value)
		}
		w := o.as("", "POST", "/commands/create-member", newMember, headers...)
		if applied := w.Code == 202; applied != test.applied || !applied && w.Code != 201 {
			t.Errorf("%q is answered %d, applied should be %v", test.headers, w.Code, test.applied)
		}
	}
}

func TestWithoutAQueueThePreferenceIsNotApplied(t *testing.T) {
	t.Parallel()
	w := do(commands(&commander{}), "POST", "/commands/create-member", `{}`, later)
	if w.Code != 200 || w.Header().Get("Preference-Applied") != "" {
		t.Errorf("answer %d %v", w.Code, w.Header())
	}
	if w := do(commands(&commander{}), "POST", "/commands", `[{"command":"create-member"}]`, later); w.Code != 207 {
		t.Errorf("answer %d", w.Code)
	}
}

// faulty is a Sender and Statuses that do not do what they should.
type faulty struct{}

func (faulty) Send(context.Context, []aggregate.Command) []async.Receipt { return nil }

func (faulty) Get(context.Context, time.Time, string, string) (*async.Status, error) {
	return nil, errors.New("broken")
}

func TestFaultsStayInside(t *testing.T) {
	t.Parallel()
	opts := options(nil)
	opts.Sender, opts.Statuses = faulty{}, faulty{}
	h := api.NewCommands(&commander{}, opts)
	wantProblem(t, do(h, "POST", "/commands/create-member", `{}`, later), 500, events.CodeInternal)
	wantProblem(t, do(h, "POST", "/commands", `[{"command":"create-member"}]`, later), 500, events.CodeInternal)
	wantProblem(t, do(api.NewQueries(&querier{}, nil, nil, nil, opts), "GET", "/commands/k", ""), 500, events.CodeInternal)
}
