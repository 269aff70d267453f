package fulfilment_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"daybook/domain/order"
	"daybook/domain/product"
)

// TestReservationThatHung: what an instance sends after another has replaced it
// reserves nothing for an order that has ended, whether the other one's was
// refused or accepted and released, soon or after hours.
func TestReservationThatHung(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stock int64
		wait  time.Duration
		more  int // orders that end in the meantime
	}{
		"refused":         {0, time.Second, 0},
		"released":        {1, time.Second, 0},
		"after many":      {0, time.Minute, 200},
		"after two hours": {0, 2 * time.Hour, 3},

		"released, after many": {1, time.Minute, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			w.stock["p"] = c.stock
			w.command("add-product", "p", product.Add{Name: "P", Category: "c", Price: 1, Currency: "BRL", Stock: c.stock})
			place := func(id string) {
				w.command("place-order", id, order.Place{Customer: "ann", Currency: "BRL", Lines: []order.Line{{Product: "p", Quantity: 1, Price: 1}}})
			}
			place("o00000")
			w.slow = true // the first instance's reservation hangs
			w.deliver(60)
			w.slow = false
			w.settle()
			if c.stock > 0 {
				w.command("cancel-order", "o00000", order.Cancel{Reason: "mind changed"})
				w.settle()
			}
			for i := range c.more {
				w.now.Add(int64(c.wait) / int64(c.more))
				id := fmt.Sprintf("more%d", i)
				place(id)
				w.settle()
				w.command("cancel-order", id, order.Cancel{Reason: "mind changed"})
				w.settle()
			}
			w.now.Add(int64(c.wait))
			w.command("restock-product", "p", product.Restock{Quantity: 10})
			w.stock["p"] += 10
			if len(w.late) == 0 {
				t.Fatal("nothing hung")
			}
			w.wake(true)
			w.settle()
			if units := w.left("p"); units != w.stock["p"] {
				t.Errorf("%d units of %d are left, and no order stands", units, w.stock["p"])
			}
		})
	}
}

// TestReservationBeforeProduct: an order for a product that does not exist ends. Then
// the product is added, by a clock that is right or behind, and the order's events
// come again: it reserves nothing.
func TestReservationBeforeProduct(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cancelled bool
		later     time.Duration // by the clock of the instance that adds the product
	}{
		"rejected":                {false, time.Second},
		"rejected, clock behind":  {false, -10 * time.Minute},
		"cancelled":               {true, time.Second},
		"cancelled, clock behind": {true, -10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1)
			w.command("place-order", "o00000", order.Place{Customer: "ann", Currency: "BRL", Lines: []order.Line{{Product: "p", Quantity: 1, Price: 1}}})
			if c.cancelled {
				w.command("cancel-order", "o00000", order.Cancel{Reason: "mind changed"})
			}
			again := slices.Clone(w.queue)
			w.settle()
			w.now.Add(int64(c.later))
			w.command("add-product", "p", product.Add{Name: "P", Category: "c", Price: 1, Currency: "BRL", Stock: 5})
			w.queue = append(w.queue, again...)
			w.settle()
			if units := w.left("p"); units != 5 {
				t.Errorf("%d units of 5 are left, and no order stands", units)
			}
			w.command("place-order", "o00001", order.Place{Customer: "ann", Currency: "BRL", Lines: []order.Line{{Product: "p", Quantity: 1, Price: 1}}})
			w.settle()
			if units := w.left("p"); units != 4 {
				t.Errorf("%d units of 5 are left, and one order reserved one", units)
			}
		})
	}
}
