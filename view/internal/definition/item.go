package definition

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"strconv"

	"daybook/events"
	"daybook/personal"
	"daybook/view/driver"
)

// RowItem is the item of a row that follows one stream. A row without a handled
// event, and a hidden one, is no Row: the item keeps the checkpoint, and in Memo
// what the next events go on from.
func (d *Definition) RowItem(stream events.Stream, f FoldState) (driver.Item, error) {
	name := Name{Tenant: stream.Tenant(), Key: stream.ID()}
	item := driver.Item{Key: name.ItemKey(), Commit: f.Commit, Version: f.Version}
	if !d.ValidKey(name.Key) {
		return driver.Item{}, events.Errorf(events.CodeInternal, "the stream's id can't be a row's key: no aggregate can have it")
	}
	if !f.Handled {
		return item, nil
	}
	hidden, err := d.show(&item, name, f.State)
	if hidden {
		item.Memo = f.State
	}
	return item, err
}

// show puts the row into the item and its indexes, unless the row is hidden.
func (d *Definition) show(item *driver.Item, name Name, row jsontext.Value) (hidden bool, err error) {
	if hidden, err = d.Hides(row); err != nil || hidden {
		return hidden, err
	}
	item.Row = row
	if len(d.Indexes) == 0 {
		return false, nil
	}
	values, err := ReadFields(make(Values, 0, len(d.indexed)), row, d.indexed)
	if err != nil {
		return false, err
	}
	for _, ix := range d.Indexes {
		if place, ok := ix.place(name, values); ok {
			if item.Index == nil {
				item.Index = make(map[string]driver.IndexKey, len(d.Indexes))
			}
			item.Index[ix.Name] = place
		}
	}
	return false, nil
}

// RowState is the row that the next events go on from, nil at the start.
func RowState(item *driver.Item) jsontext.Value {
	switch {
	case item == nil:
		return nil
	case item.Row != nil:
		return item.Row
	}
	return item.Memo
}

// CheckpointKey is the key of a stream's checkpoint in a keyed view.
func CheckpointKey(stream events.Stream) string { return StreamPrefix + string(stream) }

// Checkpoint is the item of a stream in a keyed view.
func Checkpoint(stream events.Stream, f FoldState) driver.Item {
	return driver.Item{Key: CheckpointKey(stream), Commit: f.Commit, Version: f.Version, Memo: f.State}
}

// keyedMemo is what the item of a keyed row keeps besides the row. Without a
// contribution the row does not exist, but its item stays: a version that
// started again could pass the condition of a writer who saw the old one.
type keyedMemo struct {
	Streams int            `json:"streams"`
	Key     string         `json:"key,omitzero"` // of the row, where the item's key is a digest
	Row     jsontext.Value `json:"row,omitzero"` // while it is hidden
}

// KeyedRow is a row of a keyed view in memory.
type KeyedRow struct {
	Row     jsontext.Value // nil: a zero Row
	Streams int            // that contribute
	Parked  int64          // of them that are parked
	Item    *driver.Item   // as stored; nil: none
}

// ReadKeyed reads what KeyedItem writes; nil is a row that does not exist yet.
func ReadKeyed(item *driver.Item) (KeyedRow, error) {
	if item == nil {
		return KeyedRow{}, nil
	}
	var m keyedMemo
	if err := json.Unmarshal(item.Memo, &m); err != nil {
		return KeyedRow{}, events.Wrap(events.CodeInternal, err, "what the view's table holds can't be read")
	}
	r := KeyedRow{Row: item.Row, Streams: m.Streams, Parked: item.Parked, Item: item}
	if r.Row == nil {
		r.Row = m.Row
	}
	return r, nil
}

// With returns the row with a stream's contributions changed: as it left the
// memory before and as it joins the memory after.
func (r KeyedRow) With(d *Definition, name Name, c *Change) (KeyedRow, error) {
	r.Parked = max(0, r.Parked+c.Parked)
	if len(c.Parts) == 0 {
		return r, nil
	}
	row, err := d.Change(r.Row, name.Key, c.Parts)
	if err != nil {
		return KeyedRow{}, err
	}
	r.Row = row
	for _, p := range c.Parts {
		if p.Take {
			r.Streams--
		} else {
			r.Streams++
		}
	}
	if r.Streams <= 0 {
		r.Row, r.Streams = nil, 0
	}
	return r, nil
}

// KeyedItem is the item of a keyed row, or of a part of one, at the next version.
func (d *Definition) KeyedItem(name Name, r KeyedRow) (driver.Item, error) {
	item := driver.Item{Key: name.ItemKey(), Version: VersionOf(r.Item) + 1, Parked: r.Parked}
	memo := keyedMemo{Streams: r.Streams}
	if !plainKey(name.Key) {
		memo.Key = name.Key
	}
	switch {
	case r.Streams == 0:
	case d.Spread > 0:
		item.Row = r.Row // whether it is shown depends on all parts
	default:
		hidden, err := d.show(&item, name, r.Row)
		if err != nil {
			return driver.Item{}, err
		}
		if hidden {
			memo.Row = r.Row
		}
	}
	b, err := json.Marshal(memo)
	item.Memo = b
	return item, err
}

// Answer is the row as queries answer it: the key first, the stream's version
// last.
func (d *Definition) Answer(key string, row jsontext.Value, version int64) jsontext.Value {
	row = personal.Plain(row)
	out := make([]byte, 0, len(`{"id":"",`)+len(key)+len(row)+len(`,"version":`)+20)
	out, _ = jsontext.AppendQuote(append(out, `{"id":`...), key)
	if inner := bytes.TrimSpace(row[1 : len(row)-1]); len(inner) > 0 {
		out = append(append(out, ','), inner...)
	}
	if !d.Keyed {
		out = append(out, `,"version":`...)
		out = strconv.AppendInt(out, version, 10)
	}
	return append(out, '}')
}

// Same is Same.
func (d *Definition) Same(a, b *driver.Item) bool {
	a, b = d.Significant(a), d.Significant(b)
	if a == nil || b == nil {
		return a == b
	}
	return a.Key == b.Key && bytes.Equal(personal.Plain(a.Row), personal.Plain(b.Row)) && bytes.Equal(personal.Plain(a.Memo), personal.Plain(b.Memo)) &&
		(a.Row == nil) == (b.Row == nil) && a.Commit == b.Commit && a.Version == b.Version &&
		maps.Equal(a.Index, b.Index)
}

// Significant is what an item says, nil for nothing.
func (d *Definition) Significant(item *driver.Item) *driver.Item {
	if item == nil || !d.Keyed {
		return item
	}
	if !d.IsRow(item.Key) {
		return item
	}
	if r, err := ReadKeyed(item); err == nil && r.Streams == 0 {
		return nil
	}
	out := *item
	out.Version = 0
	return &out
}

// LastCommit is the number of the last commit in the item.
func LastCommit(item *driver.Item) int64 {
	if item == nil {
		return 0
	}
	return item.Commit
}

// VersionOf is the version of an item, 0 when there is none.
func VersionOf(item *driver.Item) int64 {
	if item == nil {
		return 0
	}
	return item.Version
}

// IsParked reports whether an item says that a stream is parked.
func IsParked(item *driver.Item) bool { return item != nil && item.Parked != 0 }

// MemoOf is the memory in a checkpoint, nil when there is none.
func MemoOf(item *driver.Item) jsontext.Value {
	if item == nil {
		return nil
	}
	return item.Memo
}
