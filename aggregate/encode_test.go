package aggregate_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	h, err := aggregate.NewHandler(&eventstest.Memory{}, testdomain.Aggregates(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Encode(aggregate.Command{Name: "reject-booking", ID: "7", Payload: []byte(`{"reason":"too late"}`), CommandID: "c1", Actor: "process/x"})
	if err != nil {
		t.Fatal(err)
	}
	q, err := aggregate.DecodeQueued(m.Body)
	if err != nil || m.Group != "booking/7" || !q.Again || q.Command.Name != "reject-booking" || q.Command.CommandID != "c1" || q.Command.Actor != "process/x" {
		t.Errorf("%+v, %+v, %v", m, q, err)
	}
	for code, c := range map[events.Code]aggregate.Command{
		events.CodeUnknownCommand: {Name: "reject", ID: "7", CommandID: "c1"},
		events.CodeMalformed:      {Name: "reject-booking", ID: "7", Payload: []byte(`{"cause":1}`), CommandID: "c1"},
	} {
		if _, err := h.Encode(c); events.CodeOf(err) != code {
			t.Errorf("%+v: %v, want code %s", c, err, code)
		}
	}
}
