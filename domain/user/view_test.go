package user_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/domain/user"
	"daybook/events"
	"daybook/view/viewtest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{user.User})
	if err != nil {
		t.Fatal(err)
	}
	story := []events.Data{
		user.Created{Name: "Ann", Email: "ann@example.com"},
		user.Renamed{Name: "Anna"},
		user.EmailChanged{Email: "anna@example.com"},
		user.Deactivated{},
		user.Reactivated{},
	}
	for n, want := range map[int]string{
		1: `{"id":"7","name":"Ann","email":"ann@example.com","active":true,"version":1}`,
		3: `{"id":"7","name":"Anna","email":"anna@example.com","active":true,"version":3}`,
		4: `{"id":"7","name":"Anna","email":"anna@example.com","active":false,"version":4}`,
		5: `{"id":"7","name":"Anna","email":"anna@example.com","active":true,"version":5}`,
	} {
		rows := viewtest.Given(t, codec, user.Users, viewtest.Commits(t, codec, "user/7", story[:n]...)...)
		if got := rows.Row("7"); got != want {
			t.Errorf("after %d events: %s, want %s", n, got, want)
		}
	}
}
