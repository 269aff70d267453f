package admin

import (
	"context"
	"strconv"
	"strings"

	"daybook/events"
	"daybook/view/driver"
	"daybook/view/internal/definition"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// scanTable hands one part of a view's table to each, page by page.
func (v *Verifier) scanTable(ctx context.Context, view *verifiedView, segment, segments int, each func([]driver.ScannedItem) error) error {
	for page, err := range patientPages(ctx, view.Table.Scan, segment, segments) {
		if err != nil {
			return err
		}
		v.read(0, len(page))
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

// strangers finds the items of one part of a table that belong to no stream.
// Rows of a keyed view belong to none, and are left to keyed.
func (r *verifyRun) strangers(ctx context.Context, v *verifiedView, segment int) (*tally, error) {
	t := &tally{}
	var waiting []events.Stream
	ask := func() error {
		if len(waiting) == 0 {
			return nil
		}
		started, err := patiently(ctx, func() ([]bool, error) { return r.store.Started(ctx, waiting) })
		if err != nil {
			return err
		}
		for i, stream := range waiting {
			if started[i] {
				continue
			}
			beheaded, err := r.beheaded(ctx, stream)
			if err != nil {
				return err
			}
			if !beheaded {
				t.found(v, v.stranger(stream), r.opts.Findings)
			}
		}
		waiting = waiting[:0]
		return nil
	}
	err := r.scanTable(ctx, v, segment, r.opts.Segments, func(page []driver.ScannedItem) error {
		for _, found := range page {
			stream, belongs := v.belongs(found.Item.Key)
			if !belongs {
				continue
			}
			if _, err := events.ParseStored(string(stream)); err != nil {
				t.found(v, v.stranger(stream), r.opts.Findings)
				continue
			}
			if waiting = append(waiting, stream); len(waiting) == driver.MaxGet {
				if err := ask(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = ask()
	}
	return t, err
}

// beheaded reports whether a stream lacks its first commit only: it is damaged, and its
// items belong to it.
func (r *verifyRun) beheaded(ctx context.Context, stream events.Stream) (bool, error) {
	_, err := patiently(ctx, func() ([]events.Commit, error) { return r.store.Read(ctx, stream, 1, 1) })
	if _, damaged := events.DamageOf(err); damaged {
		return true, nil
	}
	return false, err
}

// belongs returns the stream that an item is about. A record of a fault is no
// item of a stream, and neither is what other programs keep under reserved keys.
func (v *verifiedView) belongs(key string) (events.Stream, bool) {
	if definition.IsRow(key) {
		return v.streamOfRow(key)
	}
	stream, ok := strings.CutPrefix(key, definition.StreamPrefix)
	return events.Stream(stream), ok
}

func (v *verifiedView) streamOfRow(key string) (events.Stream, bool) {
	if v.Keyed {
		return "", false
	}
	return v.streamOf(key), true
}

func (v *verifiedView) stranger(stream events.Stream) *Finding {
	f := &Finding{Kind: FoundExtra, Stream: stream, Text: "there is no such stream"}
	if !v.Keyed {
		f.Row = stream.ID()
	}
	return f
}
