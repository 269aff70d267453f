package view

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"daybook/events"
	"daybook/nearest"
)

// View is a declared view: what New and NewKeyed return. Lists of views have
// this type, since views differ in the types of their rows.
type View interface {
	// Describe says what the view is to whoever builds its table or its API.
	Describe() Description
	// Err returns all that is wrong with the declaration, joined, or nil. It
	// is a defect of the program; whatever is built from views checks it.
	Err() error

	definition() *def
}

// Kind tells the two kinds of views apart.
type Kind uint8

// The kinds of views.
const (
	KindRows  Kind = iota + 1 // a row for each stream
	KindKeyed                 // rows fed by many streams
)

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
	Fields  []FieldDescription // that a query can name, in the order of a row
	Indexes []IndexDescription // in the order of declaration
}

// TableIndexes returns all indexes that a table of the view has: the declared
// ones, and ParkedIndex.
func (d Description) TableIndexes() []IndexDescription {
	return append(slices.Clone(d.Indexes), IndexDescription{Name: ParkedIndex, Sort: fieldID, SortKind: SortString, Shards: 1})
}

// ParkedIndex is the index of the records of parked streams, which every table
// of a view has. It costs nothing while none is parked. No declared index can
// have the name.
const ParkedIndex = "_parked"

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

// IndexDescription is an index as a table declares it.
type IndexDescription struct {
	Name      string
	Partition string // the partition field; "" for an index of all rows
	Sort      string // the sort field; "id" when none was declared
	SortKind  SortKind
	Shards    int // parts that each partition is spread over, at least 1
	// The stored names of the fields' normal forms, "" for values as they are:
	// see IndexBy.Fold.
	PartitionForm, SortForm string
}

// Meta is what a handler may know of an event besides its data.
type Meta struct {
	Stream      events.Stream
	Commit      int64     // number of the event's commit
	Version     int64     // of the stream after the event
	Time        time.Time // when the command was accepted
	Actor       string    // who sent the command; may be empty
	Correlation string    // may be empty
	Causation   string    // may be empty
}

// ID returns the id of the aggregate: "7" of "user/7".
func (m Meta) ID() string { return m.Stream.ID() }

// def is a view without the types of its row and its memory.
type def struct {
	name       string
	kind       Kind
	version    int
	aggregates []string
	fields     []field
	indexes    []index
	hiding     bool         // Hide is declared
	rowType    reflect.Type // a struct; nil where a row is faulty
	memoType   reflect.Type // of KindKeyed
	schema     func() jsontext.Value
	errs       []error
	previous   []*def // older versions that are still declared

	handled func() []string // names of the handled events, sorted
	checks  []func() error  // of the types, which a cold start must not pay for
	missing func() error    // what the declaration lacks

	// fold applies the commits from..to to a stream's state: the row (KindRows)
	// or the memory (KindKeyed), nil at the start. An error is a *follow.CommitError.
	fold func(codec *events.Codec, state jsontext.Value, from, to int64, at commitAt) (foldedState, error)
	// hides reports whether a row is hidden.
	hides func(row jsontext.Value) (bool, error)
	// keys and change are of KindKeyed: the keys of the rows a memory contributes
	// to, and a row with contributions taken out and put in.
	keys   func(memo jsontext.Value) ([]string, error)
	change func(row jsontext.Value, key string, parts []part) (jsontext.Value, error)
	// spread is how many parts a row has, 0 for a row in one piece; merge makes
	// one row of parts.
	spread int
	merge  func(parts []jsontext.Value) (jsontext.Value, error)
}

// commitAt returns the commit of a stream with the given number.
type commitAt func(number int64) (*events.Commit, error)

// foldedState is a stream's state after commits.
type foldedState struct {
	state jsontext.Value
	// handled says that an event was handled: without one there is no row.
	handled bool
	commit  int64 // number of the last commit applied
	version int64 // of the stream after it
}

// part is what one stream puts in a row or takes out of it.
type part struct {
	memo jsontext.Value
	take bool
}

