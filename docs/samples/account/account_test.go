package account_test

import (
	"flag"
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/daybooktest"
	"daybook/docs/samples/account"
	"daybook/events"
	"daybook/view"
)

//sample:begin golden

var _ = flag.Bool("update", false, "write missing golden files")

func TestWhatIsStored(t *testing.T) {
	t.Parallel()
	daybooktest.Golden(t, []aggregate.Aggregate{account.Account}, []view.View{account.Accounts})
}

//sample:end

func TestAccount(t *testing.T) {
	t.Parallel()
	aggregatetest.Given(t, account.Account).When(account.Open{Email: "Ann@Example.com"}).
		ThenClaims(events.Claim{Name: "account-email", Value: "ann@example.com"})
	aggregatetest.Given(t, account.Account, account.Opened{Email: "a@b.c"}).When(account.Pay{Amount: 1}).Then(account.Paid{Amount: 1})
	aggregatetest.Given(t, account.Account).When(account.Charge{Amount: 1}).Then(account.Charged{Amount: 1})
	aggregatetest.Given(t, account.Account, account.Opened{Email: "a@b.c"}).When(account.Close{}).Then(account.Closed{})
	aggregatetest.Given(t, account.Account).When(account.Close{}).Then()
}
