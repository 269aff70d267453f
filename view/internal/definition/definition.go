package definition

import (
	"encoding/json/jsontext"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"daybook/events"
)

// Definition is a view without the types of its row and its memory.
type Definition struct {
	Name       string
	Keyed      bool // rows fed by many streams
	Version    int
	Aggregates []string
	Fields     []Field
	Indexes    []Index
	Hiding     bool         // Hide is declared
	RowType    reflect.Type // a struct; nil where a row is faulty
	MemoType   reflect.Type // of a keyed view
	Schema     func() jsontext.Value
	indexed    []Field // of the row, that indexes need
	errs       []error
	Previous   []*Definition // older versions that are still declared

	Handled func() []string // names of the handled events, sorted
	Checks  []func() error  // of the types, which a cold start must not pay for
	Missing func() error    // what the declaration lacks

	// Fold applies the commits from..to to a stream's state: its row, or its
	// memory in a keyed view, nil at the start. An error is a *follow.CommitError.
	Fold func(codec *events.Codec, state jsontext.Value, from, to int64, at CommitAt) (FoldState, error)
	// Hides reports whether a row is hidden.
	Hides func(row jsontext.Value) (bool, error)
	// Keys and Change are of a keyed view: the keys of the rows a memory contributes
	// to, and a row with contributions taken out and put in.
	Keys   func(memo jsontext.Value) ([]string, error)
	Change func(row jsontext.Value, key string, parts []Part) (jsontext.Value, error)
	// Spread is how many parts a row has, 0 for a row in one piece; Merge makes
	// one row of parts.
	Spread int
	Merge  func(parts []jsontext.Value) (jsontext.Value, error)
}

// CommitAt returns the commit of a stream with the given number.
type CommitAt func(number int64) (*events.Commit, error)

// FoldState is a stream's state after commits.
type FoldState struct {
	State jsontext.Value
	// Handled says that an event was handled: without one there is no row.
	Handled bool
	Commit  int64 // number of the last commit applied
	Version int64 // of the stream after it
}

// Part is what one stream puts in a row or takes out of it.
type Part struct {
	Memo jsontext.Value
	Take bool
}

// MaxIndexes is DynamoDB's limit of global secondary indexes of a table, 20,
// without ParkedIndex.
const MaxIndexes = 19

// Fail adds a fault to what is wrong with the declaration.
func (d *Definition) Fail(format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("view %q: "+format, append([]any{d.Name}, args...)...))
}

// Err returns all that is wrong with the declaration, joined, or nil.
func (d *Definition) Err() error {
	errs := []error{d.Faults()}
	for _, check := range d.Checks {
		if err := check(); err != nil {
			errs = append(errs, fmt.Errorf("view %q: %w", d.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Faults is Err without the checks of types.
func (d *Definition) Faults() error {
	errs := append(slices.Clone(d.errs), d.Missing())
	return errors.Join(append(errs, d.previousErrs()...)...)
}

// QueryFields returns the fields that a query can name: those of the row, and
// the ones that every answered row has.
func (d *Definition) QueryFields() []Field {
	all := append([]Field{{Name: FieldID, Kind: KindString}}, d.Fields...)
	if !d.Keyed {
		all = append(all, Field{Name: FieldVersion, Kind: KindInt, Bits: 64})
	}
	return all
}

// QueryField returns the field of a name, if a query can name it.
func (d *Definition) QueryField(name string) (Field, bool) {
	for _, f := range d.QueryFields() {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// AddIndex adds a declared index.
func (d *Definition) AddIndex(ix Index) {
	d.Indexes = append(d.Indexes, ix)
	add := func(f Field) {
		if f.Name != FieldID && !slices.ContainsFunc(d.indexed, func(o Field) bool { return o.Name == f.Name }) {
			d.indexed = append(d.indexed, f)
		}
	}
	if ix.Partition != nil {
		add(*ix.Partition)
	}
	add(ix.Sort)
}

// Follows reports whether the view is fed by stream.
func (d *Definition) Follows(stream events.Stream) bool {
	return slices.Contains(d.Aggregates, stream.Aggregate())
}

// previousErrs says what is wrong with the older versions.
func (d *Definition) previousErrs() (errs []error) {
	seen := map[int]bool{}
	for _, p := range d.Previous {
		errs = append(errs, p.Faults())
		switch {
		case p.Name != d.Name:
			errs = append(errs, fmt.Errorf("view %q: %q is not an earlier version of it", d.Name, p.Name))
		case p.Version >= d.Version:
			errs = append(errs, fmt.Errorf("view %q: Previous has version %d, which is not older than version %d: raise Version(%d)", d.Name, p.Version, d.Version, p.Version+1))
		case seen[p.Version]:
			errs = append(errs, fmt.Errorf("view %q: Previous has version %d twice: remove one", d.Name, p.Version))
		case len(p.Previous) > 0:
			errs = append(errs, fmt.Errorf("view %q: version %d in Previous has previous versions of its own: list all of them in the Previous of version %d", d.Name, p.Version, d.Version))
		}
		seen[p.Version] = true
	}
	return errs
}

// Versions returns all declared versions, the oldest first.
func (d *Definition) Versions() []*Definition {
	all := append(slices.Clone(d.Previous), d)
	slices.SortFunc(all, func(a, b *Definition) int { return a.Version - b.Version })
	return all
}
