package e2e

import (
	"encoding/json/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook/domain"
	"daybook/domain/fulfilment"
	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
)

// TestOrderTimesOut: an order that nobody confirms is rejected when its time is up,
// though its process manager is parked: the timer is the scheduler's, which puts the
// command into the queue. Nobody can reserve what is ordered, since an event of the
// product can't be read; and the order was placed a quarter of an hour ago, but for
// some seconds.
func TestOrderTimesOut(t *testing.T) {
	onStacks(t, func(t *testing.T, s *stack.Stack) {
		c := &client{t: t, target: target{name: t.Name(), url: s.URL()}}
		store := dynamo.NewEventStore(s.Client(), domain.App().Prefix(stack.Stage)+"-events")
		broken, sound := c.stocked(5), c.stocked(5)
		enter(t, store, events.StreamOf("product", broken), events.Event{Name: "product-restocked", Schema: 1, Data: []byte(`{"quantity":"many"}`)})
		confirmed := c.order(sound)
		placed := time.Now().Add(3*time.Second - fulfilment.Patience)
		late := fresh("o")
		orderPlaced(t, store, late, c.customer(fresh("u")), broken, placed)

		c.until("order/"+confirmed, "order-placed", "order-confirmed")
		if last := c.until("order/"+late, "order-placed", "order-rejected"); !strings.Contains(last, "not confirmed in time") {
			t.Errorf("rejected because of %s", last)
		}
		if early := time.Until(placed.Add(fulfilment.Patience)); early > 0 {
			t.Errorf("rejected %s too early", early)
		}
		// The timer that went off is gone, and so is that of the confirmed order.
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			if left := schedules(t, s); left == 0 {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("%d timers are left", left)
			}
		}
	})
}

// orderPlaced starts the stream of an order that was placed at a time.
func orderPlaced(t *testing.T, store *dynamo.EventStore, id, customer, product string, at time.Time) {
	t.Helper()
	data, err := json.Marshal(orderPayload{Customer: customer, Currency: "EUR", Lines: []orderLine{{product, 1, 1990}}})
	if err != nil {
		t.Fatal(err)
	}
	commit := events.Commit{
		ID: "by-hand", Time: at, Events: []events.Event{{Name: "order-placed", Schema: 2, Data: data}}, Commands: []events.Command{{ID: "by-hand", Version: 1}},
	}
	for {
		_, err := store.Append(t.Context(), events.Start(events.StreamOf("order", id)), commit)
		if err == nil {
			return
		}
		if !events.Transient(err) {
			t.Fatal(err)
		}
	}
}

// schedules counts what the embedded scheduler keeps.
func schedules(t *testing.T, s *stack.Stack) int32 {
	t.Helper()
	for {
		out, err := s.Client().Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(domain.App().Prefix(stack.Stage) + "-schedules"), ConsistentRead: aws.Bool(true)})
		if err == nil {
			return out.Count
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}
