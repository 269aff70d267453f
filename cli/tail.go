package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/dynamo/changes"
	"daybook/events"
	"daybook/inspect"
)

func tailCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "tail",
		Usage: "show events as they are stored",
		Description: "Follows the change stream of the events table, which goes back 24 hours. Events of one\n" +
			"stream may come out of order, as the change stream has them. Ctrl-C ends it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "since", Usage: "begin with events stored since `TIME`: 10m, or 2006-01-02T15:04:05Z"},
			&cli.StringSliceFlag{Name: "aggregate", Usage: "only events of aggregate `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "event", Usage: "only events named `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "actor", Usage: "only events that `ACTOR` set off; may be repeated"},
			&cli.StringFlag{Name: "stream", Usage: "only events of `AGGREGATE/ID`"},
			&cli.IntFlag{Name: "count", Usage: "stop after `N` events"},
			&cli.DurationFlag{Name: "for", Usage: "stop after `DURATION`"},
			&cli.DurationFlag{Name: "poll", Value: 300 * time.Millisecond, Usage: "look for more every `DURATION`"},
		},
		Action: a.tail,
	}
}

// minPoll is the shortest pause of a reader that found nothing. DynamoDB answers
// five reads of a shard in a second, all readers together.
const minPoll = 5 * time.Millisecond

func (a *app) tail(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("tail takes no argument; see its filters with -help")
	}
	if c.Duration("poll") < minPoll || c.Duration("for") < 0 || c.Int("count") < 0 {
		return usage("-poll must be at least %v; -for and -count must not be negative", minPoll)
	}
	since, err := parseSince(c.String("since"), time.Now())
	if err != nil {
		return err
	}
	var only events.Stream
	if text := c.String("stream"); text != "" {
		if only, err = a.stream(c, text); err != nil {
			return err
		}
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	info, err := s.reachable(ctx)
	if err != nil {
		return err
	}
	if info.Stream == "" {
		return fmt.Errorf("table %s has no change stream", s.eventsTable())
	}
	if d := c.Duration("for"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	f := changes.New(s.streamsClient(), info.Stream, changes.Options{Since: since, Poll: c.Duration("poll"), Warn: func(err error) { s.note("%s", line(err)) }})
	t := s.out.table("TIME", "STREAM", "VERSION", "EVENT", "ACTOR", "DATA")
	filter := eventFilter{
		aggregates: c.StringSlice("aggregate"), names: c.StringSlice("event"), actors: c.StringSlice("actor"),
		stream: only, tenant: s.tenant, since: since,
	}
	left := c.Int("count")
	err = f.Follow(ctx, func(commit *events.Commit, stored time.Time) (more bool) {
		for _, l := range inspect.EventsOf(commit) {
			if !filter.takes(&l, stored) {
				continue
			}
			t.row(l, l.Time, l.Stream, l.Version, l.Name, l.Actor, l.Data)
			if left--; left == 0 {
				return false
			}
		}
		t.flush()
		return s.out.err == nil
	})
	t.flush()
	if ctx.Err() != nil {
		err = nil // being stopped is how it ends
	}
	if err == nil {
		err = s.out.err
	}
	return err
}

// parseSince reads a time, or how long ago; "" is now.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := parseTime(s)
	if err != nil {
		return t, usage("-since %s: it is a duration such as 10m, or a time such as 2006-01-02T15:04:05Z", s)
	}
	return t, nil
}

// eventFilter says which events to show; an empty list takes all.
type eventFilter struct {
	aggregates, names, actors []string
	stream                    events.Stream
	tenant                    string
	since                     time.Time // the event was stored; records tell it to the second
}

func (f *eventFilter) takes(l *inspect.StreamEvent, stored time.Time) bool {
	in := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return in(f.aggregates, l.Stream.Aggregate()) && in(f.names, l.Name) && in(f.actors, l.Actor) &&
		(f.stream == "" || f.stream == l.Stream) && (f.tenant == "" || f.tenant == l.Stream.Tenant()) && !stored.Before(f.since.Truncate(time.Second))
}
