package view

import (
	"unicode/utf8"

	"daybook/events"
)

// form is a normal form of strings: two values of one form are the same to a
// query.
type form struct {
	name string // as stored
	of   func(string) string
}

// Fold gives the field that By or Then named last, a string, a normal form:
//
//	view.By("email").Fold("lower", strings.ToLower)
//
// Queries then compare its values, those of rows and those that clients send, in
// that form, whatever the operator, and the index is sorted by it; rows show what
// was stored. Give the form that a claim makes the value unique by, and whoever
// holds it is found. A prefix finds what it should when the form of a beginning
// is the beginning of the form.
//
// A form is the field's: each index of the view that names the field declares the
// same one. of is a pure function whose result is valid UTF-8. name is stored with
// the view's shape in its place: another form needs another name, and that a new
// version of the view.
func (b IndexBy) Fold(name string, of func(string) string) IndexBy {
	if f := (&form{name, of}); b.sort == fieldID && !b.all && b.partition == nil {
		b.partition = f
	} else {
		b.sorting = f
	}
	return b
}

// stored is the form's name, "" for none.
func (f *form) stored() string {
	if f == nil {
		return ""
	}
	return f.name
}

// apply returns the form of a text. reason says, for clients, that there is none.
func (f *form) apply(text string) (v value, reason string) {
	err := events.Guard("the form "+f.name, func() { v.text = f.of(text) })
	if err != nil || !utf8.ValidString(v.text) {
		return value{}, "has no normal form"
	}
	return v, ""
}

// formOf takes the form that an index declares for a field as the field's own,
// for queries too, and says what is wrong with it.
func (d *def) formOf(f field, declared *form, named []index, fail func(string, ...any)) *form {
	if declared != nil {
		if err := events.ValidateName("form", declared.name); err != nil {
			fail("%w", err)
		}
		if declared.of == nil || f.kind != kindString {
			fail("Fold %q needs a function and a string, which %q must be", declared.name, f.name)
			return nil
		}
	}
	for _, ix := range named {
		for _, other := range []*field{ix.partition, &ix.sort} {
			if other != nil && other.name == f.name && other.form.stored() != declared.stored() {
				fail("%q has another normal form, or none, in index %q: a field has one form", f.name, ix.name)
			}
		}
	}
	for i := range d.fields {
		if d.fields[i].name == f.name {
			d.fields[i].form = declared
		}
	}
	return declared
}
