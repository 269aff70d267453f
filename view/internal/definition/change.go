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
func (d *Definition) ChangesOf(stream events.Stream, before, after *driver.Item) (map[Name]*Change, error) {
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
	changes := map[Name]*Change{}
	at := func(name Name) *Change {
		if changes[name] == nil {
			changes[name] = &Change{}
		}
		return changes[name]
	}
	for _, name := range left {
		if c := at(name); moved {
			c.Parts = append(c.Parts, Part{Memo: MemoOf(before), Take: true})
		}
		if counted {
			at(name).Parked--
		}
	}
	for _, name := range joined {
		if c := at(name); moved {
			c.Parts = append(c.Parts, Part{Memo: MemoOf(after)})
		}
		if counts {
			at(name).Parked++
		}
	}
	return changes, nil
}

// Changed returns the rows that changes make of rows.
func (d *Definition) Changed(rows map[Name]KeyedRow, changes map[Name]*Change) (map[Name]KeyedRow, error) {
	changed := map[Name]KeyedRow{}
	for name, c := range changes {
		row, err := rows[name].With(d, name, c)
		if err != nil {
			return nil, err
		}
		changed[name] = row
	}
	return changed, nil
}

// KeyedChange is the item of a row that changed; changed is false if it did not.
func (d *Definition) KeyedChange(name Name, before, after KeyedRow) (item driver.Item, changed bool, err error) {
	switch {
	case after.Streams != before.Streams || !bytes.Equal(after.Row, before.Row):
		item, err = d.KeyedItem(name, after)
		return item, true, err
	case after.Parked != before.Parked && after.Item != nil:
		item = *after.Item
		item.Version++
		item.Parked = after.Parked
		return item, true, nil
	}
	return driver.Item{}, false, nil
}
