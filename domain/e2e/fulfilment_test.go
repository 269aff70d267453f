package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/localstack/stack"
)

type orderLine struct {
	Product  string `json:"product"`
	Quantity int64  `json:"quantity"`
	Price    int64  `json:"price"`
}

type orderPayload struct {
	Customer string      `json:"customer"`
	Currency string      `json:"currency"`
	Lines    []orderLine `json:"lines"`
}

// stocked adds a product and returns its id.
func (c *client) stocked(stock int64) string {
	c.t.Helper()
	id := fresh("p")
	c.command("add-product", id, productPayload{"Lamp", fresh("c"), 1990, "EUR", stock})
	return id
}

// customer creates a user who may order.
func (c *client) customer(id string) string {
	c.t.Helper()
	c.command("create-user", id, userPayload{"Ann", id + "@example.com"})
	return id
}

// customerOf is the customer of an order that the method order placed.
func customerOf(order string) string { return "ann-of-" + order }

// order places an order of one unit of each product, for a customer of its own.
func (c *client) order(products ...string) string {
	c.t.Helper()
	id := fresh("o")
	c.orderFor(c.customer(customerOf(id)), "EUR", id, products...)
	return id
}

func (c *client) orderFor(customer, currency, id string, products ...string) {
	c.t.Helper()
	o := orderPayload{Customer: customer, Currency: currency}
	for _, p := range products {
		o.Lines = append(o.Lines, orderLine{p, 1, 1990})
	}
	c.command("place-order", id, o)
}

// history returns the names of a stream's events, and the data of the last.
func (c *client) history(stream string) (names []string, last string) {
	c.t.Helper()
	a := c.get("/streams/" + stream)
	if a.status != http.StatusOK {
		c.t.Fatalf("history of %s: %d %s", stream, a.status, a.body)
	}
	for _, e := range decode[struct {
		Events []struct {
			Name string         `json:"name"`
			Data map[string]any `json:"data"`
		} `json:"events"`
	}](c, a).Events {
		names, last = append(names, e.Name), fmt.Sprint(e.Data)
	}
	return names, last
}

// until asks again until a stream's events are the given ones.
func (c *client) until(stream string, want ...string) (last string) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		names, last := c.history(stream)
		if strings.Join(names, " ") == strings.Join(want, " ") {
			return last
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s has %q, want %q", stream, names, want)
		}
	}
}

// TestOrderIsFulfilled: a placed order reserves and is confirmed, a cancelled one
// gives back, a completed one keeps.
func TestOrderIsFulfilled(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		p, q := c.stocked(5), c.stocked(1)
		o := c.order(p, q)
		c.until("order/"+o, "order-placed", "order-confirmed")
		c.until("product/"+q, "product-added", "product-stock-reserved")
		row := decode[struct {
			Status string `json:"status"`
		}](c, c.get("/orders/"+o+"?"+after("order/"+o+"@2")))
		if row.Status != "confirmed" {
			t.Errorf("order: %+v", row)
		}
		c.command("cancel-order", o, map[string]string{"reason": "mind changed"})
		c.until("product/"+p, "product-added", "product-stock-reserved", "product-stock-released")
		c.until("product/"+q, "product-added", "product-stock-reserved", "product-stock-released")

		o = c.order(q)
		c.until("order/"+o, "order-placed", "order-confirmed")
		c.command("complete-order", o, struct{}{})
		c.until("product/"+q, "product-added", "product-stock-reserved", "product-stock-released", "product-stock-reserved", "product-stock-settled")
		c.fails(c.try("cancel-order", o, map[string]string{"reason": "late"}), http.StatusUnprocessableEntity, "order-completed")
	})
}

// TestOrderOfAnyIDIsFulfilled: the timer's label is longer than a description's 512
// bytes, which are characters for AWS.
func TestOrderOfAnyIDIsFulfilled(t *testing.T) {
	onStacks(t, func(t *testing.T, s *stack.Stack) {
		c := &client{t: t, target: target{name: t.Name(), url: s.URL()}}
		p, id := c.stocked(5), strings.Repeat("😀", 125)
		c.orderFor(c.customer(fresh("u")), "EUR", id, p)
		c.until("order/"+url.PathEscape(id), "order-placed", "order-confirmed")
	})
}

// TestOrderIsRejected: when one product is short, what was reserved of the others
// comes back.
func TestOrderIsRejected(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		p, q := c.stocked(5), c.stocked(0)
		o := c.order(p, q)
		if last := c.until("order/"+o, "order-placed", "order-rejected"); !strings.Contains(last, q) {
			t.Errorf("rejected because of %s", last)
		}
		c.until("product/"+p, "product-added", "product-stock-reserved", "product-stock-released")

		o = c.order(p, "no-such")
		c.until("order/"+o, "order-placed", "order-rejected")
	})
}

// TestOrdersThatMayNotBe: an order of an unknown or a deactivated customer, or in a
// currency that a product is not sold in, is rejected and reserves nothing.
func TestOrdersThatMayNotBe(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		p := c.stocked(5)
		off := c.customer(fresh("u"))
		c.command("deactivate-user", off, struct{}{})
		for _, order := range []struct{ customer, currency, why string }{
			{fresh("nobody"), "EUR", "may not order"},
			{off, "EUR", "may not order"},
			{c.customer(fresh("u")), "USD", "not sold in USD"},
		} {
			o := fresh("o")
			c.orderFor(order.customer, order.currency, o, p)
			if last := c.until("order/"+o, "order-placed", "order-rejected"); !strings.Contains(last, order.why) {
				t.Errorf("rejected because of %s, want %q", last, order.why)
			}
		}
		names, _ := c.history("product/" + p)
		if slices.Contains(names, "product-stock-reserved") {
			t.Errorf("the product has %q", names)
		}
	})
}

// TestOrdersForTheLastUnits: of many orders for few units, as many are confirmed
// as there are units.
func TestOrdersForTheLastUnits(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		const units, orders = 3, 8
		p := c.stocked(units)
		ids := make([]string, orders)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i] = c.order(p) })
		}
		wg.Wait()
		ends := map[string]int{}
		for _, id := range ids {
			for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
				names, _ := c.history("order/" + id)
				if len(names) == 2 {
					ends[names[1]]++
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("order %s has %q", id, names)
				}
			}
		}
		if ends["order-confirmed"] != units || ends["order-rejected"] != orders-units {
			t.Errorf("%v of %d orders for %d units", ends, orders, units)
		}
	})
}
