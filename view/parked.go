package view

import (
	"context"
	"encoding/json/v2"
	"time"

	"daybook/events"
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

// parkedRecord is what the record of a parked stream keeps in its Memo.
type parkedRecord struct {
	Commit   int64       `json:"commit"`
	Code     events.Code `json:"code"`
	Text     string      `json:"text"`
	Time     time.Time   `json:"time"` // of the last attempt
	Attempts int         `json:"attempts"`
}

func parkedKey(stream events.Stream) string { return parkedPrefix + string(stream) }

func isParked(item *Item) bool { return item != nil && item.Parked != 0 }

// faultOf describes what a view can't do.
func (b *batchRun) faultOf(v *projected, s *streamBatch, e *foldError) Fault {
	return Fault{
		View: v.name, Version: v.version, Generation: v.generation, Stream: s.stream, Commit: e.number,
		Code: events.CodeOf(e.err), Text: events.FaultText(e.err), Time: b.opts.Now(), Attempts: 1, Cause: e.err,
	}
}

// record returns the write of a fault's record, over the one that is there:
// another attempt at the same commit is counted.
func (v *projected) record(ctx context.Context, f *Fault) (Write, error) {
	old, err := getItem(ctx, v.table, parkedKey(f.Stream))
	if err != nil {
		return Write{}, err
	}
	var before parkedRecord
	if old != nil && json.Unmarshal(old.Memo, &before) == nil && before.Commit == f.Commit {
		f.Attempts = before.Attempts + 1
	}
	memo, err := json.Marshal(parkedRecord{Commit: f.Commit, Code: f.Code, Text: f.Text, Time: f.Time, Attempts: f.Attempts})
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
// nothing marks the stream, so every delivery of it meets the fault again. A
// fault that can't even be recorded is tried again with the whole stream, so
// that it is not lost.
func (b *batchRun) recordAlone(ctx context.Context, v *projected, s *streamBatch, e *foldError) {
	f := b.faultOf(v, s, e)
	for attempt := 1; ; attempt++ {
		w, err := v.record(ctx, &f)
		if err == nil {
			err = v.table.Put(ctx, w)
		}
		switch {
		case err == nil:
			b.parked(f)
			return
		case events.CodeOf(err) != events.CodeConflict || attempt >= b.opts.Attempts || pause(ctx, attempt) != nil:
			b.fail(s, err)
			return
		}
	}
}

// parked reports a stream that was parked.
func (b *batchRun) parked(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Faults = append(b.report.Faults, f)
}

// held counts the deliveries that wait for a redrive of their stream.
func (b *batchRun) held(s *streamBatch, applied int64) {
	old := s.skipped(applied)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.report.Skipped += old
	b.report.Held += len(s.numbers) - old
}

// Parked lists the parked streams of a view in the order of their names, up to
// limit (1 to 1,000) of those behind after; "" begins. A full page says that
// there may be more. A stream that was parked or redriven within the last moment
// may be missing or still there.
//
// Codes: unknown-view; malformed for a limit; and those of Table.
func (p *Projector) Parked(ctx context.Context, view string, after events.Stream, limit int) ([]Fault, error) {
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
	faults := []Fault{}
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
func (v *projected) anyParked(ctx context.Context) (bool, error) {
	records, _, err := v.table.Range(ctx, Range{Index: ParkedIndex, Partition: allPartition, Limit: 1})
	return len(records) > 0, err
}

// faultOf reads the record of a parked stream.
func (v *projected) faultOf(item *Item) (Fault, error) {
	var r parkedRecord
	if err := json.Unmarshal(item.Memo, &r); err != nil {
		return Fault{}, events.Wrap(events.CodeInternal, err, "what the view's table holds can't be read")
	}
	return Fault{
		View: v.name, Version: v.version, Generation: v.generation, Stream: events.Stream(item.Key[len(parkedPrefix):]), Commit: r.Commit,
		Code: r.Code, Text: r.Text, Time: r.Time, Attempts: r.Attempts,
	}, nil
}

func (p *Projector) view(name string) (*projected, error) {
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
