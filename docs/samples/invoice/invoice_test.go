package invoice_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/docs/samples/invoice"
	"daybook/events"
	"daybook/view/viewtest"
)

func TestDeclarations(t *testing.T) {
	t.Parallel()
	for _, of := range []interface{ Err() error }{invoice.Invoice, invoice.Account, invoice.Invoices, invoice.Debtors} {
		if err := of.Err(); err != nil {
			t.Error(err)
		}
	}
	aggregatetest.Given(t, invoice.Invoice).
		When(invoice.Issue{Customer: "ann", Email: "Ann@example.com", Lines: []invoice.Line{{Article: "a", Price: 400}, {Article: "b", Price: 600}}}).
		Then(invoice.Issued{Customer: "ann", Email: "ann@example.com", Total: 1000})
	aggregatetest.Given(t, invoice.Account).
		When(invoice.OpenAccount{Name: "Ann", Email: "Ann@example.com"}).
		ThenClaims(events.Claim{Name: "account-email", Value: "ann@example.com"})
}

func TestInvoices(t *testing.T) {
	t.Parallel()
	//sample:begin view-test
	codec, err := aggregate.Codec([]aggregate.Aggregate{invoice.Invoice})
	if err != nil {
		t.Fatal(err)
	}
	past := viewtest.Commits(t, codec, "invoice/7", invoice.Issued{Customer: "ann", Total: 1000}, invoice.Paid{Amount: 1000})
	viewtest.Given(t, codec, invoice.Invoices, past...).
		ThenRow("7", invoice.Row{Customer: "ann", IssuedAt: past[0].Time, Paid: true})
	//sample:end
}

func TestPay(t *testing.T) {
	t.Parallel()
	issued := invoice.Issued{Customer: "ann", Total: 1000}
	//sample:begin test
	aggregatetest.Given(t, invoice.Invoice, issued).
		When(invoice.Pay{Amount: 1000}).
		Then(invoice.Paid{Amount: 1000})
	//sample:end
}
