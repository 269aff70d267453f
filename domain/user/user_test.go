package user_test

import (
	"testing"

	"daybook/aggregate/aggregatetest"
	"daybook/domain/user"
	"daybook/events"
)

func TestUser(t *testing.T) {
	t.Parallel()
	ann := user.Created{Name: "Ann", Email: "ann@example.com"}
	off := user.Deactivated{}
	given := func(past ...events.Data) *aggregatetest.Scenario[user.State] {
		return aggregatetest.Given(t, user.User, past...)
	}
	email := func(value string) events.Claim { return events.Claim{Name: user.EmailClaim, Value: value} }
	given().When(user.Create{Name: "Ann", Email: "ann@example.com"}).Then(ann).ThenClaims(email("ann@example.com"))
	given().When(user.Create{Name: "Ann", Email: "Ann@Example.COM"}).ThenClaims(email("ann@example.com"))
	given(ann).When(user.Create{Name: "Ann", Email: "ann@example.com"}).ThenRejected("user-already-exists")
	given().When(user.Create{Name: " ", Email: "ann@example.com"}).ThenMalformed("/payload/name")
	given().When(user.Create{Name: "Ann", Email: "nowhere"}).ThenMalformed("/payload/email")

	given(ann).When(user.Rename{Name: "Anna"}).Then(user.Renamed{Name: "Anna"}).
		ThenState(user.State{Exists: true, Active: true, Name: "Anna", Email: "ann@example.com"})
	given(ann).When(user.Rename{Name: "Ann"}).Then()
	given().When(user.Rename{Name: "Ann"}).ThenRejected("user-not-found")
	given(ann, off).When(user.Rename{Name: "Anna"}).ThenRejected("user-inactive")

	given(ann).When(user.ChangeEmail{Email: "a@example.org"}).Then(user.EmailChanged{Email: "a@example.org"}).
		ThenState(user.State{Exists: true, Active: true, Name: "Ann", Email: "a@example.org"}).
		ThenClaims(email("a@example.org")).ThenReleases(email("ann@example.com"))
	given(ann).When(user.ChangeEmail{Email: "ANN@example.com"}).Then(user.EmailChanged{Email: "ANN@example.com"}).
		ThenClaims(email("ann@example.com")).ThenReleases()
	given(ann).When(user.ChangeEmail{Email: "ann@example.com"}).Then().ThenClaims()
	given().When(user.ChangeEmail{Email: "ann@example.com"}).ThenRejected("user-not-found")
	given(ann, off).When(user.ChangeEmail{Email: "a@example.org"}).ThenRejected("user-inactive")

	given(ann).When(user.Deactivate{}).Then(off).ThenReleases()
	given(ann, off).When(user.Deactivate{}).Then()
	given().When(user.Deactivate{}).ThenRejected("user-not-found")
	given(ann, off).When(user.Reactivate{}).Then(user.Reactivated{})
	given(ann, off, user.Reactivated{}).When(user.Rename{Name: "A"}).Then(user.Renamed{Name: "A"})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	created := user.Created{Name: "Ann", Email: "ann@example.com"}
	given := func(past ...events.Data) *aggregatetest.Scenario[user.State] {
		return aggregatetest.Given(t, user.User, past...)
	}
	given(created).When(user.Check{}).Then()
	given(created, user.Deactivated{}).When(user.Check{}).ThenRejected("user-inactive")
	given(created, user.Deactivated{}, user.Reactivated{}).When(user.Check{}).Then()
	given().When(user.Check{}).ThenRejected("user-not-found")
}
