package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"daybook/dynamo"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// tableFlag chooses a table of a view other than the one that answers.
func tableFlag() cli.Flag {
	return &cli.StringFlag{Name: "table", Usage: "the table `V` of the one view named, such as v2 or v1-g2, in place of the one that answers queries"}
}

// pin puts one table in place of each view: the one that answers queries, or the
// one that -table says. The first argument names the view.
func (s *session) pin(ctx context.Context, c *cli.Command) error {
	if _, err := s.reachable(ctx); err != nil {
		return err
	}
	var at []driver.Target
	if text := c.String("table"); text != "" {
		if c.Args().Len() == 0 {
			return usage("-table needs the name of a view")
		}
		t, err := driver.ParseTarget(c.Args().First(), text)
		if err != nil {
			return usage("-table %s is not the name of a table: write v2, or v1-g2", text)
		}
		if _, err := s.view(t.View); err != nil {
			return err
		}
		at = append(at, t)
	}
	tables, views, err := admin.Pin(ctx, s.admin, s.views, at...)
	if err != nil {
		return s.reach(dynamo.TableName(s.prefix, dynamo.ControlTable()), err)
	}
	s.tables, s.views, s.pinned = tables, views, admin.Pinned(tables)
	return nil
}

// openViews opens the installation with one table of each view, and returns the
// views that the arguments name, all for none.
func (a *app) openViews(ctx context.Context, c *cli.Command) (*session, []view.View, error) {
	s, err := a.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if err := s.pin(ctx, c); err != nil {
		return nil, nil, err
	}
	views, err := s.chosenViews(c.Args().Slice())
	return s, views, err
}

// targetTable is the full name of a target's table.
func (s *session) targetTable(t driver.Target) string {
	d := view.Description{Name: t.View, Version: t.Version}
	return dynamo.TableName(s.prefix, dynamo.GenerationTable(d, t.Generation))
}

// viewTable is the full name of the table of a view that is looked at.
func (s *session) viewTable(d view.Description) string {
	if i := slices.IndexFunc(s.pinned, func(t driver.Target) bool { return t.View == d.Name && t.Version == d.Version }); i >= 0 {
		return s.targetTable(s.pinned[i])
	}
	return dynamo.TableName(s.prefix, dynamo.ViewTable(d))
}
