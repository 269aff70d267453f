package async_test

import (
	"strings"
	"testing"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/aggregate/async/asynctest"
	"daybook/events"
	"daybook/events/eventstest"
)

// golden are messages as they were and are stored, by version. A change that a program
// of an earlier release would read wrongly has another version.
var golden = []struct {
	tenant, body string
	condition    aggregate.Condition
}{
	{"", `{"v":1,"command":"record","id":"7","payload":{"n":1},"commandId":"c","actor":"ann"}`, aggregate.Condition{}},
	{"", `{"v":2,"command":"record","id":"7","payload":{"n":1},"commandId":"c","condition":{"exists":true},"actor":"ann"}`, aggregate.Condition{Exists: true}},
	{"acme", `{"v":3,"tenant":"acme","command":"record","id":"7","payload":{"n":1},"commandId":"c","actor":"ann"}`, aggregate.Condition{}},
	{"acme", `{"v":3,"tenant":"acme","command":"record","id":"7","payload":{"n":1},"commandId":"c","condition":{"exists":true},"actor":"ann"}`, aggregate.Condition{Exists: true}},
}

func TestStoredMessages(t *testing.T) {
	t.Parallel()
	for _, g := range golden {
		e, err := async.Decode([]byte(g.body))
		if err != nil || e.Command.Tenant != g.tenant || e.Command.ID != "7" {
			t.Fatalf("%s: %+v, %v", g.body, e, err)
		}
		m, err := async.Envelope{Command: aggregate.Command{
			Tenant: g.tenant, Name: "record", ID: "7", Payload: []byte(`{"n":1}`), CommandID: "c", Condition: g.condition, Actor: "ann",
		}}.Message("tape/7")
		if err != nil || string(m.Body) != g.body {
			t.Errorf("%s, %v, want %s", m.Body, err, g.body)
		}
	}
	for _, wrong := range []string{
		`{"v":4,"tenant":"acme","command":"record","id":"7","commandId":"c"}`,
		`{"v":3,"command":"record","id":"7","commandId":"c"}`,
		`{"v":1,"tenant":"acme","command":"record","id":"7","commandId":"c"}`,
		`{"v":2,"tenant":"acme","command":"record","id":"7","commandId":"c"}`,
	} {
		if e, err := async.Decode([]byte(wrong)); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: %+v, %v", wrong, e, err)
		}
	}
}

// Two tenants queue equal commands under equal ids: no message is taken for the
// other's, in the queue (by its deduplication id), in a batch or by its status.
func TestTenantsQueueApart(t *testing.T) {
	t.Parallel()
	store, statuses, queue, dead := &eventstest.Memory{}, &asynctest.Statuses{}, &asynctest.Queue{}, &asynctest.Queue{}
	handler, err := aggregate.NewHandler(store, []aggregate.Aggregate{tapes()}, &aggregate.Options{Tenants: true})
	if err != nil {
		t.Fatal(err)
	}
	sender, worker := async.NewSender(handler, queue, statuses), async.NewWorker(handler, statuses, dead, nil)
	tenants := []string{"acme", "globex"}
	long := strings.Repeat("é", 128)
	for _, id := range []string{"c-1", long} {
		var batch []async.Delivery
		seen := map[string]bool{}
		for _, tenant := range tenants {
			sent := sender.Send(t.Context(), []aggregate.Command{{Tenant: tenant, Name: "record", ID: id, CommandID: id, Payload: []byte(`{"n":1}`)}})[0]
			if sent.Err != nil || sent.Repeated || sent.Stream != events.StreamOf("tape", id).In(tenant) {
				t.Fatalf("%s: %+v", tenant, sent)
			}
			m := queue.Take()[0]
			if seen[m.Group] || seen[m.Deduplication] || len(m.Group) > 128 || len(m.Deduplication) > 128 || m.Tenant != tenant {
				t.Errorf("%s: %+v", tenant, m)
			}
			seen[m.Group], seen[m.Deduplication] = true, true
			batch = append(batch, async.Delivery{ID: tenant, Body: m.Body, Group: m.Group, Receives: 2})
		}
		if got := verdicts(worker.Handle(t.Context(), batch)); got != "done done" {
			t.Errorf("verdicts %s", got)
		}
		for _, tenant := range tenants {
			s, err := statuses.Get(t.Context(), time.Now(), tenant, id)
			if err != nil || s == nil || s.State != async.StateAccepted || s.Result.Stream.Tenant() != tenant || s.Result.Version != 1 {
				t.Errorf("%s: %+v, %v", tenant, s, err)
			}
		}
	}
	if s, err := statuses.Get(t.Context(), time.Now(), "other", "c-1"); s != nil || err != nil {
		t.Errorf("another tenant's status: %+v, %v", s, err)
	}
}

// A message of a tenant is kept where there are no tenants, and one of none where there
// are: neither is handled, and neither is lost.
func TestMessageWithoutItsTenantIsKept(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{true, false} {
		store, statuses, dead := &eventstest.Memory{}, &asynctest.Statuses{}, &asynctest.Queue{}
		handler, err := aggregate.NewHandler(store, []aggregate.Aggregate{tapes()}, &aggregate.Options{Tenants: on})
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range golden {
			if on == (g.tenant != "") {
				continue
			}
			got := async.NewWorker(handler, statuses, dead, nil).Handle(t.Context(), []async.Delivery{{ID: "m", Body: []byte(g.body), Group: "g", Receives: 1}})
			if verdicts(got) != "poison(internal)" || len(dead.Take()) != 1 {
				t.Errorf("message %d, tenants %v: %+v", i, on, got)
			}
		}
		if page, _, err := store.Scan(t.Context(), 0, 1, ""); len(page) > 0 || err != nil {
			t.Errorf("stored %v, %v", page, err)
		}
	}
}
