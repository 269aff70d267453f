package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/urfave/cli/v3"

	"daybook/dynamo"
	"daybook/events"
	"daybook/inspect"
	"daybook/view"
	"daybook/view/driver"
	"daybook/view/projection"
)

func viewsCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "views",
		Usage:     "list the views: version, tables, size, parked streams, rebuilds",
		ArgsUsage: "[VIEW…]",
		Description: "Sizes are what DynamoDB says of a table: items of all kinds, on AWS a few hours old.\n" +
			"TABLES are all that live commits reach, and declared ones that are not filled; the one with a\n" +
			"star answers queries, and the other columns are about it. A table that does not fit was filled by another declaration of the view\n" +
			"than this program's, and is not projected to or answered from. -exact counts rows, hidden rows and checkpoints, and measures the lag, by reading the tables.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "exact", Usage: "read the tables"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts of a table at the same time"},
		},
		ShellComplete: completes(a.viewNames),
		Action:        a.viewsList,
	}
}

// viewLine is a view in a list.
type viewLine struct {
	View    string `json:"view"`
	Version int    `json:"version"`
	Kind    string `json:"kind"`
	Table   string `json:"table"`
	Status  string `json:"status"` // of the table; "missing" without one
	Items   int64  `json:"items"`  // as DynamoDB says
	Bytes   int64  `json:"bytes"`  // as DynamoDB says
	Parked  int64  `json:"parked"` // streams

	Tables []inspect.Table `json:"tables"` // from old to new

	Exact *exactLine `json:"exact,omitzero"` // with -exact
}

// exactLine is what reading a table tells.
type exactLine struct {
	Rows        int64   `json:"rows"` // that queries answer
	Hidden      int64   `json:"hidden"`
	Checkpoints int64   `json:"checkpoints"`
	Other       int64   `json:"other"` // records of parked streams, and what can't be read
	Behind      int64   `json:"behind"`
	Seconds     float64 `json:"lagSeconds"`
}

func (a *app) viewsList(ctx context.Context, c *cli.Command) error {
	parallel := c.Int("parallel")
	if err := checkParallel(parallel); err != nil {
		return err
	}
	s, views, err := a.openViews(ctx, c)
	if err != nil {
		return err
	}
	lines := make([]viewLine, len(views))
	for i, v := range views {
		if lines[i], err = s.viewLine(ctx, v); err != nil {
			return err
		}
	}
	tables, err := s.tablesOf(ctx)
	if err != nil {
		return err
	}
	for i := range lines {
		lines[i].Tables = tables[lines[i].View]
	}
	if c.Bool("exact") {
		if err := s.exact(ctx, views, lines, parallel); err != nil {
			return err
		}
	}
	s.writeViews(lines, c.Bool("exact"))
	return s.out.err
}

// tablesOf says what tables each view has, by the view's name.
func (s *session) tablesOf(ctx context.Context) (map[string][]inspect.Table, error) {
	r, err := s.rebuilder(nil)
	if err != nil {
		return nil, err
	}
	i, err := s.installation()
	if err != nil {
		return nil, err
	}
	tables, err := i.Tables(ctx, r)
	if err != nil {
		return nil, s.reach(dynamo.TableName(s.prefix, dynamo.ControlTable()), err)
	}
	return tables, nil
}

// mismatches says which tables were filled by other declarations than this
// program's, and how they differ.
func (s *session) mismatches(ctx context.Context) (map[driver.Target]string, error) {
	i, err := s.installation()
	if err != nil {
		return nil, err
	}
	texts, err := i.Mismatches(ctx)
	if err != nil {
		return nil, s.reach(dynamo.TableName(s.prefix, dynamo.ControlTable()), err)
	}
	return texts, nil
}

