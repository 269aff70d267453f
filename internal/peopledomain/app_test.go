package peopledomain_test

import (
	"strings"
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/events/schema"
	"daybook/internal/peopledomain"
	"daybook/personal"
	"daybook/view"
	"daybook/view/viewtest"
)

func TestApp(t *testing.T) {
	t.Parallel()
	if err := peopledomain.App().Check(); err != nil {
		t.Error(err)
	}
	if !peopledomain.App().Personal() {
		t.Error("it has no personal values")
	}
}

// A domain with personal values is tested as any other: values are plain there.
func TestKitsShowValues(t *testing.T) {
	t.Parallel()
	registered := peopledomain.Registered{Name: personal.Of("Ann"), Email: personal.Of("Ann@example.com")}
	aggregatetest.Given(t, peopledomain.Person).
		When(peopledomain.Register{Name: personal.Of("Ann"), Email: personal.Of("Ann@example.com")}).
		Then(registered).
		ThenState(peopledomain.State{Exists: true, Name: personal.Of("Ann"), Email: personal.Of("Ann@example.com")})
	aggregatetest.Given(t, peopledomain.Person).
		When(peopledomain.Register{Name: personal.Of(""), Email: personal.Of("Ann@example.com")}).
		ThenMalformed("/payload/name")
	codec, err := aggregate.Codec(peopledomain.App().Aggregates)
	if err != nil {
		t.Fatal(err)
	}
	viewtest.Given(t, codec, peopledomain.People, viewtest.Commits(t, codec, "person/7", registered)...).
		ThenRow("7", peopledomain.Row{Name: personal.Of("Ann"), Email: personal.Of("Ann@example.com"), Initial: "A"})
}

// A declaration that can't work with personal values is an error in a test, at start and
// at synth.
func TestMistakes(t *testing.T) {
	t.Parallel()
	type nested struct {
		Inner personal.Value[personal.Value[string]] `json:"inner"`
	}
	type pointed struct {
		Inner personal.Value[*string] `json:"inner"`
	}
	row := func() *view.RowView[peopledomain.Row] {
		return view.New[peopledomain.Row]("people", "person").
			On(func(r peopledomain.Row, _ peopledomain.Registered, _ view.Meta) peopledomain.Row { return r })
	}
	for name, err := range map[string]error{
		"an index of a marked field": row().Index("by-name", view.By("name")).Err(),
		"sorted by a marked field":   row().Index("by-name", view.All().Then("name")).Err(),
		"a value in a value":         schemaError[nested](),
		"a value of a pointer":       schemaError[pointed](),
		"two commands that erase":    twice(aggregate.Erases(), aggregate.Erases()),
	} {
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
	if err := twice(aggregate.Erases(), aggregate.Internal()); err != nil {
		t.Errorf("one command that erases: %v", err)
	}
}

func schemaError[T any]() error { _, err := schema.Of[T](); return err }

type forgetToo struct{}

func (forgetToo) CommandName() string { return "forget-too" }

func twice(a, b aggregate.CommandOption) error {
	nothing := func(peopledomain.State, peopledomain.Forget) aggregate.Decision { return aggregate.Nothing() }
	return aggregate.New[peopledomain.State]("person").
		Command(nothing, a).
		Command(func(peopledomain.State, forgetToo) aggregate.Decision { return aggregate.Nothing() }, b).Err()
}

func TestPublishedSchemas(t *testing.T) {
	t.Parallel()
	row := string(peopledomain.People.Describe().Schema())
	if !strings.Contains(row, `"email":{"type":["string","null"],"x-personal":true}`) {
		t.Errorf("row: %s", row)
	}
	command := string(peopledomain.Person.Describe()[1].Schema())
	if !strings.Contains(command, `"name":{"type":"string","x-personal":true,`) {
		t.Errorf("command: %s", command)
	}
}
