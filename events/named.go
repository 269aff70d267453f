package events

import (
	"fmt"
	"reflect"
)

// Data is the data of an event: a value type of the domain that carries the stored
// name of the event. The method returns a constant, on a value receiver, and the
// name never changes once an event was stored:
//
//	func (Renamed) EventName() string { return "user-renamed" }
type Data interface{ EventName() string }

// Payload is what a command asks for: a value type of the domain that carries the
// name of the command, as Data does the name of an event.
//
//	func (Rename) CommandName() string { return "rename-user" }
type Payload interface{ CommandName() string }

// NameOf returns the stored name of the event whose data are of type E. It is an
// error for a pointer or an interface, whose zero value has no name.
func NameOf[E Data]() (string, error) {
	var zero E
	if err := checkValue(reflect.TypeFor[E]()); err != nil {
		return "", err
	}
	return zero.EventName(), nil
}

// CommandNameOf returns the name of the command whose payload is of type C, as
// NameOf does for an event.
func CommandNameOf[C Payload]() (string, error) {
	var zero C
	if err := checkValue(reflect.TypeFor[C]()); err != nil {
		return "", err
	}
	return zero.CommandName(), nil
}

func checkValue(t reflect.Type) error {
	if k := t.Kind(); k == reflect.Pointer || k == reflect.Interface {
		return fmt.Errorf("%v is not a value type: declare the name on the type itself and take it by value", t)
	}
	return nil
}
