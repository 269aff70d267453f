package user_test

import (
	"flag"
	"testing"

	"daybook/aggregate"
	"daybook/domain/user"
	"daybook/events/eventstest"
	"daybook/view/viewtest"
)

var _ = flag.Bool("update", false, "write missing golden files")

// Stored events stay readable: schema/ holds one of each, of each version.
func TestStoredEvents(t *testing.T) {
	t.Parallel()
	codec, err := aggregate.Codec([]aggregate.Aggregate{user.User})
	if err != nil {
		t.Fatal(err)
	}
	eventstest.Golden(t, "schema", codec,
		eventstest.Sample{Event: "user-created", Value: user.Created{Name: "Ann", Email: "ann@example.com"}},
		eventstest.Sample{Event: "user-renamed", Value: user.Renamed{Name: "Anna"}},
		eventstest.Sample{Event: "user-email-changed", Value: user.EmailChanged{Email: "anna@example.com"}},
		eventstest.Sample{Event: "user-deactivated", Value: user.Deactivated{}},
		eventstest.Sample{Event: "user-reactivated", Value: user.Reactivated{}},
	)
}

// Views keep their shapes, version by version: schema/views holds them.
func TestShapesOfViews(t *testing.T) {
	t.Parallel()
	viewtest.Golden(t, "schema/views", user.Users)
}
