package definition

import (
	"unicode/utf8"

	"daybook/events"
)

// Form is a normal form of strings: two values of one form are the same to a
// query.
type Form struct {
	Name string // as stored
	Of   func(string) string
}

// Stored is the form's name, "" for none.
func (f *Form) Stored() string {
	if f == nil {
		return ""
	}
	return f.Name
}

// apply returns the form of a text. reason says, for clients, that there is none.
func (f *Form) apply(text string) (v Value, reason string) {
	err := events.Guard("the form "+f.Name, func() { v.Text = f.Of(text) })
	if err != nil || !utf8.ValidString(v.Text) {
		return Value{}, "has no normal form"
	}
	return v, ""
}
