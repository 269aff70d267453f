package mcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
	"daybook/inspect/inspecttest"
	"daybook/mcp"
	"daybook/process"
	"daybook/view"
)

// A bank whose amounts are beyond 2^53.
type (
	open    struct{}
	deposit struct {
		Cents int64 `json:"cents" rule:"min=1"`
	}
	freeze struct{}

	opened    struct{}
	deposited struct {
		Cents int64 `json:"cents"`
	}
	frozen struct{} // which the view can't take in

	account struct {
		Exists bool  `json:"exists"`
		Cents  int64 `json:"cents"`
	}
)

func (open) CommandName() string    { return "open-account" }
func (deposit) CommandName() string { return "deposit" }
func (freeze) CommandName() string  { return "freeze" }
func (opened) EventName() string    { return "opened" }
func (deposited) EventName() string { return "deposited" }
func (frozen) EventName() string    { return "frozen" }

func bank() daybook.App {
	accounts := aggregate.New[account]("account").
		Event(func(a account, _ opened) account { a.Exists = true; return a }).
		Event(func(a account, e deposited) account { a.Cents = events.Add(a.Cents, e.Cents); return a }).
		Event(func(a account, _ frozen) account { return a }).
		Command(func(a account, _ open) aggregate.Decision {
			if a.Exists {
				return aggregate.Reject("account-already-open", "this account is open already")
			}
			return aggregate.Emit(opened{})
		}, aggregate.Creates(), aggregate.Summary("open an account")).
		Command(func(_ account, c deposit) aggregate.Decision { return aggregate.Emit(deposited(c)) }).
		Command(func(account, freeze) aggregate.Decision { return aggregate.Emit(frozen{}) })
	rows := view.New[account]("accounts", "account").
		On(func(a account, _ opened, _ view.Meta) account { a.Exists = true; return a }).
		On(func(a account, e deposited, _ view.Meta) account { a.Cents = events.Add(a.Cents, e.Cents); return a }).
		On(func(account, frozen, view.Meta) account { panic("frozen") }).
		Index("by-cents", view.All().Then("cents"))
	greeter := process.New[struct{}]("greeter", "account").
		React(func(opened, process.Meta) process.Reaction { return process.Reaction{} })
	return daybook.App{Name: "bank", Aggregates: []aggregate.Aggregate{accounts}, Views: []view.View{rows}, Processes: []process.Reactor{greeter}}
}

// site is an installation in memory, with an agent's client.
type site struct {
	*inspecttest.World
	client *sdk.ClientSession
}

// newSite has one dead letter.
func newSite(t *testing.T, write mcp.Writer) *site {
	t.Helper()
	w := inspecttest.New(t, bank(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w.Letters = []inspect.Letter{{ID: "c-9", Command: "deposit", Group: "account/b", Code: "internal", Text: "out of order"}}
	return newClient(w, write)
}

// newClient connects a client to a server of an installation.
func newClient(w *inspecttest.World, write mcp.Writer) *site {
	w.Helper()
	s := &site{World: w}
	s.connect(mcp.New(mcp.Options{Installation: w.Installation, Version: "1", Write: write}))
	return s
}

// connect connects a client to a server, in process.
func (s *site) connect(server *sdk.Server) {
	s.Helper()
	near, far := sdk.NewInMemoryTransports()
	serving, err := server.Connect(s.Context(), far, nil)
	if err != nil {
		s.Fatal(err)
	}
	if s.client, err = sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(s.Context(), near, nil); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _, _ = s.client.Close(), serving.Wait() })
}

// filled has three accounts: a with an amount beyond 2^53, b, and c, which is parked.
func filled(t *testing.T, write mcp.Writer) *site {
	t.Helper()
	s := newSite(t, write)
	for _, id := range []string{"a", "b", "c"} {
		s.Send("open-account", id, `{}`)
	}
	s.Send("deposit", "a", `{"cents":9007199254740993}`)
	s.Send("freeze", "c", `{}`)
	s.Project()
	return s
}

// call calls a tool; the text of the result is the same as the structured content.
func (s *site) call(name, arguments string) *sdk.CallToolResult {
	s.Helper()
	r, err := s.client.CallTool(s.Context(), &sdk.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)})
	if err != nil {
		s.Fatalf("%s %s: %v", name, arguments, err)
	}
	return r
}

