package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/dynamo"
	"daybook/view/admin"
	"daybook/view/driver"
)

func switchCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "switch",
		Usage:     "let another table of a view answer queries",
		ArgsUsage: "VIEW [TABLE]",
		Description: "TABLE is written v2, or v1-g2; without it, the newest one that is right. -back goes back to\n" +
			"the one that answered before. All who answer change over at the same moment, some seconds\n" +
			"later; lists that were begun go on where they are.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "back", Usage: "to the table that answered before"},
			&cli.BoolFlag{Name: "parked", Usage: "even if streams are parked in it"},
			&cli.BoolFlag{Name: "yes", Usage: "don't ask"},
		},
		ShellComplete: completes(a.viewNames),
		Action:        a.switchTables,
	}
}

func (a *app) switchTables(ctx context.Context, c *cli.Command) error {
	s, rebuilder, name, err := a.openTables(ctx, c, "switch")
	if err != nil {
		return err
	}
	var t driver.Target
	switch text := c.Args().Get(1); {
	case text != "" && c.Bool("back"):
		return usage("give a table or -back, not both")
	case text != "":
		t, err = driver.ParseTarget(name, text)
	case c.Bool("back"):
		t, err = rebuilder.Back(ctx, name)
	default:
		t, err = newestTable(ctx, rebuilder, name)
	}
	if err != nil {
		return plain(err)
	}
	if err := s.confirm(c, fmt.Sprintf("Let %s answer the queries of %s?", s.targetTable(t), name)); err != nil {
		return err
	}
	if err := s.switchTo(ctx, rebuilder, t, &admin.SwitchOptions{AllowFaults: c.Bool("parked")}); err != nil {
		return err
	}
	return s.out.err
}

// newestTable is the newest table of a view that is right.
func newestTable(ctx context.Context, r *admin.Rebuilder, name string) (driver.Target, error) {
	routes, err := r.Routes(ctx)
	if err != nil {
		return driver.Target{}, err
	}
	route := routes[name]
	for i := len(route.Tables) - 1; i >= 0; i-- {
		if s := route.Tables[i]; s.Right() {
			return s.Target, nil
		}
	}
	return driver.Target{}, usage("no table of %s is complete: run rebuild %s", name, name)
}

// switchLine is a switch that was announced.
type switchLine struct {
	View  string    `json:"view"`
	Table string    `json:"table"`
	At    time.Time `json:"at"`
}

func (s *session) switchTo(ctx context.Context, r *admin.Rebuilder, t driver.Target, opts *admin.SwitchOptions) error {
	at, err := r.Switch(ctx, t, opts)
	if err != nil {
		return plain(err)
	}
	table := s.out.table("VIEW", "TABLE", "ANSWERS FROM")
	table.row(switchLine{t.View, t.String(), at}, t.View, t.String(), at)
	table.flush()
	return nil
}

// openTables opens what switches and drops tables of the view that the first
// argument names.
func (a *app) openTables(ctx context.Context, c *cli.Command, what string) (*session, *admin.Rebuilder, string, error) {
	if n := c.Args().Len(); n < 1 || n > 2 {
		return nil, nil, "", usage("%s takes a view and one of its tables", what)
	}
	if text := c.Args().Get(1); text != "" {
		if _, err := driver.ParseTarget("", text); err != nil {
			return nil, nil, "", usage("%q is not the name of a table: write v2, or v1-g2", text)
		}
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return nil, nil, "", err
	}
	name := c.Args().First()
	if _, err := s.view(name); err != nil {
		return nil, nil, "", err
	}
	if _, err := s.describe(ctx, dynamo.TableName(s.prefix, dynamo.ControlTable())); err != nil {
		return nil, nil, "", err
	}
	rebuilder, err := s.rebuilder(nil)
	return s, rebuilder, name, err
}
