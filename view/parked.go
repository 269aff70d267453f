package view

import (
	"context"
	"encoding/json/v2"

	"daybook/events"
	"daybook/follow"
)

// A stream is parked in a view when the view can't apply its next commit for a
// reason that does not pass. Two items say so:
//
//   - the stream's own item (its row, or its checkpoint in a keyed view) has
//     Parked set, so that a projector and a reader know from what they read
//     anyway; in a keyed view the rows that the stream contributes to count it;
//   - a record under a reserved key holds the fault, and is in ParkedIndex.
//
// Parking writes both in one transaction, with the rows as they were before the
// commit. Redriving clears the item first and deletes the record last, so that a
// redrive that is broken off is found in the list and done again.

// Values of Item.Parked in the item of one stream.
const (
	parkedCounted   = 1 // and counted by the rows it contributes to
	parkedUncounted = 2 // those rows could not be written; of keyed views alone
)

func parkedKey(stream events.Stream) string { return parkedPrefix + string(stream) }

func isParked(item *Item) bool { return item != nil && item.Parked != 0 }

// record returns the write of a fault's record, over the one that is there:
// another attempt at the same commit is counted.
func (v *tableView) record(ctx context.Context, f *follow.Fault) (Write, error) {
	old, err := getItem(ctx, v.table, parkedKey(f.Stream))
	if err != nil {
		return Write{}, err
	}
	var before follow.Fault
	if old != nil && json.Unmarshal(old.Memo, &before) == nil && before.Commit == f.Commit {
		f.Attempts = before.Attempts + 1
	}
	memo, err := json.Marshal(f)
	if err != nil {
		return Write{}, events.Wrap(events.CodeInternal, err, "a fault can't be written as JSON")
	}
	item := Item{
		Key: parkedKey(f.Stream), Commit: f.Commit, Memo: memo,
		// A record that comes back after it was deleted has a greater version
		// than before, since the stream is parked at a later commit.
		Version: max(version(old)+1, f.Commit<<20),
		Index:   map[string]IndexKey{ParkedIndex: {Partition: allPartition, Sort: parkedSort(f.Stream)}},
	}
	return Write{Item: item}.over(old), nil
}

func parkedSort(stream events.Stream) Sort {
	return Sort{Kind: SortString, Text: stringPrefix + string(stream)}
}

// recordAlone records a fault of a stream whose item can't be read or written:
// nothing marks the stream, so every delivery of it meets the fault again.
func (v *tableView) recordAlone(ctx context.Context, f *follow.Fault) error {
	w, err := v.record(ctx, f)
	if err != nil {
		return err
	}
	return v.table.Put(ctx, w)
}

// Parked lists the parked streams of a view in the order of their names, up to
// limit (1 to 1,000) of those behind after; "" begins. A full page says that
// there may be more. A stream that was parked or redriven within the last moment
// may be missing or still there.
//
// Codes: unknown-view; malformed for a limit; and those of Table.
func (p *Projector) Parked(ctx context.Context, view string, after events.Stream, limit int) ([]follow.Fault, error) {
	v, err := p.view(view)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > MaxLimit {
		return nil, events.Malformed(paramLimit, "must be from 1 to 1,000")
	}
	r := Range{Index: ParkedIndex, Partition: allPartition}
	if after != "" {
		r.After = &Place{Sort: parkedSort(after), Key: parkedKey(after)}
	}
	faults := []follow.Fault{}
	for len(faults) < limit {
		r.Limit = limit - len(faults)
		items, end, err := v.table.Range(ctx, r)
		if err != nil {
			return nil, err
		}
		for i := range items {
			f, err := v.faultOf(&items[i])
			if err != nil {
				return nil, err
			}
			faults = append(faults, f)
		}
		if end || len(items) == 0 {
			break
		}
		last := faults[len(faults)-1].Stream
		r.After = &Place{Sort: parkedSort(last), Key: parkedKey(last)}
	}
	return faults, nil
}

// anyParked reports whether a stream is parked in the table, with one query of an
// index that is empty as a rule.
func (v *tableView) anyParked(ctx context.Context) (bool, error) {
	records, _, err := v.table.Range(ctx, Range{Index: ParkedIndex, Partition: allPartition, Limit: 1})
	return len(records) > 0, err
}

// faultOf reads the record of a parked stream.
func (v *tableView) faultOf(item *Item) (follow.Fault, error) {
	f := v.about()
	if err := json.Unmarshal(item.Memo, &f); err != nil {
		return follow.Fault{}, events.Wrap(events.CodeInternal, err, "what the view's table holds can't be read")
	}
	f.Stream = events.Stream(item.Key[len(parkedPrefix):])
	return f, nil
}

func (p *Projector) view(name string) (*tableView, error) {
	if p.routes != nil {
		return nil, events.Errorf(events.CodeInternal, "a routed projector works on several tables of a view: use one on tables of Pin")
	}
	for _, v := range p.views {
		if v.name == name {
			return v, nil
		}
	}
	return nil, events.Errorf(events.CodeUnknownView, "there is no view of this name")
}