func textOf(r *sdk.CallToolResult) string { return r.Content[0].(*sdk.TextContent).Text }

// want calls a tool and checks that the result has the texts.
func (s *site) want(name, arguments string, texts ...string) string {
	s.Helper()
	r := s.call(name, arguments)
	text := textOf(r)
	if r.IsError {
		s.Fatalf("%s %s: %s", name, arguments, text)
	}
	for _, want := range texts {
		if !strings.Contains(text, want) {
			s.Errorf("%s %s: no %s in %s", name, arguments, want, text)
		}
	}
	if s.tells(text) != s.tells(s.marshal(r.StructuredContent)) {
		s.Errorf("%s: the content is %s, the structured content %v", name, text, r.StructuredContent)
	}
	return text
}

// refuse calls a tool that has to fail with a text for the agent.
func (s *site) refuse(name, arguments string, texts ...string) {
	s.Helper()
	r := s.call(name, arguments)
	for _, want := range texts {
		if !r.IsError || !strings.Contains(textOf(r), want) {
			s.Errorf("%s %s: got error %v: %s, want %s", name, arguments, r.IsError, textOf(r), want)
		}
	}
}

// tells writes JSON in one form, with numbers as float64 holds them.
func (s *site) tells(text string) string {
	s.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		s.Fatalf("%s: %v", text, err)
	}
	return s.marshal(v)
}