func (s *session) writeViews(lines []viewLine, exact bool) {
	header := []string{"VIEW", "VERSION", "KIND", "STATUS", "ITEMS", "BYTES", "PARKED", "TABLES"}
	if exact {
		header = append(header, "ROWS", "HIDDEN", "CHECKPOINTS", "BEHIND", "LAG")
	}
	t := s.out.table(header...)
	for _, l := range lines {
		cells := []any{l.View, l.Version, l.Kind, l.Status, l.Items, l.Bytes, l.Parked, tablesText(l.Tables)}
		if l.Exact != nil {
			e := l.Exact
			cells = append(cells, e.Rows, e.Hidden, e.Checkpoints, e.Behind, inspect.Lag{Seconds: e.Seconds}.Duration())
		}
		t.row(l, cells...)
	}
	t.flush()
	for _, l := range lines {
		for _, table := range l.Tables {
			switch {
			case table.Mismatch != "":
				s.beside("%s %s does not fit: %s", l.View, table.Table, table.Mismatch)
			case table.Next != "":
				s.beside("%s", table.Next)
			}
		}
	}
}

// beside tells something beside a list; with -json the list has it.
func (s *session) beside(format string, args ...any) {
	if !s.out.json {
		fmt.Fprintf(s.stderr, format+"\n", args...)
	}
}

// missingTable is the status of a view whose table does not exist.
const missingTable = "missing"

// viewLine asks for what is cheap to know.
func (s *session) viewLine(ctx context.Context, v view.View) (viewLine, error) {
	d := v.Describe()
	l := viewLine{View: d.Name, Version: d.Version, Kind: d.Kind.String(), Table: s.viewTable(d)}
	info, err := s.describe(ctx, l.Table)
	if err != nil {
		if errors.Is(err, errNoTable) {
			l.Status = missingTable
			return l, nil
		}
		return l, err
	}
	l.Status, l.Items, l.Bytes = info.Status, info.Items, info.Bytes
	i, err := s.installation()
	if err != nil {
		return l, err
	}
	for _, err := range i.AllParked(ctx, inspect.ParkedQuery{Names: []string{d.Name}, At: s.pinned, Limit: parkedPage}) {
		if err != nil {
			return l, err
		}
		l.Parked++
	}
	return l, nil
}

// exact reads the tables of the views that have one.
func (s *session) exact(ctx context.Context, views []view.View, lines []viewLine, parallel int) error {
	var there []view.View
	var at []int
	items := int64(0)
	for i, l := range lines {
		if l.Status != missingTable {
			there, at, items = append(there, views[i]), append(at, i), items+l.Items
		}
	}
	bar := s.progress("views", "items", items)
	for i, v := range there {
		e, err := s.count(ctx, v, parallel, bar)
		if err != nil {
			bar.end()
			return err
		}
		lines[at[i]].Exact = &e
	}
	bar.end()
	lags, err := s.lagOf(ctx, there, 1, parallel)
	for i, l := range lags {
		lines[at[i]].Exact.Behind, lines[at[i]].Exact.Seconds = l.Behind, l.Seconds
	}
	return err
}

// count counts the items of a view's table.
func (s *session) count(ctx context.Context, v view.View, parallel int, bar *progress) (exactLine, error) {
	d := v.Describe()
	var mu sync.Mutex
	var e exactLine
	table := s.tables.Table(d.Name, d.Version)
	err := inParallel(ctx, parallel, parallel, func(ctx context.Context, segment int) error {
		for page, err := range events.Pages(ctx, table.Scan, segment, parallel) {
			if err != nil {
				return s.reach(s.viewTable(d), err)
			}
			bar.add(int64(len(page)))
			mu.Lock()
			for i := range page {
				e.take(&page[i])
			}
			mu.Unlock()
		}
		return nil
	})
	return e, err
}

func (e *exactLine) take(found *driver.ScannedItem) {
	isRow := projection.IsRow(found.Item.Key)
	switch {
	case found.Err != nil:
		e.Other++
	case isRow && found.Item.Row != nil:
		e.Rows++
	case isRow:
		e.Hidden++
	case strings.HasPrefix(found.Item.Key, "@stream/"):
		e.Checkpoints++
	default:
		e.Other++
	}
}
