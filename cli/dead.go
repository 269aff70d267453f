package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/connect"
	"daybook/dynamo"
	"daybook/inspect"
)

func deadCommand(a *app) *cli.Command {
	chosen := func(more ...cli.Flag) []cli.Flag {
		return append([]cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "all letters that are in the queue when the command begins"},
			&cli.BoolFlag{Name: "yes", Usage: "don't ask"},
		}, more...)
	}
	return &cli.Command{
		Name:  "dead",
		Usage: "list, redrive or drop the dead letters of the command queue",
		Action: func(_ context.Context, c *cli.Command) error {
			return noSubcommand(c, "dead takes list, redrive or drop; see "+a.of.Name+" dead -help")
		},
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list dead letters, with the reason",
				Description: "At most the first ten letters of each stream.",
				Flags:       []cli.Flag{&cli.BoolFlag{Name: "check", Usage: "exit with 3 when there is one"}},
				Action:      a.deadList,
			},
			{
				Name: "redrive", Usage: "send dead letters to the command queue again, in order", ArgsUsage: "COMMAND-ID… | -all",
				Description: "Sends each letter that is in the queue when the command begins once, waits for the outcomes,\n" +
					"and exits with 3 when a letter failed again. A letter that can't be read goes by its message\n" +
					"id. A command that was accepted already is not accepted again.",
				Flags:  chosen(&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "wait up to `DURATION` for the outcomes; 0 for not at all"}),
				Action: a.deadRedrive,
			},
			{
				Name: "drop", Usage: "delete dead letters permanently", ArgsUsage: "COMMAND-ID… | -all",
				Flags:  chosen(),
				Action: a.deadDrop,
			},
		},
	}
}

func (a *app) deadList(ctx context.Context, c *cli.Command) error {
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	d, err := s.openDead(ctx)
	if err != nil {
		return err
	}
	t := s.out.table("ID", "COMMAND", "STREAM", "SENT", "RECEIVES", "ERROR")
	any := false
	err = d.Each(ctx, nil, func(l connect.Letter) (bool, error) {
		if !d.Of(&l) {
			return false, nil
		}
		any = true
		t.row(l.Letter, l.ID, l.Command, l.Group, l.Sent, l.Receives, l.Text)
		return false, nil
	})
	if err != nil {
		return err
	}
	t.end("no dead letters")
	return s.out.result(any && c.Bool("check"))
}

// openDead opens the queue of dead letters.
func (s *session) openDead(ctx context.Context) (*connect.DeadLetters, error) {
	d := s.deadLetters()
	return d, d.Open(ctx)
}

// chooseLetters reads which dead letters the arguments choose, and asks.
func (a *app) chooseLetters(ctx context.Context, c *cli.Command, what string) (*session, *connect.DeadLetters, error) {
	ids, which := c.Args().Slice(), "all dead letters"
	if c.Bool("all") == (len(ids) > 0) {
		return nil, nil, usage("%s: give the ids that dead list shows, or -all", c.Name)
	}
	if len(ids) > 0 { // the same id may be one of several tenants
		if _, err := a.oneTenant(c); err != nil {
			return nil, nil, err
		}
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	d, err := s.openDead(ctx)
	if err != nil {
		return nil, nil, err
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		which = fmt.Sprintf("%d dead letters", len(slices.Compact(ids)))
	}
	return s, d, a.confirm(c, what+" "+which+" of "+s.prefix+"?")
}

func (a *app) deadDrop(ctx context.Context, c *cli.Command) error {
	s, d, err := a.chooseLetters(ctx, c, "Delete")
	if err != nil {
		return err
	}
	t, handle := s.handledTable()
	err = d.Drop(ctx, c.Args().Slice(), func(l inspect.HandledLetter) error {
		handle(l)
		return s.out.err
	})
	t.end("no dead letters")
	return err
}

func (a *app) deadRedrive(ctx context.Context, c *cli.Command) error {
	wait := c.Duration("wait")
	if wait < 0 {
		return usage("-wait must be 0 or more")
	}
	s, d, err := a.chooseLetters(ctx, c, "Send again")
	if err != nil {
		return err
	}
	d.Patience = max(d.Patience, wait)
	handled, err := d.Redrive(ctx, c.Args().Slice(), dynamo.NewRequests(s.client, dynamo.TableName(s.prefix, dynamo.RequestsTable())), wait)
	t, handle := s.handledTable()
	failed := false
	for _, l := range handled {
		failed = failed || l.Outcome == inspect.OutcomeFailed
		handle(l)
	}
	t.end("no dead letters")
	if err != nil {
		return err
	}
	return s.out.result(failed)
}

// handledTable is a table of handled dead letters, and what adds a row to it.
func (s *session) handledTable() (*table, func(inspect.HandledLetter)) {
	t := s.out.table("ID", "COMMAND", "STREAM", "OUTCOME", "ERROR")
	return t, func(l inspect.HandledLetter) { t.row(l, l.ID, l.Command, l.Group, l.Outcome, l.Text) }
}
