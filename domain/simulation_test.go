package domain_test

import (
	"fmt"
	"testing"

	"daybook/domain"
	"daybook/domain/order"
	"daybook/domain/product"
	"daybook/simulation/simulationtest"
)

// TestSimulation: whatever goes wrong, stock is never sold twice, and no order is left
// in between. go run ./cmd/daybook simulate runs it under many seeds.
func TestSimulation(t *testing.T) {
	simulationtest.Run(t, domain.App(),
		simulationtest.Weight(order.Place{}, 4),
		simulationtest.Weight(product.Restock{}, 2),
		simulationtest.Weight(order.Cancel{}, 2),
		simulationtest.Always("stock is never negative", func(w *simulationtest.World) error {
			for id, p := range w.States(product.Product) {
				if p.Stock < 0 {
					return fmt.Errorf("product %s has %d units", id, p.Stock)
				}
			}
			return nil
		}),
		simulationtest.Eventually("no order stays placed", func(w *simulationtest.World) error {
			for id, o := range w.States(order.Order) {
				if o.Status == order.Placed {
					return fmt.Errorf("order %s is neither confirmed nor rejected", id)
				}
			}
			return nil
		}),
		simulationtest.Eventually("units are kept for confirmed orders, and for no others", func(w *simulationtest.World) error {
			kept := map[string]map[string]int64{} // by order and product
			for id, p := range w.States(product.Product) {
				for of, units := range p.Reserved {
					if kept[of] == nil {
						kept[of] = map[string]int64{}
					}
					kept[of][id] = units
				}
			}
			for _, stream := range w.Streams("order") {
				o, err := w.State(order.Order, stream.ID())
				if err != nil {
					return err
				}
				if o.Status != order.Confirmed && len(kept[stream.ID()]) > 0 {
					return fmt.Errorf("%s is %s, and keeps %v", stream, o.Status, kept[stream.ID()])
				}
				ordered := map[string]int64{}
				for _, e := range w.EventsOf[order.PlacedEvent](stream) {
					for _, l := range e.Lines {
						ordered[l.Product] += l.Quantity
					}
				}
				for id, units := range ordered {
					if o.Status == order.Confirmed && kept[stream.ID()][id] != units {
						return fmt.Errorf("%s is confirmed with %d units of product %s, and keeps %d", stream, units, id, kept[stream.ID()][id])
					}
				}
			}
			return nil
		}),
	)
}
