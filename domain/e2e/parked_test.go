package e2e

import (
	"net/http"
	"testing"
	"time"

	"daybook/domain"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
)

// TestParkedStream: an event that no view can read stops its own row only, which
// goes on being answered as it was and says so.
func TestParkedStream(t *testing.T) {
	onStacks(t, func(t *testing.T, s *stack.Stack) {
		c := &client{t: t, target: target{name: t.Name(), url: s.URL()}}
		c.command("create-user", "bad", ada("bad"))
		enter(t, dynamo.NewEventStore(s.Client(), domain.App().Prefix(stack.Stage)+"-events"), "user/bad",
			events.Event{Name: "user-renamed", Schema: 1, Data: []byte(`{"name":7}`)})
		other := c.command("create-user", "good", ada("good"))
		for deadline := time.Now().Add(patience); ; {
			a := c.get("/users/bad")
			if got := decode[user](c, a); a.status == http.StatusOK && a.header.Get("Daybook-Parked") == "true" {
				if got.Name != "Ada" || got.Version != 1 {
					t.Errorf("the parked row: %+v", got)
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("it is not parked: %d %s %v", a.status, a.body, a.header)
			}
		}
		if rows, _ := list[user](c, "/users?email=good@example.com&"+after(other.Token)); len(rows) != 1 {
			t.Errorf("another user: %+v", rows)
		}
		if a := c.get("/users/good"); a.status != http.StatusOK || a.header.Get("Daybook-Parked") != "" {
			t.Errorf("another user: %d %s %v", a.status, a.body, a.header)
		}
	})
}

// enter appends an event as it is behind what a stream has.
func enter(t *testing.T, store *dynamo.EventStore, stream events.Stream, e events.Event) {
	t.Helper()
	for {
		err := func() error {
			commits, err := store.Load(t.Context(), stream, 0)
			if err != nil {
				return err
			}
			at := events.After(&commits[len(commits)-1])
			_, err = store.Append(t.Context(), at, events.Commit{
				ID: "by-hand", Time: time.Now(), Events: []events.Event{e}, Commands: []events.Command{{ID: "by-hand", Version: at.Version() + 1}},
			})
			return err
		}()
		if err == nil {
			return
		}
		if !events.Transient(err) {
			t.Fatal(err)
		}
	}
}
