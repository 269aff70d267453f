package routing

import (
	"context"
	"encoding/json/v2"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

// FaultRecord returns the write of a fault's record, over the one that is there:
// another attempt at the same commit is counted.
func (v *TableView) FaultRecord(ctx context.Context, f *follow.Fault) (driver.Write, error) {
	old, err := GetItem(ctx, v.Table, definition.ParkedKey(f.Stream))
	if err != nil {
		return driver.Write{}, err
	}
	var before follow.Fault
	if old != nil && json.Unmarshal(old.Memo, &before) == nil && before.Commit == f.Commit {
		f.Attempts = before.Attempts + 1
	}
	memo, err := json.Marshal(f)
	if err != nil {
		return driver.Write{}, events.Wrap(events.CodeInternal, err, "a fault can't be written as JSON")
	}
	item := driver.Item{
		Key: definition.ParkedKey(f.Stream), Commit: f.Commit, Memo: memo,
		// A record that comes back after it was deleted has a greater version
		// than before, since the stream is parked at a later commit.
		Version: max(definition.VersionOf(old)+1, f.Commit<<20),
		Index:   map[string]driver.IndexKey{driver.ParkedIndex: {Partition: definition.AllPartition, Sort: parkedSort(f.Stream)}},
	}
	return driver.Write{Item: item}.Over(old), nil
}

func parkedSort(stream events.Stream) driver.Sort {
	return driver.Sort{Kind: driver.SortString, Text: definition.StringPrefix + string(stream)}
}

// RecordAlone records a fault of a stream whose item can't be read or written:
// nothing marks the stream, so every delivery of it meets the fault again.
func (v *TableView) RecordAlone(ctx context.Context, f *follow.Fault) error {
	w, err := v.FaultRecord(ctx, f)
	if err != nil {
		return err
	}
	return v.Table.Put(ctx, w)
}

// Parked is Projector.Parked with a limit that was checked.
func (v *TableView) Parked(ctx context.Context, after events.Stream, limit int) ([]follow.Fault, error) {
	r := driver.Range{Index: driver.ParkedIndex, Partition: definition.AllPartition}
	if after != "" {
		r.After = &driver.Place{Sort: parkedSort(after), Key: definition.ParkedKey(after)}
	}
	faults := []follow.Fault{}
	for len(faults) < limit {
		r.Limit = limit - len(faults)
		items, end, err := v.Table.Range(ctx, r)
		if err != nil {
			return nil, err
		}
		for i := range items {
			f, err := v.FaultOf(&items[i])
			if err != nil {
				return nil, err
			}
			faults = append(faults, f)
		}
		if end || len(items) == 0 {
			break
		}
		last := faults[len(faults)-1].Stream
		r.After = &driver.Place{Sort: parkedSort(last), Key: definition.ParkedKey(last)}
	}
	return faults, nil
}

// AnyParked reports whether a stream of the tenant is parked in the table, with one
// query of an index that is empty as a rule.
func (v *TableView) AnyParked(ctx context.Context, tenant string) (bool, error) {
	r := driver.Range{Index: driver.ParkedIndex, Partition: definition.AllPartition, Limit: 1}
	if tenant != "" {
		r.Prefix = definition.StringPrefix + events.Scoped(tenant, "")
	}
	records, _, err := v.Table.Range(ctx, r)
	return len(records) > 0, err
}

// FaultOf reads the record of a parked stream.
func (v *TableView) FaultOf(item *driver.Item) (follow.Fault, error) {
	f := v.About()
	if err := json.Unmarshal(item.Memo, &f); err != nil {
		return follow.Fault{}, events.Wrap(events.CodeInternal, err, "what the view's table holds can't be read")
	}
	f.Stream = events.Stream(item.Key[len(definition.ParkedPrefix):])
	return f, nil
}
