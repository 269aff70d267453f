package explain

import (
	"context"
	"time"

	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
	"daybook/process"
)

// skew is how much earlier than its cause an effect may be dated: by the clocks of
// two function instances.
const skew = time.Minute

// find returns the commit of a stream that answers a command which was sent at or
// after a time, nil for none. The commits of a stream are dated in order, so the
// first to look at is found by halves; Options.Search bounds those behind it.
func (e *explainer) find(ctx context.Context, stream events.Stream, id string, since time.Time) (*events.Commit, error) {
	from, err := e.firstSince(ctx, stream, since.Add(-skew))
	if err != nil {
		return nil, err
	}
	for read := 0; ; {
		page, err := e.s.Events.Read(ctx, stream, from, readPage)
		if err != nil {
			return nil, err
		}
		for n := range page {
			if answers(&page[n], id) {
				return &page[n], nil
			}
		}
		if len(page) < readPage {
			return nil, nil
		}
		if read += len(page); read >= e.opts.Search {
			e.out.Partial = true
			return nil, nil
		}
		from += int64(len(page))
	}
}

// firstSince returns the number of the first commit that was accepted at or after a
// time, or of the one behind the last.
func (e *explainer) firstSince(ctx context.Context, stream events.Stream, since time.Time) (int64, error) {
	of := e.i.App().Aggregate(stream.Aggregate())
	if of == nil {
		return 0, events.Errorf(events.CodeNotFound, "there is no aggregate %q", stream.Aggregate())
	}
	part, err := aggregate.Newest(ctx, e.s.Events, of, stream)
	if err != nil || len(part) == 0 {
		return 1, err
	}
	if part[0].Time.Before(since) || part[0].Number == 1 {
		for _, c := range part {
			if !c.Time.Before(since) {
				return c.Number, nil
			}
		}
		return part[len(part)-1].Number + 1, nil
	}
	return inspect.FirstCommit(ctx, e.s.Events, stream, part[0].Number-1, func(c *events.Commit) bool { return !c.Time.Before(since) })
}

func streamOf(d aggregate.Description, q process.Request, tenant string) events.Stream {
	return aggregate.StreamOf(d, q.ID, q.CommandID).In(tenant)
}
