package view

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"daybook/events"
	"daybook/personal"
	"daybook/view/internal/definition"
)

// MaxKeys is the largest number of rows that one stream may contribute to at a
// time: 49 rows left, 49 joined and the stream's checkpoint fit in one
// transaction of 100 writes.
const MaxKeys = 49

// KeyedView is a view whose rows are fed by many streams: counts, sums, lists.
// The view remembers of every stream a Memo; Keys names the rows that a memory
// contributes to, Put adds its part to such a row and Take takes it out again.
// A row exists while at least one stream contributes to it.
//
// Put and Take must not depend on the order in which streams arrive: a put
// after a take of the same memory leaves the row as it was.
//
// Its methods declare the view, return it again, and collect what is wrong for
// Err. They are not for concurrent use; a declared view is immutable.
type KeyedView[Row, Memo any] struct {
	declaration
	m     *machine[Memo]
	hide  func(Row) bool
	keyOf func(Memo) []string
	put   func(Row, string, Memo) Row
	take  func(Row, string, Memo) Row
}

// NewKeyed declares a view with the given name that is fed by the streams of
// the given aggregates. Row is a struct; it must not declare "id" (every
// answered row has it: its key, first) and "version".
func NewKeyed[Row, Memo any](name string, aggregates ...string) *KeyedView[Row, Memo] {
	v := &KeyedView[Row, Memo]{declaration: declaration{newDefinition(true, name, aggregates)}, m: newMachine[Memo]()}
	declareRow[Row](v.def)
	v.def.MemoType = reflect.TypeFor[Memo]()
	whole(v.def, "memory", v.def.MemoType)
	v.def.Handled = v.m.events
	v.def.Missing = v.lacks
	v.def.Fold = v.m.fold
	v.def.Hides = func(row jsontext.Value) (bool, error) { return hides(v.hide, row) }
	v.def.Keys = v.keysOf
	v.def.Change = v.changeRow
	return v
}

// On declares what an event makes of its stream's memory. E is the type of the
// event's newest schema version, which carries its stored name. apply is a pure
// function; a panic in it is a permanent fault of the stream in this view.
func (v *KeyedView[Row, Memo]) On[E events.Data](apply func(memo Memo, e E, m Meta) Memo) *KeyedView[Row, Memo] {
	on(v.def, v.m, apply)
	return v
}

// Keys declares the rows that a stream contributes to, at most MaxKeys. It is
// asked once the stream has a handled event. Any valid UTF-8 text is a key, the
// empty one and one with control characters too.
func (v *KeyedView[Row, Memo]) Keys(keys func(Memo) []string) *KeyedView[Row, Memo] {
	v.keyOf = keys
	return v
}

// Put declares how a stream's part comes into a row: a new row is a zero Row.
func (v *KeyedView[Row, Memo]) Put(put func(row Row, key string, memo Memo) Row) *KeyedView[Row, Memo] {
	v.put = put
	return v
}

// Take declares how a stream's part leaves a row: it undoes Put.
func (v *KeyedView[Row, Memo]) Take(take func(row Row, key string, memo Memo) Row) *KeyedView[Row, Memo] {
	v.take = take
	return v
}

// Spread keeps each row in parts, 2 to 32, which queries merge: streams that
// contribute to the same row then seldom write the same item. An item of
// DynamoDB takes 1,000 write units a second, half of it in transactions; a row
// that changes more often than that, or that many projectors change at once,
// needs it. Each stream contributes to one part, always the same.
//
// merge makes one row of two, as if all had been put into one; a part to which
// no stream contributes is left out. Hide decides on the merged row.
//
// A row is then read with as many reads as it has parts, and found by its key
// alone: a view that is spread has no indexes. Changing the number of parts
// changes what is stored: raise the view's version.
func (v *KeyedView[Row, Memo]) Spread(parts int, merge func(a, b Row) Row) *KeyedView[Row, Memo] {
	switch {
	case v.def.Spread != 0:
		v.def.Fail("Spread is declared twice")
	case parts < 2 || parts > definition.MaxSpread:
		v.def.Fail("Spread: %d parts: 2 to %d are allowed", parts, definition.MaxSpread)
	case merge == nil:
		v.def.Fail("Spread needs a function that merges rows")
	}
	v.def.Spread = parts
	v.def.Merge = func(parts []jsontext.Value) (jsontext.Value, error) { return mergeRows(parts, merge) }
	return v
}

