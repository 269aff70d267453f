package follow

import (
	"context"

	"daybook/events"
)

// ReadPage is how many commits one read of the store asks for at most.
const ReadPage = 100

// History is the part of an events.Store that consumers read: commits of a stream,
// oldest first, beginning with a number; fewer than limit say that the stream ends
// there. Asking for no more lets a function that only reads be built without what
// writes.
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

// Stream is what a batch says of one stream. It is safe for concurrent use.
type Stream struct {
	Name events.Stream
	// First is the lowest number in the batch.
	First int64
	// Given are the commits at hand, by number. They are not changed any more.
	Given map[int64]*events.Commit

	history History
	numbers []int64 // of the deliveries, in any order, repeats too
	index   int     // of the stream's first delivery in the batch

	// reading is the lock of page. It is held while a page is read, so it is a
	// channel: waiting ends with a context.
	reading chan struct{}
	page    []events.Commit // the last that was read
}

// NewStream returns a stream of which the given commits are at hand.
func NewStream(history History, name events.Stream, given []events.Commit) *Stream {
	s := &Stream{Name: name, Given: make(map[int64]*events.Commit, len(given)), history: history, reading: make(chan struct{}, 1)}
	for i := range given {
		s.Given[given[i].Number] = &given[i]
		s.numbers = append(s.numbers, given[i].Number)
	}
	return s
}

// group returns what a batch says of each stream, in the order of their first
// deliveries, and the deliveries that name none.
func group(history History, batch []Delivery) (streams []*Stream, stray []Delivery) {
	byName := map[events.Stream]*Stream{}
	for i, d := range batch {
		if d.Stream == "" || d.Number < 1 {
			stray = append(stray, d)
			continue
		}
		s := byName[d.Stream]
		if s == nil {
			s = NewStream(history, d.Stream, nil)
			s.First, s.index = d.Number, i
			byName[d.Stream] = s
			streams = append(streams, s)
		}
		s.numbers = append(s.numbers, d.Number)
		s.First = min(s.First, d.Number)
		if c := d.Commit; c != nil && d.Err == nil && c.Stream == d.Stream && c.Number == d.Number {
			s.Given[d.Number] = c
		}
	}
	return streams, stray
}

// at returns the commit with the given number; up to last may be asked for next.
// read says that it is not one of those given. page is the caller's last page: the
// shared one may have been replaced by that of another caller. Errors are the
// store's, and internal for a commit that is not there.
func (s *Stream) at(ctx context.Context, number, last int64, page *[]events.Commit) (c *events.Commit, read bool, err error) {
	if c, ok := s.Given[number]; ok {
		return c, false, nil
	}
	if c := paged(*page, number); c != nil {
		return c, true, nil
	}
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return nil, true, events.Wrap(events.CodeCanceled, ctx.Err(), "the request was given up")
	}
	if paged(s.page, number) == nil {
		if err := s.read(ctx, number, last); err != nil {
			return nil, true, err
		}
	}
	*page = s.page
	if c := paged(s.page, number); c != nil {
		return c, true, nil
	}
	return nil, true, events.Errorf(events.CodeInternal, "the store has no commit %d of this stream", number)
}

// read reads a page from number on, up to the next commit at hand.
func (s *Stream) read(ctx context.Context, number, last int64) error {
	limit := 1
	for n := number + 1; n <= last && s.Given[n] == nil && limit < ReadPage; n++ {
		limit++
	}
	page, err := s.history.Read(ctx, s.Name, number, limit)
	if err != nil && !events.Transient(err) && limit > 1 {
		// One that can't be read must not hide those before it.
		page, err = s.history.Read(ctx, s.Name, number, 1)
	}
	if err == nil {
		s.page = page
	}
	return err
}

func paged(page []events.Commit, number int64) *events.Commit {
	if len(page) == 0 || number < page[0].Number || number > page[len(page)-1].Number {
		return nil
	}
	return &page[number-page[0].Number]
}
