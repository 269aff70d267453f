package user_test

import (
	"testing"

	"daybook/aggregate/aggregatetest"
	"daybook/docs/samples/user"
)

func TestUser(t *testing.T) {
	t.Parallel()
	if err := user.User.Err(); err != nil {
		t.Fatal(err)
	}
	if err := user.Users.Err(); err != nil {
		t.Fatal(err)
	}
	created := user.Created{Name: "Ann", Email: "ann@example.com"}
	aggregatetest.Given(t, user.User).When(user.Create(created)).Then(created)
	aggregatetest.Given(t, user.User, created).When(user.Create(created)).ThenRejected("user-already-exists")
	aggregatetest.Given(t, user.User, created).When(user.Rename{Name: "Anna"}).Then(user.Renamed{Name: "Anna"})
}
