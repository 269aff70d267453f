package inspect

import (
	"context"
	"slices"
	"sort"
	"time"

	"daybook/events"
)

// Head is a commit of a stream, usually its last.
type Head struct {
	Stream events.Stream
	Commit int64
}

// LagOf says how far each follower is behind the given commits: views first, then
// process managers and outboxes, in the order of declaration. It reads the
// checkpoints of these streams and no more. Codes are those of the stores.
func (i *Installation) LagOf(ctx context.Context, heads []Head) ([]Lag, error) {
	f, err := i.followers(ctx, nil)
	if err != nil {
		return nil, err
	}
	m := i.measurement(LagQuery{}, f)
	for some := range slices.Chunk(heads, 100) {
		asked := make([]head, len(some))
		for n, h := range some {
			asked[n] = head{h.Stream, h.Commit}
		}
		if err := m.ask(ctx, asked); err != nil {
			return nil, err
		}
	}
	return m.lags, nil
}

// VersionAt returns the version that a stream had at a time, 1 at least. It reads a
// handful of commits. Codes are those of Stream.
func (i *Installation) VersionAt(ctx context.Context, stream events.Stream, at time.Time) (int64, error) {
	last, err := i.last(ctx, stream)
	if err != nil {
		return 0, err
	}
	if last == nil {
		return 0, noStream(stream)
	}
	var failed error
	version := int64(1)
	sort.Search(int(last.Number), func(n int) bool { // commits of a stream come in the order of their times
		page, err := i.sources.Events.Read(ctx, stream, int64(n)+1, 1)
		if err != nil || len(page) == 0 {
			failed = err
			return true
		}
		if page[0].Time.After(at) {
			return true
		}
		version = max(version, page[0].Version)
		return false
	})
	return version, failed
}