func mergeRows[Row any](parts []jsontext.Value, merge func(a, b Row) Row) (jsontext.Value, error) {
	whole, err := decodeState[Row](parts[0])
	for _, p := range parts[1:] {
		row, e := decodeState[Row](p)
		if err = errors.Join(err, e); err == nil {
			sums := events.WatchSums(whole)
			err = events.Guard("Spread", func() { whole = merge(whole, row) })
			err = errors.Join(err, sums.Added(whole, func() Row { return row }))
		}
		if err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	return encodeState("row", whole)
}

// Index declares an index: see By and All.
func (v *KeyedView[Row, Memo]) Index(name string, by IndexBy) *KeyedView[Row, Memo] {
	addIndex(v.def, name, by)
	return v
}

// Hide declares which rows no query returns. A hidden row is kept up to date
// and appears again when hidden says so.
func (v *KeyedView[Row, Memo]) Hide(hidden func(Row) bool) *KeyedView[Row, Memo] {
	setHide(v.def, &v.hide, hidden)
	return v
}

// Version raises the version of the view: see RowView.Version.
func (v *KeyedView[Row, Memo]) Version(version int) *KeyedView[Row, Memo] {
	setVersion(v.def, version)
	return v
}

func (v *KeyedView[Row, Memo]) lacks() error {
	if v.def.Spread > 0 && len(v.def.Indexes) > 0 {
		return errors.Join(v.m.missing(v.def), fmt.Errorf("view %q: its rows are spread, so no index can hold them", v.def.Name))
	}
	if v.keyOf == nil || v.put == nil || v.take == nil {
		return errors.Join(v.m.missing(v.def), fmt.Errorf("view %q: a keyed view declares Keys, Put and Take", v.def.Name))
	}
	return v.m.missing(v.def)
}

// keysOf returns the sorted, distinct keys of a memory; none for no memory.
func (v *KeyedView[Row, Memo]) keysOf(memo jsontext.Value) (keys []string, err error) {
	if memo == nil {
		return nil, nil
	}
	m, err := decodeState[Memo](memo)
	if err != nil {
		return nil, err
	}
	if err := events.Guard("Keys", func() { keys = v.keyOf(m) }); err != nil {
		return nil, err
	}
	return checkKeys(keys)
}

func (v *KeyedView[Row, Memo]) changeRow(row jsontext.Value, key string, parts []definition.Part) (jsontext.Value, error) {
	r, err := decodeState[Row](row)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		m, err := decodeState[Memo](p.Memo)
		if err != nil {
			return nil, err
		}
		sums := events.WatchSums(r)
		name, change, check := "Put", v.put, sums.Added
		if p.Take {
			name, change, check = "Take", v.take, sums.Taken
		}
		if err := events.Guard(name, func() { r = change(r, key, m) }); err != nil {
			return nil, err
		}
		if err := check(r, func() (none Row) { return v.put(none, key, m) }); err != nil {
			return nil, err
		}
	}
	return encodeState("row", r)
}

// decodeState reads what encodeState wrote; nil is the zero value.
func decodeState[S any](state jsontext.Value) (S, error) {
	var s S
	if state == nil {
		return s, nil
	}
	if err := json.Unmarshal(state, &s); err != nil {
		return s, events.Wrap(events.CodeInternal, err, "what the view's table holds can't be read")
	}
	return s, nil
}

func encodeState[S any](what string, s S) (state jsontext.Value, err error) {
	b, err := personal.Marshal(s)
	if err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "a "+what+" can't be written as JSON")
	}
	return b, nil
}

// checkKeys returns the keys sorted and each once.
func checkKeys(keys []string) ([]string, error) {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	if len(keys) > MaxKeys {
		return nil, events.Errorf(events.CodeInternal, "a stream contributes to %d rows, at most %d are possible", len(keys), MaxKeys)
	}
	for _, k := range keys {
		if !utf8.ValidString(k) {
			return nil, events.Errorf(events.CodeInternal, "Keys returned a row key that is not valid UTF-8: cut texts between characters, not between bytes")
		}
	}
	return keys, nil
}