var reservedViews = []string{"commands", "streams", "health", "openapi.json", "docs", "console"}

// maxIndexes is DynamoDB's limit of global secondary indexes of a table, 20,
// without ParkedIndex.
const maxIndexes = 19

func newDefinition(kind Kind, name string, aggregates []string) *def {
	d := &def{name: name, kind: kind, version: 1, aggregates: slices.Sorted(slices.Values(aggregates))}
	if slices.Contains(reservedViews, name) {
		d.fail("the name is reserved")
	} else if err := events.ValidateName("view", name); err != nil {
		d.fail("%w", err)
	}
	if len(aggregates) == 0 {
		d.fail("it follows no aggregate")
	}
	for i, a := range d.aggregates {
		if err := events.ValidateName("aggregate", a); err != nil {
			d.fail("aggregate %q: %w", a, err)
		}
		if i > 0 && d.aggregates[i-1] == a {
			d.fail("aggregate %q is named twice", a)
		}
	}
	return d
}

func (d *def) fail(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("view %q: "+format, append([]any{d.name}, args...)...))
}

func (d *def) definition() *def { return d }

// Err implements View.
func (d *def) Err() error {
	errs := []error{d.declared()}
	for _, check := range d.checks {
		if err := check(); err != nil {
			errs = append(errs, fmt.Errorf("view %q: %w", d.name, err))
		}
	}
	return errors.Join(errs...)
}

// declared is Err without the checks of types.
func (d *def) declared() error {
	errs := append(slices.Clone(d.errs), d.missing())
	return errors.Join(append(errs, d.previousErrs()...)...)
}

// Describe implements View.
func (d *def) Describe() Description {
	out := Description{
		Name: d.name, Kind: d.kind, Version: d.version,
		Aggregates: slices.Clone(d.aggregates), Events: d.handled(), Row: d.rowType, Schema: d.schema,
	}
	for _, f := range d.queryFields() {
		least, greatest := f.bounds()
		out.Fields = append(out.Fields, FieldDescription{
			Name: f.name, Type: f.kind.String(), Form: f.form.stored(), Nullable: f.nullable || f.kind == kindOther,
			Minimum: least, Maximum: greatest, Operators: f.kind.operators(),
		})
	}
	for _, ix := range d.indexes {
		out.Indexes = append(out.Indexes, ix.describe())
	}
	return out
}

// queryFields returns the fields that a query can name: those of the row, and
// the ones that every answered row has.
func (d *def) queryFields() []field {
	all := append([]field{{name: fieldID, kind: kindString}}, d.fields...)
	if d.kind == KindRows {
		all = append(all, field{name: fieldVersion, kind: kindInt, bits: 64})
	}
	return all
}

func (d *def) queryField(name string) (field, bool) {
	for _, f := range d.queryFields() {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// setVersion is the Version method of both kinds.
func (d *def) setVersion(version int) {
	if version < 1 {
		d.fail("version %d: versions count from 1", version)
		return
	}
	d.version = version
}

// follows reports whether the view is fed by stream.
func (d *def) follows(stream events.Stream) bool {
	return slices.Contains(d.aggregates, stream.Aggregate())
}

// checkViews returns the definitions of views that may live together and whose
// events codec knows.
func checkViews(codec *events.Codec, views []View) ([]*def, error) {
	var errs []error
	byName := map[string]*def{}
	defs := make([]*def, 0, len(views))
	for _, v := range views {
		d := v.definition()
		errs = append(errs, d.declared())
		if byName[d.name] != nil {
			errs = append(errs, fmt.Errorf("view %q is declared twice: give one of them another name", d.name))
		}
		for _, each := range d.versions() {
			for _, name := range each.handled() {
				if !codec.Declares(name) {
					errs = append(errs, fmt.Errorf("view %q: no aggregate declares event %q%s", d.name, name, nearest.Hint(name, codec.Names())))
				}
			}
		}
		byName[d.name] = d
		defs = append(defs, d)
	}
	return defs, errors.Join(errs...)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
