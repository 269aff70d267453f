package cli

import (
	"context"
	"errors"
	"testing"
	"time"

	"daybook/events"
	"daybook/events/eventstest"
)

// healing is a store of a stream whose first commit is missed by the scan, and can't be
// read the first time.
type healing struct {
	events.Store
	reads int
}

func (h *healing) Scan(ctx context.Context, _, _ int, _ string) ([]events.Commit, string, error) {
	page, err := h.Store.Read(ctx, "member/1", 2, 1)
	return page, "", err
}

func (h *healing) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	if h.reads++; h.reads == 1 {
		return nil, events.Wrap(events.CodeInternal, &events.DamagedError{Stream: stream, Number: 1, Cause: errors.New("torn")}, "a stored commit can't be read")
	}
	return h.Store.Read(ctx, stream, from, limit)
}

// A stream that can be read when it is looked at again is walked through like others.
func TestWalkOfAStreamThatCanBeReadAgain(t *testing.T) {
	t.Parallel()
	store, at := new(eventstest.Memory), events.Start("member/1")
	for range 2 {
		c, err := store.Append(t.Context(), at, events.Commit{Time: time.Unix(1, 0), Events: []events.Event{{Name: "x", Schema: 1, Data: []byte("{}")}}})
		if err != nil {
			t.Fatal(err)
		}
		at = events.After(&c)
	}
	var got []int64
	w := walk{
		store: &healing{Store: store}, bar: &progress{},
		commit:  func(c *events.Commit) error { got = append(got, c.Number); return nil },
		damaged: func(d events.Damage) error { t.Errorf("damaged: %+v", d); return nil },
	}
	if err := w.segment(t.Context(), 0, 1); err != nil || len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Errorf("walked through commits %v: %v", got, err)
	}
}
