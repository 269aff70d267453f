package cli

import (
	"context"
	"strings"

	"github.com/urfave/cli/v3"

	"daybook/inspect"
	"daybook/view/projection"
)

func parkedCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "parked",
		Usage:     "list the streams that a view, a process manager or an outbox can't follow, with the reason",
		ArgsUsage: "[NAME…]",
		Flags: []cli.Flag{
			tableFlag(),
			&cli.BoolFlag{Name: "check", Usage: "exit with 3 when a stream is parked"},
		},
		ShellComplete: completes(a.followerNames),
		Action:        a.parked,
	}
}

func (a *app) parked(ctx context.Context, c *cli.Command) error {
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if err := s.pin(ctx, c); err != nil {
		return err
	}
	views, reactors, err := s.chosen(ctx, c.Args().Slice())
	if err != nil {
		return err
	}
	installation, err := s.installation()
	if err != nil {
		return err
	}
	q := inspect.ParkedQuery{Tenant: s.tenant, At: s.pinned, Limit: parkedPage}
	for _, v := range views {
		q.Names = append(q.Names, v.Describe().Name)
	}
	for _, r := range reactors {
		q.Names = append(q.Names, r.Describe().Name)
	}
	t := s.out.table("NAME", "STREAM", "COMMIT", "ATTEMPTS", "LAST ATTEMPT", "ERROR")
	any := false
	for l, err := range installation.AllParked(ctx, q) {
		if err != nil {
			return s.reach("of "+strings.Join(q.Names, ", "), err)
		}
		any = true
		t.row(l, l.View+l.Process, l.Stream, l.Commit, l.Attempts, l.Time, l.Text)
	}
	t.end("no parked streams")
	return s.out.result(any && c.Bool("check"))
}

// projector projects, and lists and redrives what is parked.
func (s *session) projector() (*projection.Projector, error) {
	return projection.New(s.folded, s.codec, s.tables, s.views, nil)
}

// parkedPage is how many parked streams are read at once.
const parkedPage = 1000
