package api_test

import (
	"encoding/json/v2"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"daybook/aggregate"
	"daybook/api"
	"daybook/events"
	"daybook/process"
)

// The declarations of a club that tells others who joined.
type (
	joined      struct{ Name string }
	memberState struct{ Exists bool }
	welcomed    struct {
		Name string `json:"name" rule:"max=100"`
	}
)

func (joined) EventName() string { return "member-joined" }

func member() aggregate.Aggregate {
	return aggregate.New[memberState]("member").Event(func(s memberState, _ joined) memberState { return s })
}

func newsletter() *process.Outbox[struct{}] {
	return process.NewOutbox[struct{}]("newsletter", "member").
		Publish("org.example.club.member-joined", 2, func(_ struct{}, e joined, _ process.Meta) welcomed { return welcomed{e.Name} })
}

// asyncAPI is the description of the club's integration events.
func asyncAPI(t *testing.T) *contract {
	t.Helper()
	o := options(nil)
	o.Title, o.Version, o.Processes = "Club", "3", []process.Reactor{newsletter()}
	h := api.NewQueries(&querier{}, nil, []aggregate.Aggregate{member()}, nil, o)
	w := do(h, "GET", "/asyncapi.json", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w := do(h, "GET", "/asyncapi.json", "", "If-None-Match: "+w.Header().Get("ETag")); w.Code != 304 {
		t.Errorf("asked again: got %d", w.Code)
	}
	return newContract(t, w.Body.Bytes())
}

var messagePath = []string{"channels", "newsletter", "messages", "org.example.club.member-joined.v2"}

// TestAsyncAPIDescribesWhatIsPublished: an event as an outbox publishes it is valid by
// the description, and one that lacks a part or has other data is not.
func TestAsyncAPIDescribesWhatIsPublished(t *testing.T) {
	t.Parallel()
	c := asyncAPI(t)
	if v, _ := c.at("asyncapi"); v != "3.0.0" {
		t.Errorf("asyncapi %v", v)
	}
	published := process.CloudEvent{
		SpecVersion: "1.0", ID: "2f6c1d0e-5b7a-4c57-9c3e-0c1d7f1c9a10", Source: "club-local/newsletter", Type: "org.example.club.member-joined.v2",
		Subject: "member/7", Time: time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC), DataContentType: "application/json",
		DataSchema: "urn:daybook:org.example.club.member-joined.v2", Sequence: "00000000000000000001", Causation: "member/7@1",
		Data: []byte(`{"name":"Ann"}`),
	}
	for name, test := range map[string]struct {
		change func(*process.CloudEvent)
		valid  bool
	}{
		"as published": {func(*process.CloudEvent) {}, true},
		"correlated":   {func(e *process.CloudEvent) { e.Correlation = "r1" }, true},
		"other type":   {func(e *process.CloudEvent) { e.Type = "org.example.club.member-joined.v1" }, false},
		"other data":   {func(e *process.CloudEvent) { e.Data = []byte(`{"name":7}`) }, false},
		"short number": {func(e *process.CloudEvent) { e.Sequence = "1" }, false},
	} {
		e := published
		test.change(&e)
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.validate(string(raw), append(append([]string{}, messagePath...), "payload")...); (err == nil) != test.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAsyncAPIExamplesAreValid by the schemas that they illustrate.
func TestAsyncAPIExamplesAreValid(t *testing.T) {
	t.Parallel()
	c := asyncAPI(t)
	m, _ := c.at(messagePath...)
	examples, _ := m.(map[string]any)["examples"].([]any)
	if len(examples) != 1 {
		t.Fatalf("examples %v", examples)
	}
	raw, err := json.Marshal(examples[0].(map[string]any)["payload"])
	if err != nil {
		t.Fatal(err)
	}
	if err := c.validate(string(raw), append(append([]string{}, messagePath...), "payload")...); err != nil {
		t.Errorf("%s: %v", raw, err)
	}
	if send, _ := c.at("operations", "publish-newsletter"); send == nil || send.(map[string]any)["action"] != "send" {
		t.Errorf("operation %v", send)
	}
}

// TestAsyncAPINeedsAnOutbox: an API without one has no such path, and names none.
func TestAsyncAPINeedsAnOutbox(t *testing.T) {
	t.Parallel()
	h := api.NewQueries(&querier{}, nil, []aggregate.Aggregate{member()}, nil, options(nil))
	wantProblem(t, do(h, "GET", "/asyncapi.json", ""), 404, events.CodeNotFound)
	for _, path := range []string{"/", "/openapi.json", "/asyncap.json"} {
		if w := do(h, "GET", path, ""); strings.Contains(w.Body.String(), "asyncapi") {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

// TestRootNamesPages that stand beside the API, and the description of messages.
func TestRootNamesPages(t *testing.T) {
	t.Parallel()
	o := options(nil)
	o.Processes, o.Pages = []process.Reactor{newsletter()}, []string{"docs"}
	w := do(api.NewQueries(&querier{}, nil, []aggregate.Aggregate{member()}, nil, o), "GET", "/", "")
	for _, want := range []string{`{"name":"asyncapi","method":"GET","href":"asyncapi.json"}`, `{"name":"docs","method":"GET","href":"docs"}`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
}

// schemaOf compiles the schema at a pointer, for several values.
func (c *contract) schemaOf(t *testing.T, pointer []string) *jsonschema.Schema {
	t.Helper()
	escaped := make([]string, len(pointer))
	for i, name := range pointer {
		escaped[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	s, err := c.compiler.Compile(contractURL + "#/" + strings.ReplaceAll(strings.Join(escaped, "/"), "{", "%7B"))
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(pointer, "/"), err)
	}
	return s
}
