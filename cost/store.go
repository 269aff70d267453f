package cost

import (
	"context"
	"fmt"

	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
)

// recordingStore keeps the commits that it stores for those who follow the streams, as
// the change stream of the events table does.
type recordingStore struct {
	*dynamo.EventStore
	streams map[events.Stream]bool // all so far
	batch   []follow.Delivery      // since it was taken
}

// Append implements events.Store.
func (s *recordingStore) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	stored, err := s.EventStore.Append(ctx, at, c)
	if err == nil {
		s.keep(stored)
	}
	return stored, err
}

// AppendAll implements events.Store.
func (s *recordingStore) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	stored, err := s.EventStore.AppendAll(ctx, as)
	if err == nil {
		s.keep(stored...)
	}
	return stored, err
}

func (s *recordingStore) keep(commits ...events.Commit) {
	for _, c := range commits {
		s.streams[c.Stream] = true
		s.batch = append(s.batch, follow.Delivery{Stream: c.Stream, Number: c.Number, Commit: &c, Sequence: fmt.Sprint(len(s.batch))})
	}
}

// take returns the commits since it was called last.
func (s *recordingStore) take() []follow.Delivery {
	batch := s.batch
	s.batch = nil
	return batch
}