func (s *site) marshal(v any) string {
	s.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

var reading = []string{"command_status", "dead_letters", "describe", "explain", "get_row", "lag", "list_streams", "parked", "processes", "query_view", "show_changes", "show_moment", "show_stream", "verify_row"}

// TestTools: which there are, with schemas that an independent validator takes.
func TestTools(t *testing.T) {
	t.Parallel()
	for _, write := range []mcp.Writer{nil, &writer{}} {
		s, want := newSite(t, write), slices.Clone(reading)
		if write != nil {
			want = append(want, "dry_run", "send")
		}
		listed, err := s.client.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tool := range listed.Tools {
			got = append(got, tool.Name)
			if tool.Annotations.ReadOnlyHint != (tool.Name != "send") || tool.Description == "" || tool.Title == "" {
				t.Errorf("tool %+v", tool)
			}
			c := jsonschema.NewCompiler()
			if err := c.AddResource("tool.json", tool.InputSchema); err != nil {
				t.Fatal(err)
			}
			schema, err := c.Compile("tool.json")
			if err != nil {
				t.Fatalf("%s: %v", tool.Name, err)
			}
			if schema.Validate(map[string]any{"unheard-of": 1.0}) == nil {
				t.Errorf("%s takes an argument that it does not have", tool.Name)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// TestReading calls every tool that reads.
func TestReading(t *testing.T) {
	t.Parallel()
	s := filled(t, nil)
	s.want("describe", `{}`, `"command":"deposit"`, `"flows":[{`, `"fields":["id"`)
	s.want("describe", `{"name":"deposit"}`, `"schema":{`, `"example":{"cents":1}`)
	s.want("describe", `{"name":"accounts"}`, `"operators":["eq"`)
	s.want("describe", `{"name":"account"}`, `"events":[{"name":"opened"`)
	s.want("describe", `{"name":"greeter"}`, `"kind":"manager"`)
	s.want("list_streams", `{"aggregate":"account","prefix":"a"}`, `"stream":"account/a"`, `"version":2`)
	s.want("show_stream", `{"stream":"account/a","states":true}`, `"name":"deposited"`, `"after":{`)
	s.want("show_moment", `{"stream":"account/a","version":1}`, `"state":{"exists":true,"cents":0}`)
	s.want("show_moment", `{"stream":"account/a","time":"2026-01-02T03:04:06Z"}`, `"version":1`)
	s.want("show_changes", `{"stream":"account/a","from":1,"to":"2"}`, `"field":"cents"`, `"to":2`)
	s.want("query_view", `{"view":"accounts","filter":{"id":"b"}}`, `"items":[{"id":"b"`)
	s.want("get_row", `{"view":"accounts","key":"b"}`, `"row":{`)
	s.want("verify_row", `{"view":"accounts","key":"b"}`, `"right":true`)
	s.want("explain", `{"token":"account/c"}`, `"causes":[{`, `"state":"parked"`)
	s.want("lag", `{}`, `"view":"accounts"`, `"parked":1`)
	s.want("parked", `{}`, `"stream":"account/c"`)
	s.want("dead_letters", `{}`, `"id":"c-9"`)
	s.want("processes", `{"stream":"account/a"}`, `"instances":[]`)
	s.refuse("command_status", `{"commandId":"c-1"}`, "not-found")
}

// TestPaging goes through lists one by one.
func TestPaging(t *testing.T) {
	t.Parallel()
	s := filled(t, nil)
	for _, test := range []struct{ tool, arguments, items, next, name string }{
		{"list_streams", `"limit":1`, "streams", "cursor", "stream"},
		{"query_view", `"view":"accounts","sort":"cents","limit":1`, "items", "cursor", "id"},
		{"show_stream", `"stream":"account/a","limit":1,"from":1`, "commits", "newer", "version"},
		{"parked", `"limit":1`, "parked", "cursor", "stream"},
	} {
		var got []string
		arguments := test.arguments
		for range 5 {
			var page map[string]any
			if err := json.Unmarshal([]byte(s.want(test.tool, "{"+arguments+"}")), &page); err != nil {
				t.Fatal(err)
			}
			for _, item := range page[test.items].([]any) {
				got = append(got, fmt.Sprint(item.(map[string]any)[test.name]))
			}
			next := page["next"]
			if test.next == "newer" {
				next = page["newer"]
			}
			if next == nil {
				break
			}
			switch test.next {
			case "newer":
				arguments = fmt.Sprintf(`"stream":"account/a","limit":1,"from":%v`, next)
			default:
				arguments = fmt.Sprintf(`%s,"cursor":%s`, test.arguments, s.marshal(next))
			}
		}
		want := map[string]string{
			"list_streams": "[account/c account/a account/b]", "query_view": "[b c a]", "show_stream": "[1 2]", "parked": "[account/c]",
		}[test.tool]
		if test.tool == "query_view" {
			slices.Sort(got)
			want = "[a b c]"
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %s", test.tool, got, want)
		}
	}
}

// TestBounds: what a page and a result may hold.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := filled(t, nil)
	for _, tool := range []string{"list_streams", "parked", "dead_letters", "processes"} {
		s.refuse(tool, `{"limit":101}`, "malformed", "1 to 100")
		s.refuse(tool, `{"limit":-1}`, "malformed")
	}
	s.refuse("show_stream", `{"stream":"account/a","limit":1000}`, "1 to 100")
	s.refuse("query_view", `{"view":"accounts","limit":1000}`, "1 to 100")
	s.refuse("list_streams", `{"cursor":"rubbish"}`, "malformed", "cursor")
}

// TestExact: an integer beyond 2^53 arrives as text, and none that may have been
// rounded is taken.
func TestExact(t *testing.T) {
	t.Parallel()
	w := &writer{}
	s := filled(t, w)
	s.want("get_row", `{"view":"accounts","key":"a"}`, `"cents":"9007199254740993"`)
	s.want("show_stream", `{"stream":"account/a"}`, `"data":{"cents":"9007199254740993"}`, `"version":2`)
	s.want("query_view", `{"view":"accounts","filter":{"cents.gte":"9007199254740993"},"sort":"cents"}`, `"id":"a"`)
	s.refuse("query_view", `{"view":"accounts","filter":{"cents.gte":9007199254740993}}`, "rounded")
	s.refuse("show_stream", `{"stream":"account/a","from":9007199254740993}`, "rounded")
	s.want("show_stream", `{"stream":"account/a","from":"9007199254740993"}`, `"commits":[]`)
	s.refuse("dry_run", `{"command":"deposit","id":"a","payload":{"cents":9007199254740993}}`, "rounded")
	s.want("send", `{"command":"deposit","id":"a","payload":"{\"cents\":9007199254740993}","idempotencyKey":"k1","expectedVersion":"2"}`)
	if len(w.got) != 1 || string(w.got[0].Payload) != `{"cents":9007199254740993}` || *w.got[0].ExpectedVersion != 2 {
		t.Errorf("got %+v", w.got)
	}
}

// TestErrorsAreForTheAgent: an error names its code and what to do, in a result.
func TestErrorsAreForTheAgent(t *testing.T) {
	t.Parallel()
	s := filled(t, nil)
	s.refuse("show_stream", `{"stream":"account/none"}`, "not-found", "account/none")
	s.refuse("show_stream", `{"stream":"nonsense"}`, "malformed")
	s.refuse("show_stream", `{"stream":7}`, "arguments")
	s.refuse("show_stream", `{"steam":"account/a"}`, "steam")
	s.refuse("show_moment", `{"stream":"account/a"}`, "either version or time")
	s.refuse("show_changes", `{"stream":"account/a","from":2,"to":1}`, "not below")
	s.refuse("get_row", `{"view":"account","key":"a"}`, "unknown-view")
	s.refuse("query_view", `{"view":"accounts","sort":"-exists"}`, "sort must be a field")
	s.refuse("query_view", `{"view":"accounts","filter":{"cents":[1]}}`, "filter cents")
	s.refuse("describe", `{"name":"acount"}`, `did you mean "account"`)
	s.refuse("lag", `{"names":["nothing"]}`, "not-found")
	s.refuse("explain", `{"token":"account/a@9"}`, "not-found")
}

// TestReadOnly: without a Writer no tool changes anything.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := filled(t, nil)
	for _, tool := range []string{"dry_run", "send"} {
		arguments := json.RawMessage(`{"command":"deposit","id":"a","payload":{"cents":1},"idempotencyKey":"k1"}`)
		if r, err := s.client.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: arguments}); err == nil {
			t.Errorf("%s: %+v", tool, r)
		}
	}
}

// writer keeps what it is told to write, and rejects what is for account "no".
type writer struct{ got []aggregate.Command }

func (w *writer) DryRun(_ context.Context, c aggregate.Command) (any, error) {
	if c.ID == "panic" {
		panic("in a tool")
	}
	return struct {
		Stream string `json:"stream"`
	}{"account/" + c.ID}, nil
}

func (w *writer) Send(_ context.Context, c aggregate.Command) (any, error) {
	switch c.ID {
	case "no":
		return nil, &events.Error{Code: "account-closed", Message: "this account is closed", Rejected: true}
	case "late":
		return nil, &events.Error{Code: events.CodeVersionConflict, Message: "the stream is at another version", Version: 7}
	case "wrong":
		return nil, events.Malformed("/payload/cents", "is required")
	case "long":
		return struct {
			Text string `json:"text"`
		}{strings.Repeat("x", 300<<10)}, nil
	}
	w.got = append(w.got, c)
	return struct {
		Token string `json:"token"`
	}{"account/" + c.ID + "@1"}, nil
}

// TestWriting: a command is sent under the key that the agent chose, or not at all.
func TestWriting(t *testing.T) {
	t.Parallel()
	w := &writer{}
	s := newSite(t, w)
	s.want("dry_run", `{"command":"deposit","id":"a","payload":{"cents":5}}`, `"stream":"account/a"`)
	s.refuse("dry_run", `{"command":"deposit","id":"panic"}`, "panic")
	s.want("send", `{"command":"deposit","id":"a","payload":{"cents":5},"idempotencyKey":"k1"}`, `"token":"account/a@1"`)
	s.want("send", `{"command":"open-account","idempotencyKey":"k2"}`)
	s.refuse("send", `{"command":"deposit","id":"a"}`, "idempotencyKey")
	s.refuse("send", `{"command":"deposit","id":"no","idempotencyKey":"k"}`, "account-closed: this account is closed")
	s.refuse("send", `{"command":"deposit","id":"late","idempotencyKey":"k"}`, "at version 7")
	s.refuse("send", `{"command":"deposit","id":"wrong","idempotencyKey":"k"}`, "/payload/cents is required")
	s.refuse("send", `{"command":"deposit","id":"long","idempotencyKey":"k"}`, "too-large", "ask for less")
	s.refuse("send", `{"command":"deposit","payload":"{","idempotencyKey":"k"}`, "payload is not JSON")
	s.refuse("send", `{"command":"deposit","payload":[],"idempotencyKey":"k"}`, "payload is an object")
	if len(w.got) != 2 || w.got[0].CommandID != "k1" || string(w.got[0].Payload) != `{"cents":5}` || string(w.got[1].Payload) != `{}` {
		t.Errorf("got %+v", w.got)
	}
}
