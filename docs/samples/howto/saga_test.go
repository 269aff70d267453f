package howto_test

import (
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/daybooktest"
	"daybook/docs/samples/howto"
	"daybook/events"
	"daybook/process"
	"daybook/view"
)

var app = daybook.App{
	Name:       "shop",
	Aggregates: []aggregate.Aggregate{howto.Order, howto.Payment, howto.Customer},
	Views:      []view.View{howto.Orders},
	Processes:  []process.Reactor{howto.Collection, howto.Receipts},
}

//sample:begin test

func TestAnOrderIsPaidInTimeOrExpires(t *testing.T) {
	t.Parallel()
	daybooktest.Given(t, app).
		When("order/7", howto.Place{Cents: 500}).
		RunProcesses().
		ThenOn("payment/7", howto.Requested{Cents: 500}).
		When("payment/7", howto.ReceivePayment{}).
		RunProcesses().
		After(4*24*time.Hour). // the timer was cancelled
		ThenRow("orders", "7", howto.OrderRow{Cents: 500, Status: "paid"})
	daybooktest.Given(t, app).
		When("order/8", howto.Place{Cents: 500}).
		RunProcesses().
		After(4*24*time.Hour).
		ThenRow("orders", "8", howto.OrderRow{Cents: 500, Status: "cancelled"})
}

//sample:end

func TestApp(t *testing.T) {
	t.Parallel()
	if err := app.Check(); err != nil {
		t.Error(err)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	aggregatetest.Given(t, howto.Order, howto.Placed{Cents: 1}, howto.Paid{}).When(howto.Expire{}).Then()
	aggregatetest.Given(t, howto.Order, howto.Placed{Cents: 1}).When(howto.Cancel{Reason: "too dear"}).
		Then(howto.Cancelled{Reason: "too dear"})
	aggregatetest.Given(t, howto.Payment).When(howto.ReceivePayment{}).ThenRejected("payment-not-requested")
	aggregatetest.Given(t, howto.Payment, howto.Withdrawn{}).When(howto.RequestPayment{Cents: 1}).Then()
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	since := time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC)
	c := howto.TakeOver{Name: "Ann", Email: "Ann@example.com", Since: since}
	taken := howto.TakenOver(c)
	aggregatetest.Given(t, howto.Customer).When(c).Then(taken).
		ThenClaims(events.Claim{Name: "customer-email", Value: "ann@example.com"})
	aggregatetest.Given(t, howto.Customer, taken).When(c).Then()
	elsewhere := c // the same moment, in another time zone
	elsewhere.Since = since.In(time.FixedZone("", 7200))
	aggregatetest.Given(t, howto.Customer, taken).When(elsewhere).Then()
	other := c
	other.Name = "Anna"
	aggregatetest.Given(t, howto.Customer, taken).When(other).ThenRejected("customer-already-exists")
}
