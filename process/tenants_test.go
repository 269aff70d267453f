package process_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
)

// Equal orders of two tenants: commands, timers and integration events are those of
// each, under ids of their own, and handlers see no tenant.
func TestTenantsReactApart(t *testing.T) {
	t.Parallel()
	var seen []events.Stream
	watcher := process.New[struct{}]("watcher", "order").React(func(_ placed, m process.Meta) process.Reaction {
		seen = append(seen, m.Stream)
		return process.Reaction{}
	})
	w := newWorld(t, newFulfilment(), newShop(), watcher)
	w.opts.Parallel, w.opts.Concurrency = 1, 1
	streams := []events.Stream{"acme:order/7", "globex:order/7"}
	var placings []follow.Delivery
	for _, stream := range streams {
		placings = append(placings, w.commit(stream, place("a")))
	}
	w.handle(placings...)
	timers := w.recorder.Timers()
	for _, stream := range streams {
		w.handle(w.commit(stream, confirm))
	}
	if !slices.Equal(seen, []events.Stream{"order/7", "order/7"}) {
		t.Errorf("handlers saw %v", seen)
	}
	ids := map[string]bool{}
	of := map[string][]string{}
	take := func(tenant, id, what string) {
		if ids[id] {
			t.Errorf("%s of %s has an id of another: %s", what, tenant, id)
		}
		ids[id] = true
		of[tenant] = append(of[tenant], what)
	}
	for _, r := range w.recorder.Requests() {
		take(r.Tenant, r.CommandID, r.Command+" "+r.ID+" because of "+strings.TrimPrefix(r.Causation, r.Tenant+":"))
	}
	for _, timer := range timers {
		take(timer.Command.Tenant, timer.Name, "timer")
		take(timer.Command.Tenant, timer.Command.CommandID, timer.Command.Command)
		if !strings.Contains(timer.Label, " "+timer.Command.Tenant+":order/7 ") {
			t.Errorf("%s: label %q", timer.Command.Tenant, timer.Label)
		}
	}
	for _, e := range w.recorder.Published() {
		take(e.Tenant, e.ID, e.Type)
		if e.Subject != e.Tenant+":order/7" || e.Causation != "order/7@2" || string(e.Data) != `{"order":"7","products":["a"]}` {
			t.Errorf("%+v", e)
		}
	}
	want := []string{
		"reserve-stock a because of order/7@1", "confirm-order 7 because of order/7@1", "timer", "reject-order", "com.example.shop.order-confirmed.v1",
	}
	if len(of) != 2 {
		t.Errorf("tenants %v", slices.Sorted(maps.Keys(of)))
	}
	for _, tenant := range []string{"acme", "globex"} {
		if !slices.Equal(of[tenant], want) {
			t.Errorf("%s: %q, want %q", tenant, of[tenant], want)
		}
	}
	if got := w.recorder.Timers(); len(got) > 0 {
		t.Errorf("timers of confirmed orders: %+v", got)
	}
}
