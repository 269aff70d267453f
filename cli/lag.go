package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"daybook/inspect"
	"daybook/view"
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
		Action:        a.lag,
	}
}

func (a *app) lag(ctx context.Context, c *cli.Command) error {
	fraction, parallel := c.Float("fraction"), c.Int("parallel")
	if !(fraction > 0 && fraction <= 1) {
		return usage("-fraction must be above 0 and at most 1")
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
		over = over || c.IsSet("max") && l.Duration() > c.Duration("max")
		t.row(l, l.View, l.Version, l.Streams, l.Behind, l.Commits, l.Parked, l.Duration())
	}
	t.flush()
	return s.out.result(over)
}

// lagOf measures how far views are behind, in random parts of the events table.
func (s *session) lagOf(ctx context.Context, views []view.View, fraction float64, parallel int) ([]inspect.Lag, error) {
	info, err := s.reachable(ctx)
	if err != nil || len(views) == 0 {
		return nil, err
	}
	installation, err := s.installation()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.Describe().Name
	}
	bar := s.progress("lag", "commits", int64(float64(info.Items)*fraction))
	defer bar.end()
	report, err := installation.Lag(ctx, inspect.LagQuery{Names: names, Fraction: fraction, Parallel: parallel, Progress: func(n int) { bar.add(int64(n)) }})
	if report.Damaged > 0 {
		s.note("%d streams are damaged and were measured as far as they can be read: verify names them", report.Damaged)
	}
	return report.Lags, err
}
