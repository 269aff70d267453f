package run

import (
	"strings"
	"testing"

	"daybook"
	"daybook/internal/testdomain"
	reactors "daybook/process"
)

type shipped struct{}

func (shipped) EventName() string { return "parcel-shipped" }

// An application that publishes nothing has no file of messages to name.
func TestPublishes(t *testing.T) {
	t.Parallel()
	manager := reactors.New[struct{}]("tracking", "parcel").
		React(func(shipped, reactors.Meta) reactors.Reaction { return reactors.Reaction{} })
	outbox := reactors.NewOutbox[struct{}]("parcels", "parcel").
		Publish("com.example.parcel-shipped", 1, func(struct{}, shipped, reactors.Meta) shipped { return shipped{} })
	for _, c := range []struct {
		app  daybook.App
		want bool
	}{
		{daybook.App{}, false},
		{daybook.App{Processes: []reactors.Reactor{manager}}, false},
		{daybook.App{Processes: []reactors.Reactor{manager, outbox}}, true},
	} {
		if got := publishes(c.app); got != c.want {
			t.Errorf("publishes = %t with %d processes", got, len(c.app.Processes))
		}
	}
}

// The requests to try name a tenant where there are some, and else are plain.
func TestTriedRequests(t *testing.T) {
	t.Parallel()
	app := testdomain.App()
	plain := requests(app, "http://h")
	app.Tenancy = daybook.Tenancy{Claim: "org"}
	lines := requests(app, "http://h")
	if len(plain) < 2 || len(lines) != len(plain) {
		t.Fatalf("%q, %q", plain, lines)
	}
	for i, line := range lines {
		if want := strings.Replace(plain[i], "curl ", "curl -H 'X-Daybook-Tenant: acme' ", 1); line != want {
			t.Errorf("%s; want %s", line, want)
		}
	}
}
