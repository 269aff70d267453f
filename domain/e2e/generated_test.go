package e2e

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
	"daybook/process"
	"daybook/view/admin"
)

// TestGeneratedCommandsParkNothing: whatever the schemas of the commands allow,
// at their bounds too, no view and no process is parked by a command that was
// accepted, every order ends, and the tables hold what the events say.
func TestGeneratedCommandsParkNothing(t *testing.T) {
	onStacks(t, func(t *testing.T, s *stack.Stack) {
		c := &client{t: t, target: target{name: t.Name(), url: s.URL()}}
		internal := newOperator(t, s)
		g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
		sent := map[int]int{}
		for range 250 {
			a := domain.Aggregates()[g.IntN(3)]
			d := a.Describe()[g.IntN(len(a.Describe()))]
			if g.IntN(2) == 0 { // so that others find something
				d = a.Describe()[slices.IndexFunc(a.Describe(), func(d aggregate.Description) bool { return d.Creates })]
			}
			payload := g.payload(t, d.Schema())
			id := g.pick(ids)
			if d.Internal {
				_, err := internal.send(d.Name, id, payload)
				if err == nil {
					sent[http.StatusOK]++
				} else if !rejected(err) {
					t.Errorf("%s %s: %v", d.Name, payload, err)
				}
				continue
			}
			answer := c.try(d.Name, id, payload)
			sent[answer.status]++
			switch answer.status {
			case http.StatusOK, http.StatusCreated, http.StatusConflict, http.StatusUnprocessableEntity:
			default:
				t.Errorf("%s %s: %d %s", d.Name, payload, answer.status, answer.body)
			}
		}
		if sent[http.StatusCreated] < 40 || sent[http.StatusOK] < 20 {
			t.Errorf("answers %v: too little was accepted", sent)
		}
		allFulfilled(t, s)
		nothingParked(t, s)
	})
}

// ids are allowed to name an aggregate.
var ids = []string{
	"7", strings.Repeat("😀", 125), strings.Repeat("é", 128), "a/", "/a", "a//b", "..", "50%", "%2F", "a?b#c", "~x", "@stream/order/7", "@long/x",
	" ", "\ufffe", "a\uffffb", "\U0001ffff", "\u2028", "\"'<>&\\", "'; --", "\u200b", "e\u0301",
}

// texts are allowed where the schema says no more than how many characters.
var texts = []string{
	"books", "cat\nx", "\x00a", "\x1b[31mred", "a\u0085", "\ufffe!", "\uffff!", "\U0010ffff", "😀", "a:b", "@row/1/x", "@parked/x", "=", "*", "'", "\"", "\\u0000", "\u202e",
}

// generator writes payloads by a JSON Schema, its values where they are likely to
// hurt.
type generator struct{ *rand.Rand }

func (g *generator) pick(from []string) string { return from[g.IntN(len(from))] }

func (g *generator) payload(t *testing.T, schema jsontext.Value) jsontext.Value {
	t.Helper()
	var s map[string]any
	err := json.Unmarshal(schema, &s)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(g.value(s))
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func (g *generator) value(s map[string]any) any {
	kind, _ := s["type"].(string)
	if either, ok := s["type"].([]any); ok { // or null
		if kind, _ = either[0].(string); g.IntN(2) == 0 {
			return nil
		}
	}
	number := func(name string, otherwise int64) int64 {
		if n, ok := s[name].(float64); ok {
			return int64(n)
		}
		return otherwise
	}
	switch kind {
	case "object":
		return g.object(s)
	case "array":
		least, most := number("minItems", 0), number("maxItems", 5)
		n := least + g.Int64N(min(most-least, 3)+1)
		if g.IntN(5) == 0 {
			n = most
		}
		all := make([]any, n)
		for i := range all {
			all[i] = g.value(s["items"].(map[string]any))
		}
		return all
	case "integer":
		least, most := number("minimum", -1<<53), number("maximum", 1<<53)
		return []int64{least, most, least + 1, least + g.Int64N(most-least)}[g.IntN(4)]
	}
	return g.text(s, int(number("maxLength", 100)))
}

func (g *generator) object(s map[string]any) map[string]any {
	all := map[string]any{}
	required, _ := s["required"].([]any)
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || g.IntN(2) == 0 {
			all[name] = g.value(properties[name].(map[string]any))
		}
	}
	return all
}

func (g *generator) text(s map[string]any, most int) string {
	pattern, _ := s["pattern"].(string)
	switch {
	case s["enum"] != nil:
		return g.pick([]string{"EUR", "USD", "JPY"})
	case s["format"] == "email":
		return fmt.Sprintf("a%d@example.com", g.Uint64())
	case s["format"] == "date-time":
		return time.Now().Add(time.Duration(g.IntN(7200)-3600) * time.Second).UTC().Format(time.RFC3339)
	case strings.HasPrefix(pattern, "^[^"): // an id
		return g.pick(ids)
	}
	text := g.pick(texts)
	if g.IntN(3) == 0 {
		text = strings.Repeat(text, most)
	}
	characters := []rune(text)
	return "x" + string(characters[:min(len(characters), most-1)]) // not blank
}

// allFulfilled waits until the process managers have handled every order, and
// fails unless all have ended.
func allFulfilled(t *testing.T, s *stack.Stack) {
	t.Helper()
	store, ledger := dynamo.NewEventStore(s.Client(), domain.App().Prefix(stack.Stage)+"-events"), dynamo.NewProcesses(s.Client(), dynamo.TableName(domain.App().Prefix(stack.Stage), dynamo.ProcessesTable()))
	for _, id := range ids {
		stream, done := events.StreamOf("order", id), int64(0)
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			commits, err := store.Read(t.Context(), stream, 1, 1000)
			if err == nil && len(commits) == 0 {
				break
			}
			var entries []*process.Entry
			if err == nil {
				entries, err = ledger.Load(t.Context(), []process.Key{{Reactor: "fulfilment", Stream: stream}})
			}
			if err == nil && entries[0] != nil {
				done = entries[0].Commit
			}
			if err == nil && len(commits) > 1 && done == int64(len(commits)) {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%q has %d commits, %d of them handled: %v", stream, len(commits), done, err)
				break
			}
		}
	}
	for _, r := range domain.Processes() {
		name := r.Describe().Name
		for deadline := time.Now().Add(patience); ; {
			parked, err := ledger.Parked(t.Context(), name, "", 10)
			if events.Transient(err) && time.Now().Before(deadline) {
				continue
			}
			if err != nil || len(parked) > 0 {
				t.Errorf("%s: %+v, %v", name, parked, err)
			}
			break
		}
	}
}

// nothingParked compares the views with the events.
func nothingParked(t *testing.T, s *stack.Stack) {
	t.Helper()
	codec, err := aggregate.Codec(domain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	store := dynamo.NewEventStore(s.Client(), domain.App().Prefix(stack.Stage)+"-events")
	v, err := admin.NewVerifier(store, codec, dynamo.NewTables(s.Client(), domain.App().Prefix(stack.Stage)), domain.Views(), &admin.VerifyOptions{Segments: 4, Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	report, err := v.Verify(t.Context())
	if err != nil || report.Streams < 20 {
		t.Fatalf("%d streams, %v", report.Streams, err)
	}
	for _, each := range report.Views {
		for _, f := range each.Findings {
			t.Errorf("%+v", f)
		}
	}
}
