package cli

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
)

func streamsCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "streams",
		Usage:     "list streams, those with the newest commits first",
		ArgsUsage: "[AGGREGATE]",
		Description: "Reads the whole events table (there is no index by time) and keeps the newest in\n" +
			"memory, as many as -limit says.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "prefix", Usage: "only ids that begin with `TEXT`"},
			&cli.IntFlag{Name: "limit", Value: 50, Usage: "list at most `N` streams, up to 100,000"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts of the table at the same time"},
		},
		ShellComplete: completes(a.aggregateNames),
		Action:        func(ctx context.Context, c *cli.Command) error { return a.streams(ctx, c) },
	}
}

// streamInfo is a stream in a list.
type streamInfo struct {
	Stream  events.Stream `json:"stream"`
	Version int64         `json:"version"`
	Commits int64         `json:"commits"`
	Time    time.Time     `json:"time"` // of the last commit
	Event   string        `json:"event"`
	Actor   string        `json:"actor,omitzero"`
}

func (a *app) streams(ctx context.Context, c *cli.Command) error {
	limit, parallel := c.Int("limit"), c.Int("parallel")
	switch {
	case c.Args().Len() > 1:
		return usage("streams takes one aggregate at most")
	case limit < 1 || limit > 100_000:
		return usage("-limit is from 1 to 100,000")
	}
	if err := checkParallel(parallel); err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	begins := c.String("prefix")
	if name := c.Args().First(); name != "" {
		if _, err := s.aggregate(name); err != nil {
			return err
		}
		begins = name + "/" + begins
	}
	wanted := func(stream events.Stream) bool {
		if c.Args().Present() {
			return strings.HasPrefix(string(stream), begins)
		}
		return strings.HasPrefix(stream.ID(), begins)
	}
	newest, err := s.newestStreams(ctx, limit, parallel, wanted)
	if err != nil {
		return err
	}
	t := s.out.table("STREAM", "VERSION", "COMMITS", "LAST COMMIT", "LAST EVENT", "ACTOR")
	for _, i := range newest {
		t.row(i, i.Stream, i.Version, i.Commits, i.Time, i.Event, i.Actor)
	}
	t.end("no streams")
	return s.out.err
}

// newestStreams scans the events table for the streams with the newest commits.
func (s *session) newestStreams(ctx context.Context, limit, parallel int, wanted func(events.Stream) bool) ([]streamInfo, error) {
	info, err := s.reachable(ctx)
	if err != nil {
		return nil, err
	}
	bar := s.progress("streams", "commits", info.Items)
	defer bar.end()
	var mu sync.Mutex
	top := &newest{limit: limit, at: map[events.Stream]int{}}
	err = s.parallelScan(ctx, parallel, parallel, func(_ int, page []events.Commit, _ bool) error {
		bar.add(int64(len(page)))
		mu.Lock()
		defer mu.Unlock()
		for i := range page {
			if wanted(page[i].Stream) {
				top.see(&page[i])
			}
		}
		return nil
	})
	return top.sorted(), err
}

// newest keeps the streams with the newest commits: a heap, the oldest on top.
type newest struct {
	limit int
	list  []streamInfo
	at    map[events.Stream]int // place in list
}

// see takes in a commit.
func (n *newest) see(c *events.Commit) {
	i := streamInfo{Stream: c.Stream, Version: c.Version, Commits: c.Number, Time: c.Time, Event: c.Events[len(c.Events)-1].Name, Actor: c.Actor}
	if at, known := n.at[c.Stream]; known {
		if i.Commits > n.list[at].Commits {
			n.list[at] = i
			heap.Fix(n, at)
		}
		return
	}
	if len(n.list) < n.limit {
		heap.Push(n, i)
	} else if byTime(n.list[0], i) < 0 {
		delete(n.at, n.list[0].Stream)
		n.list[0], n.at[c.Stream] = i, 0
		heap.Fix(n, 0)
	}
}

func byTime(a, b streamInfo) int {
	return cmp.Or(a.Time.Compare(b.Time), strings.Compare(string(b.Stream), string(a.Stream)))
}

func (n *newest) sorted() []streamInfo {
	slices.SortFunc(n.list, func(a, b streamInfo) int { return byTime(b, a) })
	return n.list
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (n *newest) Len() int           { return len(n.list) }
func (n *newest) Less(i, j int) bool { return byTime(n.list[i], n.list[j]) < 0 }
func (n *newest) Swap(i, j int) {
	n.list[i], n.list[j] = n.list[j], n.list[i]
	n.at[n.list[i].Stream], n.at[n.list[j].Stream] = i, j
}

// Push appends a stream; heap.Push moves it to its place.
func (n *newest) Push(x any) {
	i := x.(streamInfo)
	n.at[i.Stream] = len(n.list)
	n.list = append(n.list, i)
}

// Pop removes the last stream.
func (n *newest) Pop() any {
	last := n.list[len(n.list)-1]
	n.list = n.list[:len(n.list)-1]
	delete(n.at, last.Stream)
	return last
}
