package account_test

import (
	"flag"
	"testing"

	"daybook/aggregate/aggregatetest"
	"daybook/docs/samples/account"
	"daybook/events"
	"daybook/view/viewtest"
)

//sample:begin golden

var _ = flag.Bool("update", false, "write missing golden files")

func TestShapesOfViews(t *testing.T) {
	t.Parallel()
	viewtest.Golden(t, "schema/views", account.Accounts)
}

//sample:end

func TestAccount(t *testing.T) {
	t.Parallel()
	aggregatetest.Given(t, account.Account).When(account.Open{Email: "Ann@Example.com"}).
		ThenClaims(events.Claim{Name: "account-email", Value: "ann@example.com"})
	aggregatetest.Given(t, account.Account, account.Opened{Email: "a@b.c"}).When(account.Pay{Amount: 1}).Then(account.Paid{Amount: 1})
}
