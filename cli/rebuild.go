package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/view/admin"
)

func rebuildCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "rebuild",
		Usage:     "build a view's next table from the events, beside the one that answers",
		ArgsUsage: "VIEW",
		Description: "Fills the table of the view's new version, or a fresh one of the same version, while commands\n" +
			"and queries go on. It may be stopped at any time: the same command goes on, and several at\n" +
			"the same time share the work. Queries change over with " + a.of.Name + " switch, or -switch. It runs\n" +
			"the view code of this program: build it from what is deployed. docs/rebuild.md has it all.",
		Flags: []cli.Flag{
			&cli.FloatFlag{Name: "rate", Usage: "read at most `N` commits per second"},
			&cli.IntFlag{Name: "segments", Value: 64, Usage: "read the events in `N` parts, 1 to 10,000; fixed once it is begun"},
			&cli.IntFlag{Name: "parallel", Value: 4, Usage: "fill `N` parts at the same time"},
			&cli.BoolFlag{Name: "join", Usage: "help to fill what is being filled, and begin nothing"},
			&cli.BoolFlag{Name: "switch", Usage: "switch to the table when it is right"},
		},
		ShellComplete: completes(a.viewNames),
		Action:        a.rebuild,
	}
}

// rebuildLine is what a rebuild has done.
type rebuildLine struct {
	View      string  `json:"view"`
	Table     string  `json:"table"` // v2, or v1-g2
	Commits   int64   `json:"commits"`
	Projected int64   `json:"projected"`
	Written   int64   `json:"written"`
	Parked    int64   `json:"parked"`
	Seconds   float64 `json:"seconds"`
}

func (a *app) rebuild(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("rebuild takes the name of a view")
	}
	opts := admin.RebuildOptions{Segments: c.Int("segments"), Workers: c.Int("parallel"), Rate: c.Float("rate"), Join: c.Bool("join"), Lease: a.lease}
	if opts.Segments < 1 || opts.Segments > 10_000 || opts.Workers < 1 || opts.Workers > 256 || opts.Rate < 0 {
		return usage("-segments must be from 1 to 10,000, -parallel from 1 to 256, and -rate above 0")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if _, err := s.view(c.Args().First()); err != nil {
		return err
	}
	info, err := s.reachable(ctx)
	if err != nil {
		return err
	}
	bar := s.progress("rebuild", "commits", info.Items)
	opts.Progress = func(p admin.Progress) { bar.set(p.Commits) }
	rebuilder, err := s.rebuilder(&opts)
	if err != nil {
		bar.end()
		return err
	}
	p, err := rebuilder.Run(ctx, c.Args().First())
	bar.end()
	if err != nil && p.Target.Version > 0 {
		return fmt.Errorf("%w; run the same command again to resume", plain(err))
	}
	if err != nil {
		return plain(err)
	}
	l := rebuildLine{
		View: p.Target.View, Table: p.Target.String(), Commits: p.Commits, Projected: p.Projected, Written: p.Written,
		Parked: p.Faults, Seconds: p.Elapsed.Seconds(),
	}
	t := s.out.table("VIEW", "TABLE", "COMMITS", "PROJECTED", "WRITTEN", "PARKED", "TOOK")
	t.row(l, l.View, l.Table, l.Commits, l.Projected, l.Written, l.Parked, p.Elapsed)
	t.flush()
	if c.Bool("switch") {
		if err := s.switchTo(ctx, rebuilder, p.Target, nil); err != nil {
			return err
		}
	}
	return s.out.err
}

// rebuilder rebuilds, switches and drops.
func (s *session) rebuilder(opts *admin.RebuildOptions) (*admin.Rebuilder, error) {
	return admin.NewRebuilder(s.sealing.Store(s.store.StrongScan()), s.codec, s.admin, s.declared, opts)
}

// plain is an error as an operator reads it: what can't be done, without a code
// in front.
func plain(err error) error {
	if e, ok := errors.AsType[*events.Error](err); ok && (e.Code == events.CodeConflict || e.Code == events.CodeForbidden) {
		return errors.New(e.Message)
	}
	return err
}
