package simulationtest_test

import (
	"fmt"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/process"
	"daybook/simulation"
	"daybook/simulation/simulationtest"
	"daybook/view"
)

// A bank: accounts with money, and transfers between them.
type (
	account struct {
		Open    bool  `json:"open,omitzero"`
		Balance int64 `json:"balance,omitzero"`
	}
	opened struct {
		Amount int64 `json:"amount"`
	}
	withdrawn struct {
		Amount int64 `json:"amount"`
	}
	deposited struct {
		Amount int64 `json:"amount"`
	}
	closed struct{}

	openAccount struct {
		Amount int64 `json:"amount" rule:"min=1,max=1000"`
	}
	withdraw struct {
		Amount int64 `json:"amount" rule:"min=1,max=1000"`
	}
	deposit struct {
		Amount int64 `json:"amount" rule:"min=1,max=1000"`
	}
	closeAccount struct{}

	transfer struct {
		Requested bool `json:"requested,omitzero"`
	}
	requested struct {
		From   string `json:"from"`
		To     string `json:"to"`
		Amount int64  `json:"amount"`
	}
	requestTransfer struct {
		From   string `json:"from" rule:"format=id"`
		To     string `json:"to" rule:"format=id"`
		Amount int64  `json:"amount" rule:"min=1,max=10"`
	}
	balance struct {
		Balance int64 `json:"balance"`
	}
)

func (opened) EventName() string            { return "account-opened" }
func (withdrawn) EventName() string         { return "money-withdrawn" }
func (deposited) EventName() string         { return "money-deposited" }
func (closed) EventName() string            { return "account-closed" }
func (requested) EventName() string         { return "transfer-requested" }
func (openAccount) CommandName() string     { return "open-account" }
func (withdraw) CommandName() string        { return "withdraw-money" }
func (deposit) CommandName() string         { return "deposit-money" }
func (closeAccount) CommandName() string    { return "close-account" }
func (requestTransfer) CommandName() string { return "request-transfer" }

var accountAggregate = aggregate.New[account]("account").
	Event(func(_ account, e opened) account { return account{true, e.Amount} }).
	Event(func(s account, e withdrawn) account { s.Balance -= e.Amount; return s }).
	Event(func(s account, e deposited) account { s.Balance += e.Amount; return s }).
	Event(func(s account, _ closed) account { s.Open = false; return s }).
	Command(func(s account, c openAccount) aggregate.Decision {
		if s.Open {
			return aggregate.Reject("account-exists", "this account exists already")
		}
		return aggregate.Emit(opened(c))
	}, aggregate.Creates()).
	Command(func(s account, c withdraw) aggregate.Decision {
		if !s.Open || s.Balance < c.Amount {
			return aggregate.Reject("no-money", "the account has not as much")
		}
		return aggregate.Emit(withdrawn(c))
	}, aggregate.Internal()).
	Command(func(s account, c deposit) aggregate.Decision {
		if !s.Open {
			return aggregate.Reject("no-account", "there is no such account")
		}
		return aggregate.Emit(deposited(c))
	}, aggregate.Internal()).
	Command(func(s account, _ closeAccount) aggregate.Decision {
		switch {
		case !s.Open:
			return aggregate.Reject("no-account", "there is no such account")
		case s.Balance != 0:
			return aggregate.Reject("money-left", "the account is not empty")
		}
		return aggregate.Emit(closed{})
	})

var transferAggregate = aggregate.New[transfer]("transfer").
	Event(func(transfer, requested) transfer { return transfer{true} }).
	Command(func(s transfer, c requestTransfer) aggregate.Decision {
		if s.Requested {
			return aggregate.Reject("transfer-exists", "this transfer was requested already")
		}
		return aggregate.Emit(requested(c))
	}, aggregate.Creates())

// paying is the process manager that carries transfers out: refund says whether money
// that can't be deposited is given back.
func paying(refund bool) process.Reactor {
	return process.New[struct{}]("paying", "transfer").Sends(withdraw{}, deposit{}).
		React(func(e requested, _ process.Meta) process.Reaction {
			back := func(process.Rejection) process.Reaction {
				if !refund {
					return process.Do() // the fault: the money is gone
				}
				return process.Do(process.Send(e.From, deposit{e.Amount}))
			}
			return process.Do(process.All(process.Send(e.From, withdraw{e.Amount})).
				Then(process.All(process.Send(e.To, deposit{e.Amount})).Else(back)).
				Else(func(process.Rejection) process.Reaction { return process.Do() }))
		})
}

