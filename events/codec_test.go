package events_test

import (
	"encoding/json/jsontext"
	"errors"
	"strings"
	"testing"

	"daybook/events"
)

func step(from, to string) events.Upcaster {
	return func(old jsontext.Value) (jsontext.Value, error) {
		if !strings.Contains(string(old), from) {
			return nil, errors.New("not " + from)
		}
		return jsontext.Value(strings.ReplaceAll(string(old), from, to)), nil
	}
}

func codec(t *testing.T) *events.Codec {
	t.Helper()
	c, err := events.NewCodec(
		events.Type{Name: "renamed", Upcasters: []events.Upcaster{step("first", "second"), step("second", "third")}},
		events.Type{Name: "closed"},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestUpcastersRunOneStepAfterTheOther(t *testing.T) {
	t.Parallel()
	c := codec(t)
	for schema, data := range map[int]string{1: `{"first":"x"}`, 2: `{"second":"x"}`, 3: `{"third":"x"}`} {
		e, err := c.Upgrade(events.Event{Name: "renamed", Schema: schema, Data: jsontext.Value(data)})
		if err != nil || e.Schema != 3 || string(e.Data) != `{"third":"x"}` {
			t.Errorf("version %d became %d %s, %v", schema, e.Schema, e.Data, err)
		}
	}
}

func TestEventsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c := codec(t)
	for name, e := range map[string]events.Event{
		"undeclared":             {Name: "opened", Schema: 1},
		"from a newer program":   {Name: "closed", Schema: 2},
		"without schema version": {Name: "closed"},
		"refused by an upcaster": {Name: "renamed", Schema: 1, Data: jsontext.Value(`{}`)},
	} {
		if _, err := c.Upgrade(e); events.CodeOf(err) != events.CodeInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := events.Decode[struct{ N int }](events.Event{Name: "x", Data: jsontext.Value(`{"N":"text"}`)}); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("data of another type: %v", err)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	c := codec(t)
	e, err := c.Encode("renamed", map[string]int{"b": 1, "a": 2})
	if err != nil || e.Schema != 3 || string(e.Data) != `{"a":2,"b":1}` {
		t.Errorf("encoded %d %s, %v", e.Schema, e.Data, err)
	}
	if _, err := c.Encode("opened", 1); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("an undeclared event: %v", err)
	}
	if _, err := c.Encode("closed", func() {}); events.CodeOf(err) != events.CodeInternal {
		t.Errorf("data that JSON can't hold: %v", err)
	}
	if types := c.Types(); len(types) != 2 || types[0].Name != "closed" {
		t.Errorf("types %v", types)
	}
}

func TestNewCodecRefuses(t *testing.T) {
	t.Parallel()
	if _, err := events.NewCodec(events.Type{Name: "a"}, events.Type{Name: "a"}); err == nil {
		t.Error("an event declared twice")
	}
	if _, err := events.NewCodec(events.Type{Name: "A"}); err == nil {
		t.Error("an event with a name that is not valid")
	}
}
