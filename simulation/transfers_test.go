package simulation_test

import (
	"daybook"
	"daybook/aggregate"
	"daybook/process"
	"daybook/view"
)

type (
	account struct {
		Balance int64 `json:"balance"`
	}
	opened struct {
		Amount int64 `json:"amount" rule:"min=1,max=9"`
	}
	moved struct {
		Amount int64 `json:"amount"`
	}
	transfer struct {
		Ordered bool `json:"ordered"`
	}
	ordered struct {
		From   string `json:"from" rule:"format=id"`
		To     string `json:"to" rule:"format=id"`
		Amount int64  `json:"amount" rule:"min=1,max=9"`
	}
	openAccount opened
	move        moved
	order       ordered
)

func (opened) EventName() string        { return "account-opened" }
func (moved) EventName() string         { return "money-moved" }
func (ordered) EventName() string       { return "transfer-ordered" }
func (openAccount) CommandName() string { return "open-account" }
func (move) CommandName() string        { return "move-money" }
func (order) CommandName() string       { return "order-transfer" }

var accounts = aggregate.New[account]("account").KeepCommands().
	Event(func(_ account, e opened) account { return account{e.Amount} }).
	Event(func(s account, e moved) account { s.Balance += e.Amount; return s }).
	Command(func(_ account, c openAccount) aggregate.Decision { return aggregate.Emit(opened(c)) }, aggregate.Creates()).
	Command(func(s account, c move) aggregate.Decision {
		if s.Balance+c.Amount < 0 {
			return aggregate.Reject("too-little", "there is too little money")
		}
		return aggregate.Emit(moved(c))
	}, aggregate.Internal())

var transfers = aggregate.New[transfer]("transfer").
	Event(func(transfer, ordered) transfer { return transfer{true} }).
	Command(func(_ transfer, c order) aggregate.Decision { return aggregate.Emit(ordered(c)) }, aggregate.Creates())

// paying sends commands as soon as it sees a transfer, two of them to one account: those
// of several transfers of a batch come at one instant.
var paying = process.New[struct{}]("paying", "transfer").Sends(move{}).
	React(func(e ordered, _ process.Meta) process.Reaction {
		return process.Do(process.All(
			process.Send(e.From, move{-e.Amount}).Unless("too-little"),
			process.Send(e.From, move{-1}).Unless("too-little"),
			process.Send(e.To, move{e.Amount}),
		))
	})

func balances(version int) *view.RowView[account] {
	return view.New[account]("balances", "account").Version(version).
		On(func(_ account, e opened, _ view.Meta) account { return account{e.Amount} }).
		On(func(r account, e moved, _ view.Meta) account { r.Balance += e.Amount; return r })
}

func bank(v view.View) daybook.App {
	return daybook.App{Name: "bank", Aggregates: []aggregate.Aggregate{accounts, transfers}, Views: []view.View{v}, Processes: []process.Reactor{paying}}
}
