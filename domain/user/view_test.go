package user_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/domain/user"
	"daybook/view/viewtest"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{user.User})
	if err != nil {
		t.Fatal(err)
	}
	story := []viewtest.Event{
		{Name: "user-created", Data: user.Created{Name: "Ann", Email: "ann@example.com"}},
		{Name: "user-renamed", Data: user.Renamed{Name: "Anna"}},
		{Name: "user-email-changed", Data: user.EmailChanged{Email: "anna@example.com"}},
		{Name: "user-deactivated", Data: user.Deactivated{}},
		{Name: "user-reactivated", Data: user.Reactivated{}},
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
