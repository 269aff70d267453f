package cli

import (
	"context"

	"daybook/events"
)

// walk hands over the commits of one part of the events table, those of a stream in order
// and without a gap: a commit that the scan has missed is read.
type walk struct {
	store  events.Store
	bar    *progress
	commit func(c *events.Commit) error
	// damaged is told of every damaged stream, once. No more commits of it are handed
	// over; some may have been.
	damaged func(d events.Damage) error

	stream events.Stream
	number int64 // of its last commit
	lost   events.LostStreams
}

// segment walks through one part of the table.
func (w *walk) segment(ctx context.Context, segment, segments int) error {
	for cursor := ""; ; {
		page, damaged, next, err := events.ScanTolerant(ctx, w.store, segment, segments, cursor)
		if err != nil {
			return err
		}
		w.bar.add(int64(len(page) + len(damaged)))
		for _, d := range w.lost.Page(w.stream, damaged) {
			if err := w.lose(ctx, d); err != nil {
				return err
			}
		}
		for i := range page {
			if err := w.take(ctx, &page[i]); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// lose tells of a damaged stream, unless it can be read by now.
func (w *walk) lose(ctx context.Context, d events.Damage) error {
	found, err := d.Locate(ctx, w.store)
	w.lost.Set(d.Stream, found != nil)
	if err != nil || found == nil {
		return err
	}
	return w.damaged(*found)
}

// take hands a commit over, behind those that the scan has missed before it.
func (w *walk) take(ctx context.Context, c *events.Commit) error {
	if c.Stream != w.stream {
		w.stream, w.number = c.Stream, 0
	}
	if w.lost.Has(c.Stream) {
		return nil
	}
	if missing := c.Number - w.number - 1; missing > 0 {
		between, err := w.store.Read(ctx, c.Stream, w.number+1, int(missing))
		if e, damaged := events.DamageOf(err); damaged {
			if lost := w.lose(ctx, e.Damage()); lost != nil || w.lost.Has(c.Stream) {
				return lost
			}
			between, err = w.store.Read(ctx, c.Stream, w.number+1, int(missing)) // it can be read by now
		}
		if err != nil {
			return err
		}
		for i := range between {
			if err := w.hand(&between[i]); err != nil {
				return err
			}
		}
		if int64(len(between)) < missing { // the stream was deleted meanwhile
			return nil
		}
	}
	return w.hand(c)
}

func (w *walk) hand(c *events.Commit) error {
	w.number = c.Number
	return w.commit(c)
}
