package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"daybook/events"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
)

// pinned returns a view with the table that answers queries; nil tables and why not.
func (e *explainer) pinned(ctx context.Context, v view.View) (driver.Table, view.View, error) {
	tables, views, err := admin.Pin(ctx, e.s.Tables, []view.View{v})
	if err != nil {
		return nil, v, err
	}
	d := views[0].Describe()
	return tables.Table(d.Name, d.Version), views[0], nil
}

// addRows adds what the views that handle an event of a commit made of it.
func (e *explainer) addRows(ctx context.Context, c *events.Commit, into *Node, _ int) error {
	for _, v := range e.i.App().Views {
		key, follows := projection.StreamKey(v, c.Stream)
		d := v.Describe()
		handled := func(event events.Event) bool { return slices.Contains(d.Events, event.Name) }
		if !follows || !slices.ContainsFunc(c.Events, handled) || !e.room() {
			continue
		}
		n := &Node{Kind: KindRow, Name: rowName(c.Stream.Tenant(), d.Name, c.Stream.ID()), By: d.Name, State: StateDone}
		if d.Kind == view.KindKeyed {
			n.Name = d.Name + " of " + string(c.Stream)
		}
		if err := e.judgeRow(ctx, v, key, c, n); err != nil {
			return err
		}
		into.Effects = append(into.Effects, n)
	}
	return nil
}

// rowName is the name of a row, which a question may be about.
func rowName(tenant, view, key string) string { return events.Scoped(tenant, view+"/"+key) }

// judgeRow tells how far a view is with a commit.
func (e *explainer) judgeRow(ctx context.Context, v view.View, key string, c *events.Commit, n *Node) error {
	table, v, err := e.pinned(ctx, v)
	var item *driver.Item
	if err == nil {
		var items []*driver.Item
		if items, err = table.Get(ctx, []string{key}); err == nil {
			item = items[0]
		}
	}
	if err != nil {
		if events.Transient(err) && events.CodeOf(err) != events.CodeConflict { // conflict: no such table, or no such declaration
			return err
		}
		n.State, n.Code, n.Text = StateLate, string(events.CodeOf(err)), events.FaultText(err)
		return nil
	}
	d := v.Describe()
	if item != nil && item.Commit >= c.Number {
		n.Text = fmt.Sprintf("at version %d", item.Version)
		if d.Kind == view.KindRows && item.Row == nil {
			n.State, n.Text = StateHidden, n.Text+"; no query returns it, since Hide says so"
		}
		return nil
	}
	parked, err := e.i.ParkedStream(ctx, d.Name, c.Stream)
	if err != nil {
		return err
	}
	if parked != nil && parked.Commit <= c.Number {
		p := parkedNode(KindRow, n.Name, n.By, *parked, e.redrive(d.Name, c.Stream))
		p.Text = behind(c.Number, *parked) + p.Text
		*n = *p
		return nil
	}
	applied := int64(0)
	if item != nil {
		applied = item.Commit
	}
	var age time.Duration
	if n.State, age = e.late(c); n.State == StateLate {
		n.Text = fmt.Sprintf("at commit %d of %d for %v: the projector does not run, or is behind", applied, c.Number, age)
		n.Next = e.command("lag " + d.Name)
	}
	return nil
}
