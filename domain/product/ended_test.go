package product

import (
	"encoding/json/v2"
	"fmt"
	"reflect"
	"testing"
	"time"

	"daybook/aggregate"
)

// TestEndedOrdersAreBounded: however many orders end in an hour without a
// reservation, the state stays small; what was forgotten can't reserve any more,
// and what was placed later can.
func TestEndedOrdersAreBounded(t *testing.T) {
	t.Parallel()
	const orders = 3_000
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(i int) time.Time { return now.Add(time.Duration(i-orders) * time.Hour / orders) }
	id := func(i int) string { return fmt.Sprintf("%0128d", i) }
	s := State{Exists: true, Currency: "EUR", Stock: 5}
	for i := range orders {
		s = stockReleased(s, StockReleased{Order: id(i), At: at(i)})
	}
	if b, err := json.Marshal(s); err != nil || len(b) > 16<<10 || len(s.Ended) != MaxEnded {
		t.Errorf("%d bytes, %d orders, %v", len(b), len(s.Ended), err)
	}
	reserve := func(order string, placed time.Time) aggregate.Decision {
		until := placed.Add(ReservationTime)
		return reserveStock(s, ReserveStock{Order: order, Quantity: 1, Until: &until}, aggregate.Meta{Time: now})
	}
	forgotten := orders - MaxEnded - 1
	for name, c := range map[string]struct {
		order  string
		placed time.Time
		want   aggregate.Decision
	}{
		"remembered":           {id(orders - 1), at(orders - 1), aggregate.Reject("order-ended", "the order reserves no more")},
		"remembered, oldest":   {id(forgotten + 1), at(forgotten + 1), aggregate.Reject("order-ended", "the order reserves no more")},
		"forgotten":            {id(forgotten), at(forgotten), aggregate.Reject("too-late", "the reservation came too late")},
		"another of that time": {"o", at(forgotten), aggregate.Reject("too-late", "the reservation came too late")},
		"placed later":         {"o", at(forgotten).Add(time.Millisecond), aggregate.Emit(StockReserved{"o", 1})},
	} {
		if got := reserve(c.order, c.placed); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
