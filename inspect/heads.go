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
		if err := m.ask(ctx, some); err != nil {
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
	version := int64(1)
	_, err = FirstCommit(ctx, i.sources.Events, stream, last.Number, func(c *events.Commit) bool { // they come in the order of their times
		if c.Time.After(at) {
			return true
		}
		version = max(version, c.Version)
		return false
	})
	return version, err
}

// FirstCommit returns the number of the first commit of a stream, up to last, for which
// holds is true, and last+1 when it is for none. It is true for all commits behind one for
// which it is, so that reading a handful by halves is enough. Codes are those of
// events.Store, and internal for a commit that is missing.
func FirstCommit(ctx context.Context, store events.Store, stream events.Stream, last int64, holds func(*events.Commit) bool) (int64, error) {
	var failed error
	first := sort.Search(int(last), func(n int) bool {
		if failed != nil {
			return true
		}
		page, err := store.Read(ctx, stream, int64(n)+1, 1)
		if err == nil && len(page) == 0 {
			err = events.Errorf(events.CodeInternal, "%s has no commit %d", stream, n+1)
		}
		failed = err
		return err != nil || holds(&page[0])
	})
	return int64(first) + 1, failed
}
