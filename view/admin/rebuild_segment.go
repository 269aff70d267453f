package admin

import (
	"context"
	"encoding/json/v2"
	"errors"
	"slices"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/view/driver"
	"daybook/view/internal/definition"
	"daybook/view/internal/routing"
	"daybook/view/projection"
)

// segmentRecord is what the control record of a segment keeps in its Memo.
type segmentRecord struct {
	Cursor  string    `json:"cursor,omitzero"`  // of the next page
	Stream  string    `json:"stream,omitzero"`  // whose last commits are not projected yet:
	Number  int64     `json:"number,omitzero"`  // up to this one
	Commits int64     `json:"commits,omitzero"` // read
	Faults  int64     `json:"faults,omitzero"`  // met
	Done    bool      `json:"done,omitzero"`
	Owner   string    `json:"owner,omitzero"`
	Until   time.Time `json:"until,omitzero"` // it is the owner's
}

func readSegment(item *driver.Item) (s segmentRecord, err error) {
	if item == nil {
		return s, nil
	}
	if err := json.Unmarshal(item.Memo, &s); err != nil {
		return s, events.Wrap(events.CodeInternal, err, "the record of a fill can't be read")
	}
	return s, nil
}

// segment is a part of the events that this worker reads.
type segment struct {
	*fill
	segmentRecord
	n       int
	version int64             // of the record
	saved   time.Time         // when the record was last written
	held    []follow.Delivery // of the stream that the last page may not have ended
}

// acquire makes a segment this worker's. It returns nil for one that is done or
// another's.
func (f *fill) acquire(ctx context.Context, n int) (*segment, error) {
	var item *driver.Item
	err := f.retry(ctx, func() (err error) {
		item, err = routing.GetItem(ctx, f.routes.Control, f.key(n))
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &segment{fill: f, n: n, version: definition.VersionOf(item)}
	if s.segmentRecord, err = readSegment(item); err != nil {
		return nil, err
	}
	if s.Done {
		f.setDone(n)
		return nil, nil
	}
	if f.opts.Now().Before(s.Until) {
		return nil, nil
	}
	if s.Stream != "" { // what was held back is read from the store
		s.held = []follow.Delivery{{Stream: events.Stream(s.Stream), Number: s.Number}}
	}
	if err := s.save(ctx); err != nil {
		if errors.Is(err, errLost) {
			return nil, nil
		}
		return nil, err
	}
	return s, nil
}

// save writes the record, and with it that the segment is still this worker's;
// errLost says that it is another's.
func (s *segment) save(ctx context.Context) error {
	s.saved = s.opts.Now()
	s.Owner, s.Until = s.owner, s.saved.Add(s.opts.Lease)
	return s.write(ctx)
}

func (s *segment) write(ctx context.Context) error {
	memo, err := json.Marshal(s.segmentRecord)
	if err != nil {
		return events.Wrap(events.CodeInternal, err, "the record of a fill can't be written")
	}
	item := driver.Item{Key: s.key(s.n), Version: s.version + 1, Memo: memo}
	err = s.retry(ctx, func() error {
		err := s.routes.Control.Put(ctx, driver.Write{Item: item, Expect: s.version})
		if events.CodeOf(err) == events.CodeConflict {
			return errLost
		}
		return err
	})
	if err == nil {
		s.version++
	}
	return err
}

// errLost says that another worker holds a segment's lease.
var errLost = errors.New("another worker holds the segment's lease")

// run reads the segment to its end. One that another worker took is left to it.
func (s *segment) run(ctx context.Context) error {
	s.setMine(s.n, true)
	defer s.setMine(s.n, false)
	for !s.Done {
		err := s.page(ctx)
		if errors.Is(err, errLost) {
			return nil
		}
		if err != nil {
			s.release()
			return err
		}
	}
	s.setDone(s.n)
	return nil
}

// release drops the lease so that the next worker can start at once.
func (s *segment) release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.Until = time.Time{}
	_ = s.write(ctx) // else the lease runs out
}

// page reads and projects one page, and notes that it did.
func (s *segment) page(ctx context.Context) error {
	var page []events.Commit
	var next string
	err := s.retry(ctx, func() (err error) {
		page, next, err = s.store.Scan(ctx, s.n, s.state.Segments, s.Cursor)
		return err
	})
	if err != nil {
		return err
	}
	batch := s.held
	for i := range page {
		if c := &page[i]; s.view.Follows(c.Stream) {
			batch = append(batch, follow.Delivery{Stream: c.Stream, Number: c.Number, Commit: c})
		}
	}
	others := len(page) - (len(batch) - len(s.held)) // commits that the view does not follow
	rest := s.holdBack(&batch, page, next)
	if err := s.project(ctx, batch, others); err != nil {
		return err
	}
	s.held, s.Stream, s.Number = rest, "", 0
	if len(rest) > 0 {
		last := rest[len(rest)-1]
		s.Stream, s.Number = string(last.Stream), last.Number
	}
	s.Cursor, s.Done = next, next == ""
	s.Commits += int64(len(page))
	return s.save(ctx)
}

// holdBack takes the commits of the stream that the page ends in out of the
// batch: the next page may go on with it, and then its row is written once. A
// page of one stream alone is not held back.
func (s *segment) holdBack(batch *[]follow.Delivery, page []events.Commit, next string) []follow.Delivery {
	if next == "" || len(page) == 0 || len(*batch) == 0 {
		return nil
	}
	all := *batch
	stream, from := page[len(page)-1].Stream, len(all)
	for from > 0 && all[from-1].Stream == stream {
		from--
	}
	if from == 0 {
		return nil
	}
	*batch = all[:from]
	return append([]follow.Delivery(nil), all[from:]...)
}

// project hands a batch to the projector, whole streams at a time. Commits that
// were read for nothing count too.
func (s *segment) project(ctx context.Context, batch []follow.Delivery, others int) error {
	if err := s.throttle.wait(ctx, others); err != nil {
		return err
	}
	s.count(func(p *Progress) { p.Commits += int64(others) })
	most := s.throttle.chunk(s.opts.Chunk)
	for len(batch) > 0 {
		n := 0
		for n < len(batch) && (n < most || batch[n].Stream == batch[n-1].Stream) {
			n++
		}
		if err := s.throttle.wait(ctx, n); err != nil {
			return err
		}
		if err := s.post(ctx, batch[:n]); err != nil {
			return err
		}
		batch = batch[n:]
		if len(batch) > 0 && s.opts.Now().Sub(s.saved) > s.opts.Lease/3 {
			if err := s.save(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// post projects deliveries until none has to be retried.
func (s *segment) post(ctx context.Context, batch []follow.Delivery) error {
	left := batch
	return s.retry(ctx, func() error {
		report := s.projectOnce(ctx, left)
		all := len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(d follow.Delivery) bool { return !slices.Contains(report.Failed, d.Stream) })
		done := int64(all - len(left))
		s.Faults += int64(len(report.Faults))
		s.count(func(p *Progress) {
			p.Commits, p.Projected = p.Commits+done, p.Projected+done
			p.Written, p.Faults = p.Written+int64(report.Written), p.Faults+int64(len(report.Faults))
		})
		return report.Err
	})
}

// projectOnce projects deliveries.
func (s *segment) projectOnce(ctx context.Context, batch []follow.Delivery) projection.Report {
	if s.view.Keyed {
		s.keyed <- struct{}{}
		defer func() { <-s.keyed }()
	}
	return s.projector.Project(ctx, batch)
}
