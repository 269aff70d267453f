package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
)

func showCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a stream: its events, its state at a version or a time, or what changed",
		ArgsUsage: "AGGREGATE/ID",
		Description: "-at and -diff fold the stream's events: they show the aggregate's state and the rows\n" +
			"of the views that have one row per stream, as they were, whatever the tables hold now.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "the state at a `VERSION` or TIME (2006-01-02T15:04:05Z)"},
			&cli.StringFlag{Name: "diff", Usage: "what differs between two versions, `A..B`; A.. is to the newest, 0 is before the first"},
			&cli.Int64Flag{Name: "from", Value: 1, Usage: "events from `VERSION` on"},
			&cli.IntFlag{Name: "limit", Value: 1000, Usage: "`N` events at most"},
		},
		ShellComplete: completes(func() []string {
			return namesOf(a.of.Aggregates, func(of aggregate.Aggregate) string { return of.Name() + "/" })
		}),
		Action: a.show,
	}
}

func (a *app) show(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("show takes one stream, such as user/7")
	}
	if c.String("at") != "" && c.String("diff") != "" {
		return usage("-at and -diff exclude one another")
	}
	stream, err := a.stream(c, c.Args().First())
	if err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if _, err := s.aggregate(stream.Aggregate()); err != nil {
		return err
	}
	installation, err := s.installation()
	if err != nil {
		return err
	}
	p := &past{session: s, installation: installation, stream: stream}
	switch {
	case c.String("at") != "":
		return p.showAt(ctx, c.String("at"))
	case c.String("diff") != "":
		return p.showDiff(ctx, c.String("diff"))
	}
	return p.showEvents(ctx, c.Int64("from"), c.Int("limit"))
}

// past is a stream, looked at.
type past struct {
	*session
	installation *inspect.Installation
	stream       events.Stream
}

// showPage is how many commits are read at once.
const showPage = 100

func (p *past) showEvents(ctx context.Context, from int64, limit int) error {
	if from < 1 || limit < 1 {
		return usage("-from and -limit must be at least 1")
	}
	t := p.out.table("VERSION", "COMMIT", "TIME", "EVENT", "ACTOR", "COMMAND ID", "DATA")
	more := int64(0)
	for next := from; next > 0 && more == 0; {
		page, err := p.installation.Stream(ctx, p.stream, inspect.StreamQuery{From: next, Limit: showPage})
		if err != nil {
			return p.absent(err)
		}
		next = page.Newer
		for _, c := range page.Commits {
			for _, e := range c.Events {
				if e.Version < from || more > 0 {
					continue
				}
				if limit--; limit < 0 {
					more = e.Version
					continue
				}
				t.row(e, e.Version, e.Commit, e.Time, e.Name, e.Actor, e.CommandID, e.Data)
			}
		}
	}
	t.end(fmt.Sprintf("no events from version %d on", from))
	if more > 0 && p.out.terminal {
		p.out.printf("… go on with -from %d\n", more)
	}
	return p.out.err
}

// absent says where a stream was looked for that does not exist.
func (p *past) absent(err error) error {
	if events.CodeOf(err) == events.CodeNotFound {
		return events.Errorf(events.CodeNotFound, "there is no stream %s in %s", p.stream, p.eventsTable())
	}
	return err
}

// showAt shows the stream at a version or a time.
func (p *past) showAt(ctx context.Context, text string) error {
	at, err := parseAt(text)
	if err != nil {
		return err
	}
	m, err := p.installation.Moment(ctx, p.stream, at)
	if err != nil {
		return p.absent(err)
	}
	if at.Version > m.Version {
		return events.Errorf(events.CodeNotFound, "%s is at version %d", p.stream, m.Version)
	}
	if p.out.json {
		p.out.value(m)
		return p.out.err
	}
	p.out.printf("%s\tversion %d\t%s\n", m.Stream, m.Version, cell(m.Time))
	p.out.printf("state\t%s\n", cell(m.State))
	for _, name := range slices.Sorted(maps.Keys(m.Rows)) {
		p.out.printf("%s\t%s\n", name, cell(m.Rows[name]))
	}
	return p.out.err
}

// parseAt reads a version or a time.
func parseAt(at string) (inspect.At, error) {
	if version, err := strconv.ParseInt(at, 10, 64); err == nil && version >= 0 {
		return inspect.At{Version: version}, nil
	}
	t, err := parseTime(at)
	if err != nil {
		return inspect.At{}, usage("-at %s: it is a version or a time such as 2006-01-02T15:04:05Z", at)
	}
	return inspect.At{Time: t}, nil
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }

// showDiff shows what changed between two versions.
func (p *past) showDiff(ctx context.Context, span string) error {
	first, last, ok := strings.Cut(span, "..")
	from, err := strconv.ParseInt(first, 10, 64)
	to := int64(1<<62 - 1)
	if err == nil && last != "" {
		to, err = strconv.ParseInt(last, 10, 64)
	}
	if !ok || err != nil || from < 0 || to < from {
		return usage("-diff %s: it is two versions such as 2..5, the first not above the second", span)
	}
	all, reached, err := p.installation.Diff(ctx, p.stream, from, to)
	if err != nil {
		return p.absent(err)
	}
	if last != "" && to > reached || from > reached {
		return events.Errorf(events.CodeNotFound, "%s is at version %d", p.stream, reached)
	}
	t := p.out.table("OF", "FIELD", "BEFORE", "AFTER")
	for _, d := range all {
		t.row(d, d.Of, d.Field, d.Before, d.After)
	}
	t.end("nothing changed")
	return p.out.err
}
