package events

import (
	"encoding/json/v2"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"

	"daybook/personal"
)

// Type declares an event: its stored name and how its old data become new. The
// first upcaster takes schema version 1 to 2, the next 2 to 3, and so on.
type Type struct {
	Name      string
	Go        reflect.Type // of the newest data; nil where only JSON is looked at
	Upcasters []Upcaster
}

// Schema is the newest schema version of the type, from 1.
func (t Type) Schema() int { return len(t.Upcasters) + 1 }

// Codec knows the declared events. It is immutable and safe for concurrent use.
type Codec struct {
	types map[string]Type
}

// NewCodec returns a codec of the given types. A name that is not valid or is
// declared twice is an error.
func NewCodec(types ...Type) (*Codec, error) {
	c := &Codec{types: make(map[string]Type, len(types))}
	for _, t := range types {
		if err := ValidateName("event", t.Name); err != nil {
			return nil, fmt.Errorf("event %q: %w", t.Name, err)
		}
		if _, ok := c.types[t.Name]; ok {
			return nil, fmt.Errorf("event %q is declared twice", t.Name)
		}
		c.types[t.Name] = t
	}
	return c, nil
}

// Types returns the declared events, sorted by name.
func (c *Codec) Types() []Type {
	return slices.SortedFunc(maps.Values(c.types), func(a, b Type) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
}

// Declares reports whether an event of the given name is declared.
func (c *Codec) Declares(name string) bool {
	_, ok := c.types[name]
	return ok
}

// Names yields the names of the declared events, in no order.
func (c *Codec) Names() iter.Seq[string] { return maps.Keys(c.types) }

// Encode returns the event of the given declared name with v as its data, at
// the newest schema version. Errors have code internal: they are defects of the
// domain, not of a request.
func (c *Codec) Encode(name string, v any) (Event, error) {
	t, ok := c.types[name]
	if !ok {
		return Event{}, Errorf(CodeInternal, "event %q is not declared", name)
	}
	data, err := personal.Marshal(v)
	if err != nil {
		return Event{}, Wrap(CodeInternal, err, "event "+name+" can't be written as JSON")
	}
	return Event{Name: name, Schema: t.Schema(), Data: data}, nil
}

// Upgrade brings e to the newest schema version of its type. Errors have code
// internal: an event that is not declared, one from a newer program, or data
// that an upcaster refuses.
func (c *Codec) Upgrade(e Event) (Event, error) {
	t, ok := c.types[e.Name]
	if !ok {
		return Event{}, Errorf(CodeInternal, "event %q is not declared", e.Name)
	}
	if e.Schema < 1 || e.Schema > t.Schema() {
		return Event{}, Errorf(CodeInternal, "event %q has schema version %d, the newest known is %d", e.Name, e.Schema, t.Schema())
	}
	for e.Schema < t.Schema() {
		data, err := t.Upcasters[e.Schema-1].apply(e.Data)
		if err != nil {
			return Event{}, Wrap(CodeInternal, err, fmt.Sprintf("event %q can't be upcast from schema version %d", e.Name, e.Schema))
		}
		e.Data, e.Schema = data, e.Schema+1
	}
	return e, nil
}

// Decode reads the data of an event that Upgrade returned. Members that E does
// not know are ignored, so that an event may lose a field without an upcaster.
func Decode[E any](e Event) (E, error) {
	var v E
	err := e.decode(&v)
	return v, err
}

// decode is Decode without its type parameter, factored out so that it is
// compiled once.
func (e Event) decode(to any) error {
	if err := json.Unmarshal(e.Data, to); err != nil {
		return Wrap(CodeInternal, err, fmt.Sprintf("event %q can't be read", e.Name))
	}
	return nil
}
