package howto_test

import (
	"fmt"
	"testing"

	"daybook/docs/samples/howto"
	"daybook/simulation/simulationtest"
)

//sample:begin simulation

func TestSimulation(t *testing.T) {
	simulationtest.Run(t, app,
		simulationtest.Weight(howto.ReceivePayment{}, 3), // three times as often as others
		simulationtest.Always("what is paid was received", func(w *simulationtest.World) error {
			for id, order := range w.States(howto.Order) {
				payment, err := w.State(howto.Payment, id)
				if err != nil {
					return err
				}
				if order.Status == "paid" && !payment.Received {
					return fmt.Errorf("order %s is paid, and its payment is %+v", id, payment)
				}
			}
			return nil
		}),
		simulationtest.Eventually("each order is paid or cancelled", func(w *simulationtest.World) error {
			for id, order := range w.States(howto.Order) {
				if order.Status == "placed" {
					return fmt.Errorf("order %s still waits", id)
				}
			}
			return nil
		}),
	)
}

//sample:end
