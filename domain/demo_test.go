package domain_test

import (
	"encoding/json/v2"
	"testing"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/events"
	"daybook/events/eventstest"
)

// TestDemo: the demo sends what a client may send. Nothing of it is malformed, every
// kind of command is accepted at times, and it is the same whenever it is asked.
func TestDemo(t *testing.T) {
	t.Parallel()
	public := map[string]bool{}
	for _, c := range aggregate.Public(domain.App().Commands()) {
		public[c.Name] = c.Scope == ""
	}
	handler, err := aggregate.NewHandler(new(eventstest.Memory), domain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	accepted, rejected := map[string]int{}, 0
	for step := range 600 {
		id, command := domain.Demo("r1", step)
		payload, err := json.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		again, same := domain.Demo("r1", step)
		if text, err := json.Marshal(same); err != nil || again != id || string(text) != string(payload) {
			t.Errorf("step %d is %s, and then %s", step, payload, text)
		}
		name := command.CommandName()
		if !public[name] {
			t.Fatalf("step %d sends %s, which a client may not", step, name)
		}
		_, err = handler.Handle(t.Context(), aggregate.Command{Name: name, ID: id, Payload: payload})
		switch code := events.CodeOf(err); {
		case err == nil:
			accepted[name]++
		case code == events.CodeMalformed || code == events.CodeInternal:
			t.Fatalf("step %d: %s %s: %v", step, name, payload, err)
		default:
			rejected++
		}
	}
	// Without the process manager no order is confirmed, so that none is completed.
	for _, name := range []string{"create-user", "add-product", "place-order", "cancel-order", "rename-user", "restock-product", "change-product-price"} {
		if accepted[name] < 5 {
			t.Errorf("%s is accepted %d times of 600", name, accepted[name])
		}
	}
	if rejected > 200 {
		t.Errorf("%d of 600 steps are rejected", rejected)
	}
}
