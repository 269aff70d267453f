package definition

import (
	"bytes"

	"daybook/events"
	"daybook/view/driver"
)

// Change is what one stream changes in one row.
type Change struct {
	Parts  []Part
	Parked int64 // to the number of parked streams that contribute
}

// ChangesOf returns what a stream changes, by the row's name, when its checkpoint
// changes: out of the rows it contributed to, into those it contributes to, and
// from the rows that counted it as parked to those that do.
func (d *Definition) ChangesOf(stream events.Stream, before, after *driver.Item) (map[string]*Change, error) {
	moved := !bytes.Equal(MemoOf(before), MemoOf(after))
	counted, counts := before != nil && before.Parked == ParkedCounted, after.Parked == ParkedCounted
	if !moved && counted == counts {
		return nil, nil
	}
	left, err := d.Names(stream, MemoOf(before))
	if err != nil {
		return nil, err
	}
	joined, err := d.Names(stream, MemoOf(after))
	if err != nil {
		return nil, err
	}
	changes := map[string]*Change{}
	at := func(key string) *Change {
		if changes[key] == nil {
			changes[key] = &Change{}
		}
		return changes[key]
	}
	for _, key := range left {
		if c := at(key); moved {
			c.Parts = append(c.Parts, Part{Memo: MemoOf(before), Take: true})
		}
		if counted {
			at(key).Parked--
		}
	}
	for _, key := range joined {
		if c := at(key); moved {
			c.Parts = append(c.Parts, Part{Memo: MemoOf(after)})
		}
		if counts {
			at(key).Parked++
		}
	}
	return changes, nil
}

// Changed returns the rows that changes make of rows.
func (d *Definition) Changed(rows map[string]KeyedRow, changes map[string]*Change) (map[string]KeyedRow, error) {
	changed := map[string]KeyedRow{}
	for key, c := range changes {
		row, err := rows[key].With(d, key, c)
		if err != nil {
			return nil, err
		}
		changed[key] = row
	}
	return changed, nil
}

// KeyedChange is the item of a row that changed; changed is false if it did not.
func (d *Definition) KeyedChange(key string, before, after KeyedRow) (item driver.Item, changed bool, err error) {
	switch {
	case after.Streams != before.Streams || !bytes.Equal(after.Row, before.Row):
		item, err = d.KeyedItem(key, after)
		return item, true, err
	case after.Parked != before.Parked && after.Item != nil:
		item = *after.Item
		item.Version++
		item.Parked = after.Parked
		return item, true, nil
	}
	return driver.Item{}, false, nil
}
