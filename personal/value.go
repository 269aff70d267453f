package personal

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// Value is a personal value: stored, it is encrypted with the data key of its subject,
// and erased once that key is deleted. It is immutable. It can't be compared with ==;
// compare what Reveal returns.
type Value[T any] struct {
	_      [0]func() // no ==: two values of one text may be of two subjects
	value  T
	of     origin
	erased bool
	sealed string // the sealed form, where it was read without its key
}

// origin says whose a value is and under which key it was stored, "" for not known yet.
type origin struct{ subject, key string }

// Of marks a value. Its subject is the stream that it is stored for, unless the event
// or command that holds it says otherwise.
func Of[T any](value T) Value[T] { return Value[T]{value: value} }

// About marks a value of a subject: a stream such as "user/7".
func About[T any](subject string, value T) Value[T] {
	return Value[T]{value: value, of: origin{subject: subject}}
}

// Subject tells whom the personal values of an event or a command are about, where
// that is not its own stream: the customer of an order, as "user/7". The method is
// declared on the type of the event or command, on a value receiver.
type Subject interface{ PersonalSubject() string }

// Reveal returns the value, the zero value when it is erased.
func (v Value[T]) Reveal() T { return v.value }

// Erased reports whether the value can't be read any more: its subject's key was
// deleted.
func (v Value[T]) Erased() bool { return v.erased }

// IsZero reports whether nothing was set: it is what omitzero asks.
func (v Value[T]) IsZero() bool {
	return !v.erased && v.sealed == "" && reflect.ValueOf(&v.value).Elem().IsZero()
}

const hidden = "[personal]"

// String hides the value.
func (Value[T]) String() string { return hidden }

// GoString hides the value.
func (Value[T]) GoString() string { return hidden }

// Format hides the value from every verb.
func (Value[T]) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue hides the value.
func (Value[T]) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSONTo writes the plain form.
func (v Value[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	if v.erased {
		return e.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(e, &v.value)
}

// errAltered is a sealed value that its own key refuses.
var errAltered = errors.New("a sealed personal value was altered, or moved from another place")

// UnmarshalJSONFrom reads every form.
func (v *Value[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	*v = Value[T]{}
	switch raw.Kind() {
	case jsontext.KindNull:
		v.erased = true
		return nil
	case jsontext.KindString:
		if text, ok := reserved(raw); ok {
			return v.setReserved(text)
		}
	case jsontext.KindBeginObject:
		if c, ok, err := readCarrier(raw); ok {
			if err != nil {
				return err
			}
			v.of = c.origin
			raw = c.value
		}
	}
	return json.Unmarshal(raw, &v.value, d.Options())
}

// setReserved takes a string of the reserved form.
func (v *Value[T]) setReserved(text string) error {
	switch {
	case text == erasedText || text == erasedMark:
		v.erased = true
	case strings.HasPrefix(text, sealedPrefix): // read without keys
		v.erased, v.sealed = true, text
	default:
		return errAltered
	}
	return nil
}

// carried is a Value of any type.
type carried interface {
	carry() (value any, of origin, erased bool, sealed string)
	elem() reflect.Type
}

func (v Value[T]) carry() (value any, of origin, erased bool, sealed string) {
	return &v.value, v.of, v.erased, v.sealed
}

func (Value[T]) elem() reflect.Type { return reflect.TypeFor[T]() }

// Elem returns the T of a type Value[T], and nil for any other type.
func Elem(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct || !t.Implements(reflect.TypeFor[carried]()) || t.PkgPath() != reflect.TypeFor[origin]().PkgPath() {
		return nil // a struct that embeds a Value has its methods
	}
	return reflect.Zero(t).Interface().(carried).elem()
}

// Marks reports whether values of a type may hold personal ones.
func Marks(t reflect.Type) bool { return marks(t, map[reflect.Type]bool{}) }

func marks(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return marks(t.Elem(), seen)
	case reflect.Struct:
		if Elem(t) != nil {
			return true
		}
		for f := range t.Fields() {
			if marks(f.Type, seen) {
				return true
			}
		}
	}
	return false
}
