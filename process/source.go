package process

import (
	"context"

	"daybook/events"
)

// readPage is how many commits one read of the store asks for at most.
const readPage = 100

// History is the part of an events.Store that reactors read: commits of a stream,
// oldest first, beginning with a number; fewer than limit say that the stream
// ends there.
type History interface {
	Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error)
}

// Delivery is one record of a change stream: a hint that a commit was stored.
// Deliveries may come late, twice and in any order.
type Delivery struct {
	Stream   events.Stream
	Number   int64          // of the commit
	Commit   *events.Commit // as the record holds it; nil: it is read from the store
	Sequence string         // the record's sequence number, for Report.Retry
	Err      error          // why the record's commit could not be decoded; it is read from the store
}

// streamBatch is what a batch says of one stream.
type streamBatch struct {
	stream  events.Stream
	given   map[int64]*events.Commit // by number; not changed any more
	numbers []int64                  // of the deliveries, in any order, repeats too
	index   int                      // of the stream's first delivery in the batch
}

// groupByStream returns what the batch says of each stream, in the order of
// their first deliveries, and the deliveries that name none.
func groupByStream(batch []Delivery) (streams []*streamBatch, stray []Delivery) {
	byName := map[events.Stream]*streamBatch{}
	for i, d := range batch {
		if d.Stream == "" || d.Number < 1 {
			stray = append(stray, d)
			continue
		}
		s := byName[d.Stream]
		if s == nil {
			s = &streamBatch{stream: d.Stream, given: map[int64]*events.Commit{}, index: i}
			byName[d.Stream] = s
			streams = append(streams, s)
		}
		s.numbers = append(s.numbers, d.Number)
		if c := d.Commit; c != nil && d.Err == nil && c.Stream == d.Stream && c.Number == d.Number {
			s.given[d.Number] = c
		}
	}
	return streams, stray
}

// last is the number of the last commit of the batch that the reactor may have to
// react to, 0 for none: one that can't be read from its record counts.
func (s *streamBatch) last(d *def) (last int64) {
	for _, n := range s.numbers {
		if c := s.given[n]; n > last && (c == nil || d.reactsTo(c)) {
			last = n
		}
	}
	return last
}

// handles reports whether the commit has an event that the reactor handles.
func (d *def) handles(c *events.Commit) bool {
	for _, e := range c.Events {
		if d.handled(e.Name) {
			return true
		}
	}
	return false
}

// reactsTo reports whether the commit may have to be reacted to.
func (d *def) reactsTo(c *events.Commit) bool { return !c.Time.Before(d.since) && d.handles(c) }

// reader hands out the commits of one stream: those of the batch first, the
// others from the store, a page at a time.
type reader struct {
	history History
	stream  events.Stream
	given   map[int64]*events.Commit
	page    []events.Commit // the last that was read
}

// at returns the commit with the given number; up to last may be asked for next.
// read says that it came from the store. Errors are the store's, and internal for
// a commit that is not there.
func (s *reader) at(ctx context.Context, number, last int64) (c *events.Commit, read bool, err error) {
	if c, ok := s.given[number]; ok {
		return c, false, nil
	}
	if c := s.paged(number); c != nil {
		return c, true, nil
	}
	limit := 1
	for n := number + 1; n <= last && s.given[n] == nil && limit < readPage; n++ {
		limit++
	}
	page, err := s.history.Read(ctx, s.stream, number, limit)
	if err != nil && !events.Transient(err) && limit > 1 {
		// One that can't be read must not hide those before it.
		page, err = s.history.Read(ctx, s.stream, number, 1)
	}
	if err != nil {
		return nil, true, err
	}
	s.page = page
	if c := s.paged(number); c != nil {
		return c, true, nil
	}
	return nil, true, events.Errorf(events.CodeInternal, "the store has no commit %d of this stream", number)
}

func (s *reader) paged(number int64) *events.Commit {
	if len(s.page) == 0 || number < s.page[0].Number || number > s.page[len(s.page)-1].Number {
		return nil
	}
	return &s.page[number-s.page[0].Number]
}
