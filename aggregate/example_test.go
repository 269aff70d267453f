package aggregate_test

import (
	"context"
	"fmt"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
)

type (
	account struct{ Balance int64 }
	opened  struct{ Number string }
	moved   struct{ By int64 }
	open    struct {
		Number string `json:"number"`
	}
	transfer struct {
		To     string `json:"to"`
		Amount int64  `json:"amount"`
	}
)

func (opened) EventName() string     { return "account-opened" }
func (moved) EventName() string      { return "money-moved" }
func (open) CommandName() string     { return "open-account" }
func (transfer) CommandName() string { return "transfer" }

// An account has a number that no other has, and money moves between two of them
// at once or not at all.
func Example() {
	to := func(c transfer) []events.Stream { return []events.Stream{events.StreamOf("account", c.To)} }
	accounts := aggregate.New[account]("account").
		Event(func(s account, _ opened) account { return account{Balance: 100} }).
		Event(func(s account, e moved) account { s.Balance += e.By; return s }).
		Command(func(_ account, c open) aggregate.Decision {
			return aggregate.Emit(opened{c.Number}).Claim("account-number", c.Number, "/payload/number")
		}, aggregate.Creates()).
		Across(to, func(s account, c transfer, o *aggregate.Others) aggregate.Decision {
			if s.Balance < c.Amount {
				return aggregate.Reject("too-little", "there is too little in the account")
			}
			return aggregate.Emit(moved{-c.Amount}).On(to(c)[0], aggregate.Emit(moved{c.Amount}))
		}, aggregate.OnceOnly())
	handler, err := aggregate.NewHandler(&eventstest.Memory{}, []aggregate.Aggregate{accounts}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range []aggregate.Command{
		{Name: "open-account", ID: "a", Payload: []byte(`{"number":"11"}`)},
		{Name: "open-account", ID: "b", Payload: []byte(`{"number":"11"}`)},
		{Name: "open-account", ID: "b", Payload: []byte(`{"number":"12"}`)},
		{Name: "transfer", ID: "a", CommandID: "rent", Payload: []byte(`{"to":"b","amount":70}`)},
		{Name: "transfer", ID: "a", CommandID: "rent", Payload: []byte(`{"to":"b","amount":70}`)},
		{Name: "transfer", ID: "a", CommandID: "more", Payload: []byte(`{"to":"b","amount":70}`)},
	} {
		r, err := handler.Handle(context.Background(), c)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(r.Token(), r.Others, r.Replayed)
	}
	// Output:
	// account/a@1 [] false
	// already-taken: the value is taken [/payload/number is taken]
	// account/b@1 [] false
	// account/a@2 [account/b@2] false
	// account/a@2 [account/b@2] true
	// too-little: there is too little in the account
}
