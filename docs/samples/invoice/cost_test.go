package invoice_test

import (
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/cost"
	"daybook/costtest"
	"daybook/docs/samples/invoice"
	"daybook/view"
)

func TestCosts(t *testing.T) {
	t.Parallel()
	app := daybook.App{Name: "shop", Aggregates: []aggregate.Aggregate{invoice.Invoice}, Views: []view.View{invoice.Invoices}}
	//sample:begin cost
	db := costtest.Open(t, app)
	db.Send("invoice/7", invoice.Issue{Customer: "ann", Email: "ann@example.com", Lines: []invoice.Line{{Article: "a", Price: 1000}}})
	paid := db.Send("invoice/7", invoice.Pay{Amount: 1000})
	costtest.AtMost(t, paid.Command, cost.Units{Write: 1})
	costtest.AtMost(t, paid.View("invoices"), cost.Units{Write: 4, Read: 1}) // the row and its index entries
	//sample:end
}
