package workload_test

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"slices"
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
	"daybook/workload"
)

func find(t *testing.T) (*workload.Plans, *aggregate.Handler) {
	t.Helper()
	handler, err := aggregate.NewHandler(&eventstest.Memory{}, testdomain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := workload.Find(t.Context(), testdomain.App().Commands(), handler.Handle)
	if err != nil {
		t.Fatal(err)
	}
	return plans, handler
}

// Every command of the declarations has a plan, or the reason why not.
func TestEveryCommandIsAccountedFor(t *testing.T) {
	t.Parallel()
	plans, _ := find(t)
	before := map[string]string{}
	for _, p := range plans.All() {
		before[p.Command.Name] = workload.Key(p.Before)
	}
	for name, want := range map[string]string{
		"create-member": "", "rename-member": "create-member", "deactivate-member": "create-member",
		"reactivate-member": "create-member deactivate-member", "place-booking": "", "confirm-booking": "place-booking",
	} {
		if got, ok := before[name]; !ok || got != want {
			t.Errorf("%s comes behind %q, found %v; want %q", name, got, ok, want)
		}
	}
	for _, d := range testdomain.App().Commands() {
		if _, planned := before[d.Name]; planned == (plans.Refused[d.Name] != nil) {
			t.Errorf("%s: planned %v, refused %v: want one of the two", d.Name, planned, plans.Refused[d.Name])
		}
	}
}

// A plan is what it says: its commands are accepted on new streams, again and again,
// with values of their own where the business wants that.
func TestPlansAreAccepted(t *testing.T) {
	t.Parallel()
	plans, handler := find(t)
	for _, p := range plans.All() {
		for i := range 30 {
			id := fmt.Sprintf("%s-%d", p.Command.Name, i)
			names := append(slices.Clone(p.Before), p.Command.Name)
			if p.Repeats {
				names = append(names, p.Command.Name)
			}
			for _, name := range names {
				send(t, plans, handler, name, id)
			}
		}
	}
}

func send(t *testing.T, plans *workload.Plans, handler *aggregate.Handler, name, id string) {
	t.Helper()
	payload, err := plans.Payload(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := handler.Handle(t.Context(), aggregate.Command{Name: name, ID: id, Payload: payload}); err != nil {
		t.Errorf("%s %s to %s: %v", name, payload, id, err)
	}
}

// A member that is named like an aggregate refers to a stream that exists.
func TestReferences(t *testing.T) {
	t.Parallel()
	plans, _ := find(t)
	plans.Forget()
	plans.Remember("course", "chess")
	payload, err := plans.Payload("place-booking")
	if err != nil {
		t.Fatal(err)
	}
	var booking testdomain.PlaceBooking
	if err := json.Unmarshal(payload, &booking); err != nil || booking.Lines[0].Course != "chess" {
		t.Errorf("%s, %v", payload, err)
	}
}

// A store that fails is no answer to a command.
func TestAFailingStoreIsAnError(t *testing.T) {
	t.Parallel()
	broken := events.Errorf(events.CodeUnavailable, "no store")
	_, err := workload.Find(t.Context(), testdomain.App().Commands(), func(context.Context, aggregate.Command) (aggregate.Result, error) {
		return aggregate.Result{}, broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
