package view

import (
	"encoding/json/jsontext"
	"reflect"
	"slices"
	"time"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// View is a declared view: what New and NewKeyed return. Lists of views have
// this type, since views differ in the types of their rows.
type View interface {
	// Describe describes the view to code that builds its table or its API.
	Describe() Description
	// Err returns all that is wrong with the declaration, joined, or nil. It
	// is a defect of the program; whatever is built from views checks it.
	Err() error

	// Definition returns an internal type: only New and NewKeyed declare views.
	Definition() *definition.Definition
}

// declaration implements View.
type declaration struct{ def *definition.Definition }

// Definition implements View.
func (v declaration) Definition() *definition.Definition { return v.def }

// Err implements View.
func (v declaration) Err() error { return v.def.Err() }

// Kind tells the two kinds of views apart.
type Kind uint8

// The kinds of views.
const (
	KindRows  Kind = iota + 1 // a row for each stream
	KindKeyed                 // rows fed by many streams
)

func kindOfView(d *definition.Definition) Kind {
	if d.Keyed {
		return KindKeyed
	}
	return KindRows
}

// String returns "rows" or "keyed".
func (k Kind) String() string {
	if k == KindKeyed {
		return "keyed"
	}
	return "rows"
}

// Description is a view as its table, its API and its documentation need it.
type Description struct {
	Name       string
	Kind       Kind
	Version    int          // of the view; each version has a table of its own
	Aggregates []string     // whose streams feed it, sorted
	Events     []string     // that it handles, sorted
	Row        reflect.Type // the Go type of a row; nil where it is faulty
	// Schema returns the JSON Schema of a row as queries answer it, with "id" and,
	// for KindRows, "version". It is written when first asked for.
	Schema  func() jsontext.Value
	Fields  []FieldDescription        // that a query can name, in the order of a row
	Indexes []driver.IndexDescription // in the order of declaration
}

// TableIndexes returns all indexes that a table of the view has: the declared
// ones, and ParkedIndex.
func (d Description) TableIndexes() []driver.IndexDescription {
	return append(slices.Clone(d.Indexes), driver.IndexDescription{Name: driver.ParkedIndex, Sort: definition.FieldID, SortKind: driver.SortString, Shards: 1})
}

// FieldDescription is a member of a row as a query can name it.
type FieldDescription struct {
	Name     string
	Type     string // string, time (RFC 3339), integer, number, boolean, or other
	Form     string // the stored name of its normal form; "" for values as they are
	Nullable bool   // a row may have no value: null, or no member
	// The least and the greatest number of the field's Go type, as JSON; "" when the
	// type is not a number. A filter refuses what lies outside.
	Minimum, Maximum string
	Operators        []string // of field.op=value; eq is also written field=value
}

// Meta is what a handler may know of an event besides its data.
type Meta struct {
	Stream      events.Stream // without the tenant
	Commit      int64         // number of the event's commit
	Version     int64         // of the stream after the event
	Time        time.Time     // when the command was accepted
	Actor       string        // who sent the command; may be empty
	Correlation string        // may be empty
	Causation   string        // may be empty
}

// ID returns the id of the aggregate: "7" of "user/7".
func (m Meta) ID() string { return m.Stream.ID() }

var reservedViews = []string{"commands", "streams", "health", "openapi.json", "docs", "console"}

func newDefinition(keyed bool, name string, aggregates []string) *definition.Definition {
	d := &definition.Definition{Name: name, Keyed: keyed, Version: 1, Aggregates: slices.Sorted(slices.Values(aggregates))}
	if slices.Contains(reservedViews, name) {
		d.Fail("the name is reserved")
	} else if err := events.ValidateName("view", name); err != nil {
		d.Fail("%w", err)
	}
	if len(aggregates) == 0 {
		d.Fail("it follows no aggregate")
	}
	for i, a := range d.Aggregates {
		if err := events.ValidateName("aggregate", a); err != nil {
			d.Fail("aggregate %q: %w", a, err)
		}
		if i > 0 && d.Aggregates[i-1] == a {
			d.Fail("aggregate %q is named twice", a)
		}
	}
	return d
}

// Describe implements View.
func (v declaration) Describe() Description {
	d := v.def
	out := Description{
		Name: d.Name, Kind: kindOfView(d), Version: d.Version,
		Aggregates: slices.Clone(d.Aggregates), Events: d.Handled(), Row: d.RowType, Schema: d.Schema,
	}
	for _, f := range d.QueryFields() {
		least, greatest := f.Bounds()
		out.Fields = append(out.Fields, FieldDescription{
			Name: f.Name, Type: f.Kind.String(), Form: f.Form.Stored(), Nullable: f.Nullable || f.Kind == definition.KindOther,
			Minimum: least, Maximum: greatest, Operators: f.Kind.Operators(),
		})
	}
	for _, ix := range d.Indexes {
		out.Indexes = append(out.Indexes, ix.Describe())
	}
	return out
}

// setVersion is the Version method of both kinds.
func setVersion(d *definition.Definition, version int) {
	if version < 1 {
		d.Fail("version %d: versions count from 1", version)
		return
	}
	d.Version = version
}
