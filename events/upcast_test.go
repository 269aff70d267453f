package events_test

import (
	"encoding/json/jsontext"
	"strings"
	"testing"

	"daybook/events"
)

type (
	openedV1 struct {
		Owner string `json:"owner"`
	}
	openedV2 struct {
		Owner string `json:"owner"`
		Cents int64  `json:"cents"`
	}
	opened struct {
		Holder string `json:"holder"`
		Cents  int64  `json:"cents"`
	}
)

// TestUpcast: steps between Go types chain, beside one between texts of JSON.
func TestUpcast(t *testing.T) {
	t.Parallel()
	codec, err := events.NewCodec(events.Type{Name: "account-opened", Upcasters: []events.Upcaster{
		events.Upcast(func(old openedV1) openedV2 { return openedV2{old.Owner, 100} }),
		events.Upcast(func(old openedV2) opened { return opened{old.Owner, old.Cents} }),
		func(old jsontext.Value) (jsontext.Value, error) { return old, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		schema     int
		data, want string
	}{
		{1, `{"owner":"Ann"}`, `{"holder":"Ann","cents":100}`},
		{2, `{"owner":"Ann","cents":5}`, `{"holder":"Ann","cents":5}`},
		{1, `{"owner":"Ann","unknown":[1]}`, `{"holder":"Ann","cents":100}`},
		{2, `{}`, `{"holder":"","cents":0}`},
		{3, `{"holder":"Bob","cents":7}`, `{"holder":"Bob","cents":7}`},
	} {
		e, err := codec.Upgrade(events.Event{Name: "account-opened", Schema: c.schema, Data: jsontext.Value(c.data)})
		if err != nil || e.Schema != 4 || string(e.Data) != c.want {
			t.Errorf("version %d of %s: %+v, %v", c.schema, c.data, e, err)
		}
		if got, err := events.Decode[opened](e); err != nil || c.want == "" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	_, err = codec.Upgrade(events.Event{Name: "account-opened", Schema: 1, Data: jsontext.Value(`{"owner":7}`)})
	if events.CodeOf(err) != events.CodeInternal || !strings.Contains(events.FaultText(err), `event "account-opened" can't be upcast from schema version 1`) {
		t.Errorf("data that the old type can't hold: %v", err)
	}
}

// TestAnUpcasterThatPanics is a fault of its event only.
func TestAnUpcasterThatPanics(t *testing.T) {
	t.Parallel()
	codec, err := events.NewCodec(events.Type{Name: "account-opened", Upcasters: []events.Upcaster{
		events.Upcast(func(openedV1) openedV2 { panic("no") }),
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = codec.Upgrade(events.Event{Name: "account-opened", Schema: 1, Data: jsontext.Value(`{}`)})
	if text := events.FaultText(err); !strings.Contains(text, "panicked with a string at daybook/events_test/upcast_test.go:") {
		t.Error(text)
	}
}
