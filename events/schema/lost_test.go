package schema_test

import (
	"reflect"
	"testing"
	"time"

	"daybook/events/schema"
)

// chain contains itself, which must not make the search endless.
type chain struct {
	Next *chain
	At   time.Time // has unexported fields, and writes its own JSON
}

func TestLostField(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]any{
		"":       chain{},
		"hidden": struct{ hidden int }{},
		"Cache": struct {
			Cache int `json:"-"`
		}{},
		"Lines.note": struct{ Lines []*struct{ note string } }{},
		"ByName.Inner": struct {
			ByName map[string]struct {
				Inner int `json:"-"`
			}
		}{},
	} {
		if got := schema.LostField(reflect.TypeOf(v)); got != want {
			t.Errorf("lost field of %T: %q, want %q", v, got, want)
		}
	}
}
