package cli

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
)

func lagCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "lag",
		Usage:     "report how far views are behind the events",
		ArgsUsage: "[VIEW…]",
		Description: "Reads the events table (or a -fraction of it) and the checkpoint of every stream in each\n" +
			"view. The lag is the age of the oldest commit that a view has not applied; parked streams\n" +
			"are counted apart. On AWS the projector's iterator age tells the same without reading.",
		Flags: []cli.Flag{
			&cli.FloatFlag{Name: "fraction", Value: 1, Usage: "look at `F` of the streams only, 0 < F <= 1"},
			&cli.DurationFlag{Name: "max", Usage: "exit with 3 when a view's lag is above `DURATION`"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts of the table at the same time"},
		},
		ShellComplete: completes(a.viewNames),
		Action:        func(ctx context.Context, c *cli.Command) error { return a.lag(ctx, c) },
	}
}

// lagLine says how far a view is behind.
type lagLine struct {
	View    string  `json:"view"`
	Version int     `json:"version"`
	Streams int64   `json:"streams"` // looked at
	Behind  int64   `json:"behind"`  // of them, parked ones left out
	Commits int64   `json:"commits"` // that those lack
	Parked  int64   `json:"parked"`  // streams
	Seconds float64 `json:"seconds"` // age of the oldest commit that is lacking
}

func (l lagLine) lag() time.Duration { return time.Duration(l.Seconds * float64(time.Second)) }

func (a *app) lag(ctx context.Context, c *cli.Command) error {
	fraction, parallel := c.Float("fraction"), c.Int("parallel")
	if !(fraction > 0 && fraction <= 1) {
		return usage("-fraction is above 0 and at most 1")
	}
	if err := checkParallel(parallel); err != nil {
		return err
	}
	s, views, err := a.openViews(ctx, c)
	if err != nil {
		return err
	}
	lines, err := s.lagOf(ctx, views, fraction, parallel)
	if err != nil {
		return err
	}
	t := s.out.table("VIEW", "VERSION", "STREAMS", "BEHIND", "COMMITS", "PARKED", "LAG")
	over := false
	for _, l := range lines {
		over = over || c.IsSet("max") && l.lag() > c.Duration("max")
		t.row(l, l.View, l.Version, l.Streams, l.Behind, l.Commits, l.Parked, l.lag())
	}
	t.flush()
	if over && s.out.err == nil {
		return found()
	}
	return s.out.err
}

// lagOf measures how far views are behind, in random parts of the events table.
func (s *session) lagOf(ctx context.Context, views []view.View, fraction float64, parallel int) ([]lagLine, error) {
	info, err := s.reachable(ctx)
	if err != nil {
		return nil, err
	}
	bar := s.progress("lag", "commits", int64(float64(info.Items)*fraction))
	defer bar.end()
	l := &lagging{session: s, views: views, lines: make([]lagLine, len(views)), now: time.Now()}
	for i, v := range views {
		d := v.Describe()
		l.lines[i].View, l.lines[i].Version = d.Name, d.Version
	}
	segments := max(parallel, int(math.Ceil(16/fraction)))
	chosen := rand.Perm(segments)[:max(1, int(math.Round(fraction*float64(segments))))]
	err = inParallel(ctx, len(chosen), parallel, func(ctx context.Context, part int) error {
		return l.part(ctx, chosen[part], segments, bar)
	})
	return l.lines, err
}

// lagging is a measurement under way.
type lagging struct {
	*session
	views []view.View
	now   time.Time

	mu    sync.Mutex
	lines []lagLine
}

// head is the last commit of a stream.
type head struct {
	stream events.Stream
	number int64
}

// part looks at the streams of one part of the events table.
func (l *lagging) part(ctx context.Context, segment, segments int, bar *progress) error {
	var heads []head
	cursor := ""
	for {
		page, next, err := l.store.Scan(ctx, segment, segments, cursor)
		if err != nil {
			return err
		}
		bar.add(int64(len(page)))
		for _, c := range page {
			if n := len(heads); n > 0 && heads[n-1].stream == c.Stream {
				heads[n-1].number = c.Number
				continue
			}
			if len(heads) == 100 {
				if err := l.ask(ctx, heads); err != nil {
					return err
				}
				heads = heads[:0]
			}
			heads = append(heads, head{c.Stream, c.Number})
		}
		if cursor = next; cursor == "" {
			return l.ask(ctx, heads)
		}
	}
}

// ask compares heads with what the views have applied.
func (l *lagging) ask(ctx context.Context, heads []head) error {
	for i, v := range l.views {
		var keys []string
		var followed []head
		for _, h := range heads {
			if key, ok := projection.StreamKey(v, h.stream); ok {
				keys, followed = append(keys, key), append(followed, h)
			}
		}
		if len(keys) == 0 {
			continue
		}
		d := v.Describe()
		items, err := l.tables.Table(d.Name, d.Version).Get(ctx, keys)
		if err != nil {
			return l.reach(l.viewTable(d), err)
		}
		for j, item := range items {
			if err := l.count(ctx, i, followed[j], item); err != nil {
				return err
			}
		}
	}
	return nil
}

// count takes one stream in one view into its line.
func (l *lagging) count(ctx context.Context, at int, h head, item *driver.Item) error {
	applied, parked := int64(0), false
	if item != nil {
		applied, parked = item.Commit, item.Parked != 0
	}
	age := 0.0
	if applied < h.number && !parked {
		missing, err := l.store.Read(ctx, h.stream, applied+1, 1)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			age = max(0, l.now.Sub(missing[0].Time).Seconds())
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line := &l.lines[at]
	line.Streams++
	switch {
	case parked:
		line.Parked++
	case applied < h.number:
		line.Behind++
		line.Commits += h.number - applied
		line.Seconds = max(line.Seconds, age)
	}
	return nil
}
