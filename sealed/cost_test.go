package sealed_test

import (
	"context"
	"encoding/json/jsontext"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/internal/peopledomain"
	"daybook/localstack/embedded"
	"daybook/personal"
	"daybook/personal/personaltest"
)

// bare is the person of package peopledomain without marks.
var bare = aggregate.New[bareState]("person").
	Event(func(_ bareState, e bareRegistered) bareState { return bareState(e) }).
	Event(func(s bareState, e bareRenamed) bareState { s.Name = e.Name; return s }).
	Command(func(s bareState, c bareRegister) aggregate.Decision {
		return aggregate.Emit(bareRegistered(c)).Claim(peopledomain.EmailClaim, c.Email)
	}, aggregate.Creates()).
	Command(func(s bareState, c bareRename) aggregate.Decision { return aggregate.Emit(bareRenamed(c)) })

type (
	bareState struct {
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	bareRegistered bareState
	bareRegister   bareState
	bareRename     struct {
		Name string `json:"name"`
	}
	bareRenamed bareRename
)

func (bareRegistered) EventName() string { return "person-registered" }
func (bareRenamed) EventName() string    { return "person-renamed" }
func (bareRegister) CommandName() string { return "register-person" }
func (bareRename) CommandName() string   { return "rename-person" }

// bareLetter is the letter of package peopledomain without marks.
var bareLetter = aggregate.New[bareWritten]("letter").
	Event(func(_ bareWritten, e bareWritten) bareWritten { return e }).
	Command(func(_ bareWritten, c bareWrite) aggregate.Decision { return aggregate.Emit(bareWritten(c)) }, aggregate.Creates())

type (
	bareWrite struct {
		To   string `json:"to"`
		Text string `json:"text"`
	}
	bareWritten bareWrite
)

func (bareWritten) EventName() string { return "letter-written" }
func (bareWrite) CommandName() string { return "write-letter" }

// A command about a person costs a write unit more when the person is new, for the
// key, and none when it is known: beside the same application without marks.
func TestCostOfMarks(t *testing.T) {
	t.Parallel()
	db, err := embedded.Open(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	client := dynamo.New(dynamo.Options{
		Region: "us-east-1", Endpoint: "http://dynamodb.embedded", Credentials: dynamo.StaticCredentials("local", "local"), Transport: db.RoundTripper(),
	})
	open := func(prefix string) (*dynamo.EventStore, *dynamo.Keys) {
		if err := dynamo.Create(t.Context(), client, prefix, dynamo.EventsTable(), dynamo.ClaimsTable(), dynamo.KeysTable()); err != nil {
			t.Fatal(err)
		}
		return dynamo.NewEventStore(client, dynamo.TableName(prefix, dynamo.EventsTable()), dynamo.WithClaims(dynamo.TableName(prefix, dynamo.ClaimsTable()))),
			dynamo.NewKeys(client, dynamo.TableName(prefix, dynamo.KeysTable()))
	}
	plainStore, _ := open("plain")
	markedStore, keys := open("marked")
	wrap := new(personaltest.Keys)
	sealing := func() events.Store {
		return with(personal.NewSealer(personal.NewRing(keys, wrap, nil))).Store(markedStore)
	}
	handler := func(store events.Store, of aggregate.Aggregate) *aggregate.Handler {
		h, err := aggregate.NewHandler(store, []aggregate.Aggregate{of}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	plain, marked := handler(plainStore, bare), handler(sealing(), peopledomain.Person)
	letters := handler(sealing(), peopledomain.Letter)
	cost := func(h *aggregate.Handler, name, id, payload string) dynamo.Usage {
		t.Helper()
		ctx, meter := dynamo.WithMeter(context.WithoutCancel(t.Context()))
		if _, err := h.Handle(ctx, aggregate.Command{Name: name, ID: id, Payload: jsontext.Value(payload)}); err != nil {
			t.Fatal(err)
		}
		return meter.Usage()
	}
	register := func(id string) string {
		return fmt.Sprintf(`{"name":"Bartholomew Higgins","email":"%s@example.org"}`, id)
	}
	cost(marked, "register-person", "first", register("first")) // makes the key of claims, once in an application
	for _, step := range []struct {
		name, id, payload string
		writes, reads     float64 // more
	}{
		{"register-person", "1", register("1"), 1, 1},
		{"rename-person", "1", `{"name":"Bartholomew Junior"}`, 0, 0},
		{"rename-person", "1", `{"name":"Bartholomew Senior"}`, 0, 0},
	} {
		a, b := cost(plain, step.name, step.id, step.payload), cost(marked, step.name, step.id, step.payload)
		if w, r := b.WriteUnits-a.WriteUnits, b.ReadUnits-a.ReadUnits; w != step.writes || r != step.reads {
			t.Errorf("%s: %v write and %v read units more, want %v and %v: %+v, %+v", step.name, w, r, step.writes, step.reads, a, b)
		}
	}
	a, b := cost(handler(plainStore, bare), "rename-person", "1", `{"name":"Cold"}`), cost(handler(sealing(), peopledomain.Person), "rename-person", "1", `{"name":"Cold"}`)
	if w, r := b.WriteUnits-a.WriteUnits, b.ReadUnits-a.ReadUnits; w != 0 || r != 1 {
		t.Errorf("cold: %v write and %v read units more: %+v, %+v", w, r, a, b)
	}
	// Up to 2 KB of text in one commit. It compresses, and encrypted it does not.
	bareLetters := handler(plainStore, bareLetter)
	cost(letters, "write-letter", "l", `{"to":"1","text":"reads the key"}`)
	for n := 50; n <= 2000; n += 50 {
		id, payload := fmt.Sprint("l", n), fmt.Sprintf(`{"to":"1","text":%q}`, letterOf(n))
		a, b := cost(bareLetters, "write-letter", id, payload), cost(letters, "write-letter", id, payload)
		if w, r := b.WriteUnits-a.WriteUnits, b.ReadUnits-a.ReadUnits; w < 0 || w > 1 || r != 0 {
			t.Errorf("%d bytes: %v write and %v read units more", n, w, r)
		}
	}
	// An application that marks nothing pays nothing where a sealer is.
	through := handler(with(personal.NewSealer(personal.NewRing(keys, wrap, nil))).Store(plainStore), bare)
	if a, b := cost(plain, "register-person", "2", register("2")), cost(through, "register-person", "3", register("3")); a != b {
		t.Errorf("without marks %+v, and through a sealer %+v", a, b)
	}
}

// letterOf is a text of n bytes that compresses as English does, about.
func letterOf(n int) string {
	random := rand.New(rand.NewPCG(1, 1))
	var b strings.Builder
	for b.Len() < n {
		for range 2 + random.IntN(7) {
			b.WriteByte("etaoinshrdlucmfwyp"[random.IntN(18)])
		}
		b.WriteByte(' ')
	}
	return b.String()[:n]
}
