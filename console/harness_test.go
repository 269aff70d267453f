package console_test

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"daybook/aggregate"
	"daybook/console"
	"daybook/console/reach"
	"daybook/dynamo"
	"daybook/events"
	"daybook/functions"
	"daybook/internal/testdomain"
	"daybook/localstack/stack"
	"daybook/process"
	"daybook/sealed"
)

// site is a running school with a console.
type site struct {
	t     *testing.T
	stack *stack.Stack
	url   string // of the console's API
}

func newSite(t *testing.T) *site {
	t.Helper()
	s, err := stack.Start(t.Context(), testdomain.App(), stack.Options{DynamoDBAddr: "127.0.0.1:0", LogTo: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{t: t, stack: s, url: s.ConsoleURL() + "/api/"}
}

// another returns a console of the site's own installation that reaches it as the
// command line does.
func (s *site) another(change func(*console.Options)) *httptest.Server {
	s.t.Helper()
	o := console.Options{App: testdomain.App(), Stage: stack.Stage, Prefix: s.stack.Prefix()}
	endpoint, keys := s.stack.DynamoDBURL(), dynamo.StaticCredentials("any", "any")
	reach.Installation(&o, dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: endpoint, Credentials: keys}),
		dynamodbstreams.New(dynamodbstreams.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: keys}), s.sqs(), sealed.With{})
	o.Effects = func(_ context.Context, h *aggregate.Handler) (process.Effects, error) {
		return process.Effects{Commands: functions.Commands(h)}, nil
	}
	change(&o)
	c, err := console.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	server := httptest.NewServer(c)
	s.t.Cleanup(server.Close)
	return server
}

func (s *site) sqs() sqs.Options {
	endpoint := s.stack.DynamoDBURL()
	return sqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: dynamo.StaticCredentials("any", "any")}
}

// failure is a problem that the console answered.
type failure struct {
	Status   int            `json:"status"`
	Code     events.Code    `json:"code"`
	Detail   string         `json:"detail"`
	Rejected bool           `json:"rejected"`
	Fields   []events.Field `json:"fields"`
}

// ask sends a request as the pages do.
func ask(t *testing.T, method, url string, body any, header http.Header) (*http.Response, []byte) {
	t.Helper()
	text := []byte(nil)
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Daybook-Console", "-")
	for name, values := range header {
		r.Header[name] = values
		if name == "Host" {
			r.Host = values[0]
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, answer
}

// get reads an address of the API.
func get[T any](s *site, path string) (v T) {
	s.t.Helper()
	response, body := ask(s.t, http.MethodGet, s.url+path, nil, nil)
	return decode[T](s.t, response, body)
}

// post changes something.
func post[T any](s *site, path string, body any) T {
	s.t.Helper()
	response, answer := ask(s.t, http.MethodPost, s.url+path, body, nil)
	return decode[T](s.t, response, answer)
}

func decode[T any](t *testing.T, response *http.Response, body []byte) (v T) {
	t.Helper()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", response.Request.URL, response.StatusCode, body)
	}
	if err := json.Unmarshal(body, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%s: %v: %s", response.Request.URL, err, body)
	}
	return v
}

// fails posts what is refused.
func (s *site) fails(path string, body any) (f failure) {
	s.t.Helper()
	response, answer := ask(s.t, http.MethodPost, s.url+path, body, nil)
	if err := json.Unmarshal(answer, &f, json.MatchCaseInsensitiveNames(true)); err != nil || response.StatusCode < 400 {
		s.t.Fatalf("%s: %d %s, %v", path, response.StatusCode, answer, err)
	}
	return f
}

type object = map[string]any

// send sends a command and returns its token.
func (s *site) send(command, id string, payload object) string {
	s.t.Helper()
	return post[struct{ Token string }](s, "commands/"+command, object{"id": id, "payload": payload}).Token
}

// eventually asks again until an answer is right: what follows events takes a moment.
func eventually(t *testing.T, what string, right func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !right(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so after 10 s: %s", what)
		}
	}
}

// school opens a school with members, courses and bookings, and returns the token of
// the last booking.
func (s *site) school(members int) (token string) {
	s.t.Helper()
	s.send("add-course", "chess", object{"name": "Chess", "area": "games", "fee": 1990, "currency": "EUR", "seats": 3})
	s.send("add-course", "judo", object{"name": "Judo", "area": "sports", "fee": 2500, "currency": "EUR", "seats": 9})
	for i := range members {
		s.send("create-member", fmt.Sprint("m", i), object{"name": fmt.Sprint("Ann ", i), "email": fmt.Sprintf("ann%d@example.com", i)})
	}
	return s.send("place-booking", "b1", object{"member": "m0", "currency": "EUR", "lines": []object{{"course": "chess", "quantity": 2, "fee": 1990, "area": "games"}}})
}

// raw appends an event that no command could make.
func (s *site) raw(stream events.Stream, e events.Event) {
	s.t.Helper()
	prefix := s.stack.Prefix()
	store := dynamo.NewEventStore(s.stack.Client(), dynamo.TableName(prefix, dynamo.EventsTable()), dynamo.WithClaims(dynamo.TableName(prefix, dynamo.ClaimsTable())))
	commits, err := store.Load(s.t.Context(), stream, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	at := events.Start(stream)
	if n := len(commits); n > 0 {
		at = events.After(&commits[n-1])
	}
	id := fmt.Sprint("raw-", at.Number())
	c := events.Commit{ID: id, Time: time.Now(), Events: []events.Event{e}, Commands: []events.Command{{ID: id, Version: at.Version() + 1}}}
	if _, err := store.Append(s.t.Context(), at, c); err != nil {
		s.t.Fatal(err)
	}
}
