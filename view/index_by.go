package view

import (
	"slices"

	"daybook/events"
	"daybook/view/internal/definition"
)

// IndexBy says what an index partitions and sorts rows by: see By and All.
type IndexBy struct {
	field     string
	all       bool
	sort      string
	shards    int
	partition *definition.Form // of field
	sorting   *definition.Form // of sort
}

// By is an index with a partition for each value of a field: a string, a time,
// a boolean or a number. A row whose field is a nil pointer is not in it; one
// that leaves the field out because it is zero has the zero value.
func By(field string) IndexBy { return IndexBy{field: field, sort: definition.FieldID, shards: 1} }

// All is an index with one partition for all rows.
func All() IndexBy { return IndexBy{all: true, sort: definition.FieldID, shards: 1} }

// Then sorts each partition by a field: a string (by its UTF-8 bytes, of which
// about the first 1,000 count), a time, or a number. Without it, and among equals,
// rows are sorted by key. A row whose field is a nil pointer is not in the index.
func (b IndexBy) Then(field string) IndexBy {
	b.sort = field
	return b
}

// Shards spreads each partition over n parts, 1 to 32, that reading merges. A
// partition of DynamoDB takes 1,000 write units a second; an index of few
// partitions and more writes than that needs it.
func (b IndexBy) Shards(n int) IndexBy {
	b.shards = n
	return b
}

func addIndex(d *definition.Definition, name string, by IndexBy) {
	fail := func(format string, args ...any) { d.Fail("index %q: "+format, append([]any{name}, args...)...) }
	if err := events.ValidateName("index", name); err != nil {
		fail("%w", err)
	}
	if slices.ContainsFunc(d.Indexes, func(ix definition.Index) bool { return ix.Name == name }) {
		fail("it is declared twice")
	}
	if len(d.Indexes) == definition.MaxIndexes {
		fail("a view has at most %d indexes", definition.MaxIndexes)
	}
	if by.shards < 1 || by.shards > definition.MaxShards {
		fail("%d shards: 1 to %d are allowed", by.shards, definition.MaxShards)
	}
	ix := definition.Index{Name: name, Shards: by.shards}
	if !by.all {
		f, ok := d.RowField(by.field)
		if !ok || f.Kind == definition.KindOther {
			fail("the row has no string, time, boolean or number %q to partition by", by.field)
		}
		f.Form = formOf(d, f, by.partition, d.Indexes, fail)
		ix.Partition = &f
	}
	if by.sort == definition.FieldID {
		ix.Sort = definition.Field{Name: definition.FieldID, Kind: definition.KindString}
		if by.sorting != nil {
			fail("Fold follows the By or Then of a field")
		}
	} else {
		f, ok := d.RowField(by.sort)
		if !ok || f.Kind == definition.KindOther || f.Kind == definition.KindBool {
			fail("the row has no string, time or number %q to sort by", by.sort)
		}
		f.Form = formOf(d, f, by.sorting, append(slices.Clone(d.Indexes), ix), fail)
		ix.Sort = f
	}
	d.AddIndex(ix)
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
	if f := (&definition.Form{Name: name, Of: of}); b.sort == definition.FieldID && !b.all && b.partition == nil {
		b.partition = f
	} else {
		b.sorting = f
	}
	return b
}

// formOf takes the form that an index declares for a field as the field's own,
// for queries too, and says what is wrong with it.
func formOf(d *definition.Definition, f definition.Field, declared *definition.Form, named []definition.Index, fail func(string, ...any)) *definition.Form {
	if declared != nil {
		if err := events.ValidateName("form", declared.Name); err != nil {
			fail("%w", err)
		}
		if declared.Of == nil || f.Kind != definition.KindString {
			fail("Fold %q needs a function and a string, which %q must be", declared.Name, f.Name)
			return nil
		}
	}
	for _, ix := range named {
		for _, other := range []*definition.Field{ix.Partition, &ix.Sort} {
			if other != nil && other.Name == f.Name && other.Form.Stored() != declared.Stored() {
				fail("%q has another normal form, or none, in index %q: a field has one form", f.Name, ix.Name)
			}
		}
	}
	for i := range d.Fields {
		if d.Fields[i].Name == f.Name {
			d.Fields[i].Form = declared
		}
	}
	return declared
}
