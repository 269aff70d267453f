package view

import (
	"bytes"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"maps"
	"strconv"

	"daybook/events"
)

// rowItem is the item of a row that follows one stream. A row without a handled
// event, and a hidden one, is no Row: the item keeps the checkpoint, and in Memo
// what the next events go on from.
func (d *def) rowItem(stream events.Stream, f foldedState) (Item, error) {
	item := Item{Key: ItemKey(stream.ID()), Commit: f.commit, Version: f.version}
	if !d.validKey(stream.ID()) {
		return Item{}, events.Errorf(events.CodeInternal, "the stream's id can't be a row's key: no aggregate can have it")
	}
	if !f.handled {
		return item, nil
	}
	hidden, err := d.show(&item, stream.ID(), f.state)
	if hidden {
		item.Memo = f.state
	}
	return item, err
}

// show puts the row into the item and its indexes, unless the row is hidden.
func (d *def) show(item *Item, key string, row jsontext.Value) (hidden bool, err error) {
	if hidden, err = d.hides(row); err != nil || hidden {
		return hidden, err
	}
	item.Row = row
	values, err := readFields(row, d.fields)
	if err != nil {
		return false, err
	}
	for _, ix := range d.indexes {
		if place, ok := ix.place(key, values); ok {
			if item.Index == nil {
				item.Index = make(map[string]IndexKey, len(d.indexes))
			}
			item.Index[ix.name] = place
		}
	}
	return false, nil
}

// rowState is the row that the next events go on from, nil at the start.
func rowState(item *Item) jsontext.Value {
	switch {
	case item == nil:
		return nil
	case item.Row != nil:
		return item.Row
	}
	return item.Memo
}

// checkpointKey is the key of a stream's checkpoint in a keyed view.
func checkpointKey(stream events.Stream) string { return streamPrefix + string(stream) }

func checkpoint(stream events.Stream, f foldedState) Item {
	return Item{Key: checkpointKey(stream), Commit: f.commit, Version: f.version, Memo: f.state}
}

// keyedMemo is what the item of a keyed row keeps besides the row. Without a
// contribution the row does not exist, but its item stays: a version that
// started again could pass the condition of a writer who saw the old one.
type keyedMemo struct {
	Streams int            `json:"streams"`
	Key     string         `json:"key,omitzero"` // of the row, where the item's key is a digest
	Row     jsontext.Value `json:"row,omitzero"` // while it is hidden
}

// keyedRow is a row of a keyed view in memory.
type keyedRow struct {
	row     jsontext.Value // nil: a zero Row
	streams int            // that contribute
	parked  int64          // of them that are parked
	item    *Item          // as stored; nil: none
}

func readKeyed(item *Item) (keyedRow, error) {
	if item == nil {
		return keyedRow{}, nil
	}
	var m keyedMemo
	if err := json.Unmarshal(item.Memo, &m); err != nil {
		return keyedRow{}, events.Wrap(events.CodeInternal, err, "what the view's table holds can't be read")
	}
	r := keyedRow{row: item.Row, streams: m.Streams, parked: item.Parked, item: item}
	if r.row == nil {
		r.row = m.Row
	}
	return r, nil
}

// with returns the row with a stream's contributions changed: as it left the
// memory before and as it joins the memory after.
func (r keyedRow) with(d *def, name string, c *change) (keyedRow, error) {
	r.parked = max(0, r.parked+c.parked)
	if len(c.parts) == 0 {
		return r, nil
	}
	row, err := d.change(r.row, d.rowKey(name), c.parts)
	if err != nil {
		return keyedRow{}, err
	}
	r.row = row
	for _, p := range c.parts {
		if p.take {
			r.streams--
		} else {
			r.streams++
		}
	}
	if r.streams <= 0 {
		r.row, r.streams = nil, 0
	}
	return r, nil
}

// keyedItem is the item of a keyed row, or of a part of one, at the next version.
func (d *def) keyedItem(name string, r keyedRow) (Item, error) {
	item := Item{Key: d.itemOf(name), Version: version(r.item) + 1, Parked: r.parked}
	memo := keyedMemo{Streams: r.streams}
	if key := d.rowKey(name); !plainKey(key) {
		memo.Key = key
	}
	switch {
	case r.streams == 0:
	case d.spread > 0:
		item.Row = r.row // whether it is shown depends on all parts
	default:
		hidden, err := d.show(&item, d.rowKey(name), r.row)
		if err != nil {
			return Item{}, err
		}
		if hidden {
			memo.Row = r.row
		}
	}
	b, err := json.Marshal(memo)
	item.Memo = b
	return item, err
}

// answer is the row as queries answer it: the key first, the stream's version
// last.
func (d *def) answer(key string, row jsontext.Value, version int64) jsontext.Value {
	id, _ := jsontext.AppendQuote(nil, key)
	out := append([]byte(`{"id":`), id...)
	if inner := bytes.TrimSpace(row[1 : len(row)-1]); len(inner) > 0 {
		out = append(append(out, ','), inner...)
	}
	if d.kind == KindRows {
		out = append(out, `,"version":`...)
		out = strconv.AppendInt(out, version, 10)
	}
	return append(out, '}')
}

// Same reports whether two items of a view say the same: a row of a keyed view
// has no version that its events determine, and one that no stream contributes
// to is no item. Whether a stream is parked is not compared.
func Same(v View, a, b *Item) bool {
	a, b = significant(v, a), significant(v, b)
	if a == nil || b == nil {
		return a == b
	}
	return a.Key == b.Key && bytes.Equal(a.Row, b.Row) && bytes.Equal(a.Memo, b.Memo) &&
		(a.Row == nil) == (b.Row == nil) && a.Commit == b.Commit && a.Version == b.Version &&
		maps.Equal(a.Index, b.Index)
}

func significant(v View, item *Item) *Item {
	if item == nil || v.definition().kind == KindRows {
		return item
	}
	if !v.definition().isRow(item.Key) {
		return item
	}
	if r, err := readKeyed(item); err == nil && r.streams == 0 {
		return nil
	}
	out := *item
	out.Version = 0
	return &out
}
