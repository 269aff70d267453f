package async_test

import (
	"testing"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
)

func TestEncodeChecksAsHandleDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	m, err := async.Encode(b.handler, aggregate.Command{Name: "record", ID: "7", Payload: []byte(`{"n":1}`), CommandID: "c1", Actor: "process/x"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := async.Decode(m.Body)
	if err != nil || m.Group != "tape/7" || m.Deduplication != "c1" || !e.Again || e.Command.Name != "record" || e.Command.CommandID != "c1" || e.Command.Actor != "process/x" {
		t.Errorf("%+v, %+v, %v", m, e, err)
	}
	// Without an id, a stream is derived.
	if m, err = async.Encode(b.handler, aggregate.Command{Name: "record", CommandID: "c2", Payload: []byte(`{"n":2}`)}); err != nil {
		t.Fatal(err)
	}
	if ds := b.Handle(t.Context(), []async.Delivery{{ID: "m", Body: m.Body, Receives: 1}}); ds[0].Verdict != async.VerdictDone || string(ds[0].Stream) != m.Group {
		t.Errorf("%+v", ds)
	}
	for code, c := range map[events.Code]aggregate.Command{
		events.CodeUnknownCommand: {Name: "nonsense", ID: "7", CommandID: "c1"},
		events.CodeMalformed:      {Name: "record", ID: "7", Payload: []byte(`{"cause":1}`), CommandID: "c1"},
	} {
		if _, err := async.Encode(b.handler, c); events.CodeOf(err) != code {
			t.Errorf("%+v: %v, want code %s", c, err, code)
		}
	}
}