func balances(version int, faulty bool) *view.RowView[balance] {
	return view.New[balance]("balances", "account").Version(version).
		On(func(_ balance, e opened, _ view.Meta) balance { return balance{e.Amount} }).
		On(func(r balance, e withdrawn, _ view.Meta) balance {
			if faulty {
				panic("nobody takes money out")
			}
			r.Balance -= e.Amount
			return r
		}).
		On(func(r balance, e deposited, _ view.Meta) balance { r.Balance += e.Amount; return r })
}

func bank(refund bool, views ...view.View) daybook.App {
	return daybook.App{
		Name: "bank", Aggregates: []aggregate.Aggregate{accountAggregate, transferAggregate}, Views: views,
		Processes: []process.Reactor{paying(refund)},
	}
}

// conserved: what is in accounts is what was brought when they were opened.
func conserved(w *simulationtest.World) error {
	var brought, there int64
	for _, stream := range w.Streams("account") {
		for _, e := range w.EventsOf[opened](stream) {
			brought += e.Amount
		}
		a, err := w.State(accountAggregate, stream.ID())
		if err != nil {
			return err
		}
		there += a.Balance
	}
	if brought != there {
		return fmt.Errorf("%d was brought, and %d is there", brought, there)
	}
	return nil
}

func money() simulation.Options {
	return simulation.Options{Eventually: []simulation.Invariant{{Name: "money is conserved", Holds: conserved}}}
}

// breaks tries seeds until one breaks something, and returns that run and how many it took.
func breaks(t *testing.T, app daybook.App, o simulation.Options, most int) (*simulation.Result, int) {
	t.Helper()
	for seed := range most {
		if res := simulation.Run(t, app, simulation.Recipe{Seed: uint64(seed)}, o); len(res.Violations) > 0 {
			return res, seed + 1
		}
	}
	return nil, most
}

// TestSimulationFindsAWrongSaga: one that forgets to give money back loses it within a
// few seeds; the shrunken run names the one transfer, and replays.
func TestSimulationFindsAWrongSaga(t *testing.T) {
	app := bank(false, balances(1, false))
	res, seeds := breaks(t, app, money(), 100)
	if res == nil {
		t.Fatal("100 seeds found nothing")
	}
	short := simulation.Shrink(t, app, res, money())
	t.Logf("%d seeds, shrunk to %s\n%s", seeds, short.Recipe, short.Report(false))
	if report := short.Report(false); !strings.Contains(report, " → 200 [transfer-requested]\n") || !strings.Contains(report, " → 200 [money-withdrawn]\n") {
		t.Errorf("the report does not tell what happened to the money:\n%s", report)
	}
	if steps := len(short.Recipe.Steps); steps > 3 || len(short.Recipe.Faults) > 0 || short.Violations[0].Check != "money is conserved" {
		t.Errorf("shrunk to %d steps with %d faults:\n%s", steps, len(short.Recipe.Faults), short.Report(false))
	}
	recipe, err := simulation.ParseRecipe(short.Recipe.String())
	if err != nil {
		t.Fatal(err)
	}
	if again := simulation.Run(t, app, recipe, money()); again.Hash != short.Hash || len(again.Violations) != len(short.Violations) {
		t.Errorf("the replay of %q did another thing: %v", recipe, again.Violations)
	}
}

// TestSimulationOfARightSaga: the saga that gives back keeps the money together.
func TestSimulationOfARightSaga(t *testing.T) {
	if res, seeds := breaks(t, bank(true, balances(1, false)), money(), 4); res != nil {
		t.Errorf("seed %d:\n%s", seeds-1, res.Report(false))
	}
}

// TestSimulationOfADeployment: a view that can't follow parks streams, which is a
// failure; a program that is deployed in the middle, with the view repaired and in a
// new version, makes it good.
func TestSimulationOfADeployment(t *testing.T) {
	faulty := bank(true, balances(1, true))
	res, _ := breaks(t, faulty, simulation.Options{}, 30)
	if res == nil || res.Violations[0].Check != "nothing is parked" {
		t.Fatalf("a view that panics: %+v", res)
	}
	next := bank(true, balances(2, false).Previous(balances(1, false)))
	if res, seeds := breaks(t, faulty, simulation.Options{Next: &next}, 5); res != nil {
		t.Errorf("seed %d:\n%s", seeds-1, res.Report(false))
	}
}
