package account_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/docs/samples/account"
	"daybook/events"
	"daybook/events/eventstest"
)

//sample:begin fuzz

func FuzzPay(f *testing.F) {
	f.Add([]byte(`{"amount":1000}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		handler, err := aggregate.NewHandler(&eventstest.Memory{}, []aggregate.Aggregate{account.Account}, nil)
		if err != nil {
			t.Fatal(err)
		}
		command := aggregate.Command{Name: account.Pay{}.CommandName(), ID: "7", CommandID: "c", Payload: payload}
		first, err := handler.Handle(t.Context(), command)
		if err != nil {
			if code := events.CodeOf(err); code != events.CodeMalformed {
				t.Errorf("%s is refused with %q: %v", payload, code, err)
			}
			return
		}
		again, err := handler.Handle(t.Context(), command)
		if err != nil || !again.Replayed || again.Version != first.Version {
			t.Errorf("%s is accepted as %+v, and when it is repeated as %+v, %v", payload, first, again, err)
		}
	})
}

//sample:end
