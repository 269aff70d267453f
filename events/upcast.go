package events

import (
	"encoding/json/jsontext"
	"encoding/json/v2"

	"daybook/personal"
)

// Upcaster turns the data of an event at one schema version into the next. It
// is pure, and it never changes once an event of its old version was stored.
type Upcaster func(old jsontext.Value) (jsontext.Value, error)

// Upcast makes an upcaster of a function between Go types: Old is what the data of
// one schema version were, New what the next one has. Old data are read as events
// are: a member that Old does not know is left out, one that is missing is zero.
//
// Each step is one Upcaster. With three versions,
//
//	Event(opened, events.Upcast(func(old OpenedV1) OpenedV2 {…}), events.Upcast(func(old OpenedV2) Opened {…}))
//
// takes version 1 by way of OpenedV2 to Opened, and version 2 by the last step
// alone. The old types need no name: only Opened is declared.
func Upcast[Old, New any](up func(Old) New) Upcaster {
	return func(data jsontext.Value) (jsontext.Value, error) {
		var old Old
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, err
		}
		return personal.Marshal(up(old))
	}
}

// apply runs the upcaster; a panic in it is an error.
func (u Upcaster) apply(old jsontext.Value) (data jsontext.Value, err error) {
	if panicked := Guard("an upcaster", func() { data, err = u(old) }); panicked != nil {
		return nil, panicked
	}
	return data, err
}
