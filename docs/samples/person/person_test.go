package person_test

import (
	"testing"

	"daybook/aggregate/aggregatetest"
	"daybook/docs/samples/person"
	"daybook/personal"
)

func TestPerson(t *testing.T) {
	t.Parallel()
	if err := person.App().Check(); err != nil {
		t.Fatal(err)
	}
	ann := person.Registered{Name: personal.Of("Ann"), Email: personal.Of("ann@example.com")}
	aggregatetest.Given(t, person.Person).When(person.Register(ann)).Then(ann)
	aggregatetest.Given(t, person.Person, ann).When(person.Register(ann)).ThenRejected("person-exists")
	aggregatetest.Given(t, person.Person, ann).When(person.Forget{}).Then(person.Forgotten{})
	aggregatetest.Given(t, person.Person, ann, person.Forgotten{}).When(person.Forget{}).Then()
}
