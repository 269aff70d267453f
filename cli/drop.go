package cli

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"daybook/view/driver"
)

func dropCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "drop",
		Usage:     "drop a table of a view that does not answer queries",
		ArgsUsage: "VIEW TABLE",
		Description: "Takes the table out of the route, so that no live commits reach it, waits until nothing uses\n" +
			"it any more (35 seconds), and deletes it. There is no way back but a rebuild.",
		Flags:         []cli.Flag{&cli.BoolFlag{Name: "yes", Usage: "don't ask"}},
		ShellComplete: completes(a.viewNames),
		Action:        a.drop,
	}
}

// droppedLine is a table that was dropped.
type droppedLine struct {
	View    string `json:"view"`
	Table   string `json:"table"`
	Dropped bool   `json:"dropped"`
}

func (a *app) drop(ctx context.Context, c *cli.Command) error {
	s, rebuilder, name, err := a.openTables(ctx, c, "drop")
	if err != nil {
		return err
	}
	if c.Args().Len() != 2 {
		return usage("drop takes a view and one of its tables")
	}
	t, err := driver.ParseTarget(name, c.Args().Get(1))
	if err != nil {
		return plain(err)
	}
	if err := s.confirm(c, fmt.Sprintf("Delete %s and all that it holds?", s.targetTable(t))); err != nil {
		return err
	}
	if err := rebuilder.Drop(ctx, t, a.dropDelay); err != nil {
		return plain(err)
	}
	table := s.out.table("VIEW", "TABLE", "STATE")
	table.row(droppedLine{name, t.String(), true}, name, t.String(), "dropped")
	table.flush()
	return s.out.err
}
