package aggregate_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/events"
	"daybook/events/eventstest"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	h, err := aggregate.NewHandler(&eventstest.Memory{}, domain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Encode(aggregate.Command{Name: "reject-order", ID: "7", Payload: []byte(`{"reason":"too late"}`), CommandID: "c1", Actor: "process/x"})
	if err != nil {
		t.Fatal(err)
	}
	q, err := aggregate.DecodeQueued(m.Body)
	if err != nil || m.Group != "order/7" || !q.Again || q.Command.Name != "reject-order" || q.Command.CommandID != "c1" || q.Command.Actor != "process/x" {
		t.Errorf("%+v, %+v, %v", m, q, err)
	}
	for code, c := range map[events.Code]aggregate.Command{
		events.CodeUnknownCommand: {Name: "reject", ID: "7", CommandID: "c1"},
		events.CodeMalformed:      {Name: "reject-order", ID: "7", Payload: []byte(`{"cause":1}`), CommandID: "c1"},
	} {
		if _, err := h.Encode(c); events.CodeOf(err) != code {
			t.Errorf("%+v: %v, want code %s", c, err, code)
		}
	}
}
