package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"daybook/inspect"
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
		Action:        a.streams,
	}
}

func (a *app) streams(ctx context.Context, c *cli.Command) error {
	limit, parallel := c.Int("limit"), c.Int("parallel")
	switch {
	case c.Args().Len() > 1:
		return usage("streams takes one aggregate at most")
	case limit < 1 || limit > 100_000:
		return usage("-limit must be from 1 to 100,000")
	}
	if err := checkParallel(parallel); err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	of := c.Args().First()
	if of != "" {
		if _, err := s.aggregate(of); err != nil {
			return err
		}
	}
	info, err := s.reachable(ctx)
	if err != nil {
		return err
	}
	installation, err := s.installation()
	if err != nil {
		return err
	}
	bar := s.progress("streams", "commits", info.Items)
	defer bar.end()
	page, err := installation.Streams(ctx, inspect.StreamsQuery{
		Tenant: s.tenant, Aggregate: of, Prefix: c.String("prefix"), Limit: limit, Parallel: parallel, Progress: func(n int) { bar.add(int64(n)) },
	})
	bar.end()
	if err != nil {
		return err
	}
	t := s.out.table("STREAM", "VERSION", "COMMITS", "LAST COMMIT", "LAST EVENT", "ACTOR")
	for _, i := range page.Streams {
		t.row(i, i.Stream, i.Version, i.Commits, i.Time, i.Event, i.Actor)
	}
	t.end("no streams")
	s.noteDamaged(page.Damaged, "they are listed up to the last commit that can")
	if s.out.json && page.Damaged.Count > 0 {
		s.summary(damagedNote{page.Damaged}, "")
	}
	return s.out.err
}
