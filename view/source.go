package view

import (
	"context"
	"sync"

	"daybook/events"
)

// readPage is how many commits one read of the store asks for at most.
const readPage = 100

// History is the part of an events.Store that views read: commits of a stream,
// oldest first, beginning with a number. Asking for no more lets a function that
// only reads be built without what writes.
type History interface {
	Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error)
}

// source hands out the commits of one stream: those at hand first, the others
// from the store. It is safe for concurrent use.
type source struct {
	store  History
	stream events.Stream
	given  map[int64]*events.Commit // not changed any more

	mu   sync.Mutex
	page []events.Commit // the last that was read
}

// at returns the commit with the given number; up to last may be asked for
// next. read says that it is not one of those given. Errors are the store's,
// and internal for a commit that is not there.
func (s *source) at(ctx context.Context, number, last int64) (c *events.Commit, read bool, err error) {
	if c, ok := s.given[number]; ok {
		return c, false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.paged(number); c != nil {
		return c, true, nil
	}
	limit := 1
	for n := number + 1; n <= last && s.given[n] == nil && limit < readPage; n++ {
		limit++
	}
	page, err := s.store.Read(ctx, s.stream, number, limit)
	if err != nil && !events.Transient(err) && limit > 1 {
		// One that can't be read must not hide those before it.
		page, err = s.store.Read(ctx, s.stream, number, 1)
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

func (s *source) paged(number int64) *events.Commit {
	if len(s.page) == 0 || number < s.page[0].Number || number > s.page[len(s.page)-1].Number {
		return nil
	}
	return &s.page[number-s.page[0].Number]
}

// streamBatch is what a batch says of one stream.
type streamBatch struct {
	source
	numbers []int64 // of the deliveries, in any order, repeats too
	first   int64   // lowest number
	last    int64   // highest number
	index   int     // of the stream's first delivery in the batch
}

// groupByStream returns what the batch says of each stream, in the order of
// their first deliveries, and the deliveries that name none.
func groupByStream(store History, batch []Delivery) (streams []*streamBatch, stray []Delivery) {
	byName := map[events.Stream]*streamBatch{}
	for i, d := range batch {
		if d.Stream == "" || d.Number < 1 {
			stray = append(stray, d)
			continue
		}
		s := byName[d.Stream]
		if s == nil {
			s = &streamBatch{source: source{store: store, stream: d.Stream, given: map[int64]*events.Commit{}}, first: d.Number, index: i}
			byName[d.Stream] = s
			streams = append(streams, s)
		}
		s.numbers = append(s.numbers, d.Number)
		s.first, s.last = min(s.first, d.Number), max(s.last, d.Number)
		if c := d.Commit; c != nil && d.Err == nil && c.Stream == d.Stream && c.Number == d.Number {
			s.given[d.Number] = c
		}
	}
	return streams, stray
}

// skipped counts the deliveries that a view at the given commit has no use for:
// those applied before, and repeats.
func (s *streamBatch) skipped(applied int64) int {
	seen := map[int64]bool{}
	for _, n := range s.numbers {
		if n > applied {
			seen[n] = true
		}
	}
	return len(s.numbers) - len(seen)
}
