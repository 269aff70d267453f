package peopledomain_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/internal/peopledomain"
	"daybook/personal"
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
