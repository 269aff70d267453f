package inspect

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"daybook/events"
	"daybook/parallel"
)

// StreamsQuery asks for streams. There is no index by time: the events table is
// read, as far as Budget allows.
type StreamsQuery struct {
	Tenant    string // whose streams; "" for all
	Aggregate string // "" for all
	Prefix    string // of the ids
	Limit     int    // streams at most, 1 to 100,000; 0 for 50
	// Before goes on behind a page: its Next.
	Before *StreamPlace
	// Budget bounds the commits that are read; 0 for all.
	Budget int
	// Parallel is how many parts of the table are read at the same time; 0 for 8.
	Parallel int
	// Progress is called with the commits of each part that was read; may be nil.
	Progress func(commits int)
}

// StreamPlace is a stream's place in a list by the time of the last commit.
type StreamPlace struct {
	Time   time.Time     `json:"time"`
	Stream events.Stream `json:"stream"`
}

// StreamsPage is an answer to Streams.
type StreamsPage struct {
	Streams []StreamInfo `json:"streams"` // those with the newest commits first
	// Next is where the next page begins; nil after the last.
	Next *StreamPlace `json:"next,omitzero"`
	// Partial says that the budget ended before all commits were read: streams
	// may be missing, and some are shown as they were at an earlier commit.
	Partial bool `json:"partial,omitzero"`
	// Damaged are streams with commits that can't be read: they are listed as far as
	// others can.
	Damaged events.Damages `json:"damaged,omitzero"`
}

// StreamInfo is a stream in a list.
type StreamInfo struct {
	Stream  events.Stream `json:"stream"`
	Version int64         `json:"version"`
	Commits int64         `json:"commits"`
	Time    time.Time     `json:"time"` // of the last commit
	Event   string        `json:"event"`
	Actor   string        `json:"actor,omitzero"`
}

// Streams lists streams, those with the newest commits first. A prefix that is a
// whole id finds its stream whatever the budget, if an aggregate is given, and a tenant
// where the application has tenants.
func (i *Installation) Streams(ctx context.Context, q StreamsQuery) (StreamsPage, error) {
	limit := cmp.Or(q.Limit, 50)
	if err := checkLimit(limit, 100_000); err != nil {
		return StreamsPage{}, err
	}
	if q.Aggregate != "" {
		if _, err := i.aggregate(q.Aggregate); err != nil {
			return StreamsPage{}, err
		}
	}
	top := &Newest{Limit: limit + 1, Before: q.Before}
	var damaged events.Damages
	partial, err := i.eachStream(ctx, q, func(c *events.Commit) {
		if q.takes(c.Stream) {
			top.Add(infoOf(c))
		}
	}, damaged.Add)
	if err == nil && partial {
		err = i.seeNamed(ctx, q, top)
	}
	if err != nil {
		return StreamsPage{}, err
	}
	page := StreamsPage{Streams: top.Sorted(), Partial: partial, Damaged: damaged}
	if len(page.Streams) > limit {
		page.Streams = page.Streams[:limit]
		last := page.Streams[limit-1]
		page.Next = &StreamPlace{last.Time, last.Stream}
	}
	return page, nil
}

func (q *StreamsQuery) takes(s events.Stream) bool {
	return (q.Tenant == "" || s.Tenant() == q.Tenant) && (q.Aggregate == "" || s.Aggregate() == q.Aggregate) && strings.HasPrefix(s.ID(), q.Prefix)
}

// seeNamed adds the stream whose whole name the query gives.
func (i *Installation) seeNamed(ctx context.Context, q StreamsQuery, top *Newest) error {
	stream, err := events.ParseStored(string(events.StreamOf(q.Aggregate, q.Prefix).In(q.Tenant)))
	if err != nil || i.CheckTenant(q.Tenant) != nil {
		return nil // it names no stream
	}
	last, err := i.last(ctx, stream)
	if err != nil || last == nil {
		return err
	}
	top.list = slices.DeleteFunc(top.list, func(o StreamInfo) bool { return o.Stream == stream })
	top.Add(infoOf(last))
	return nil
}

// eachStream hands the last commit of each stream of the events table to each, one
// call at a time, as far as the query's budget allows; partial says that it ended.
// The commits of a stream come one after another. A stream that the query takes, of which
// a commit can't be read, is handed to damaged.
func (i *Installation) eachStream(ctx context.Context, q StreamsQuery, each func(*events.Commit), damaged func(events.Damage)) (partial bool, err error) {
	parts := cmp.Or(q.Parallel, 8)
	var mu sync.Mutex
	var read atomic.Int64
	var cut atomic.Bool
	err = parallel.New(parts).Until(ctx, parts, func(ctx context.Context, segment int) error {
		var last *events.Commit
		var lost events.LostStreams
		for cursor := ""; ; {
			page, spoilt, next, err := events.ScanTolerant(ctx, i.sources.Events, segment, parts, cursor)
			var found []events.Damage
			for _, d := range lost.Page("", spoilt) {
				if at, failed := d.Locate(ctx, i.sources.Events); failed != nil {
					err = failed
				} else if at != nil && q.takes(d.Stream) {
					found = append(found, *at)
				}
			}
			if err != nil {
				return err
			}
			if q.Progress != nil {
				q.Progress(len(page))
			}
			mu.Lock()
			for _, d := range found {
				damaged(d)
			}
			for n := range page {
				if last != nil && last.Stream != page[n].Stream {
					each(last)
				}
				last = &page[n]
			}
			over := q.Budget > 0 && read.Add(int64(len(page))) >= int64(q.Budget) && next != ""
			if last != nil && (next == "" || over) {
				each(last)
			}
			mu.Unlock()
			if cursor = next; cursor == "" || over {
				cut.CompareAndSwap(false, over)
				return nil
			}
		}
	})
	return cut.Load(), err
}

// Newest keeps the streams with the newest commits of those that are added.
type Newest struct {
	Limit  int
	Before *StreamPlace // goes on behind a page: its Next

	list []StreamInfo
	cut  *StreamInfo // the last of the Limit streams that were kept when it was full
}

// Add takes in a stream, once.
func (n *Newest) Add(i StreamInfo) {
	if n.Before != nil && byTime(i, StreamInfo{Time: n.Before.Time, Stream: n.Before.Stream}) <= 0 || n.cut != nil && byTime(i, *n.cut) >= 0 {
		return
	}
	// Its texts are part of the page of commits that it comes with.
	i.Stream, i.Event, i.Actor = events.Stream(strings.Clone(string(i.Stream))), strings.Clone(i.Event), strings.Clone(i.Actor)
	if n.list = append(n.list, i); len(n.list) >= 2*n.Limit {
		last := n.Sorted()[n.Limit-1]
		n.cut = &last
	}
}

// Sorted returns the streams, at most Limit, those with the newest commits first.
func (n *Newest) Sorted() []StreamInfo {
	slices.SortFunc(n.list, byTime)
	n.list = n.list[:min(len(n.list), n.Limit)]
	return n.list
}

func infoOf(c *events.Commit) StreamInfo {
	return StreamInfo{Stream: c.Stream, Version: c.Version, Commits: c.Number, Time: c.Time, Event: c.Events[len(c.Events)-1].Name, Actor: c.Actor}
}

// byTime orders streams, those with the newest commits first.
func byTime(a, b StreamInfo) int {
	return cmp.Or(b.Time.Compare(a.Time), strings.Compare(string(a.Stream), string(b.Stream)))
}
