package simulation

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/functions"
	"daybook/process"
	"daybook/sealed"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
	"daybook/view/projection"
)

// operator does what an operator does beside the clients, from a machine of its own.
// What fails is run again, as its documentation says.
type operator struct {
	*system
	way  *link
	next *daybook.App
}

func (s *system) operator(next *daybook.App) *operator {
	return &operator{s, s.network.link("operator", s.db.RoundTripper(), nil), next}
}

func (o *operator) run(ctx context.Context, steps []step) {
	for _, step := range steps {
		o.network.pause(step.name+" begins", step.pause)
		for n := 1; n <= attempts; n++ {
			err := o.do(invoked(ctx, fmt.Sprintf("%s/%d", step.name, n)), step)
			outcome := "done"
			if err != nil {
				outcome = "failed: " + string(events.CodeOf(err))
			}
			o.network.trace.add(step.String(), outcome, noFault, 0)
			if err == nil {
				break
			}
			o.network.pause(step.name+" rests", time.Duration(n)*300*time.Millisecond)
		}
	}
}

func (o *operator) do(ctx context.Context, s step) error {
	switch s.kind {
	case rebuildView:
		return o.rebuild(ctx, s.view)
	case deployNext:
		return o.deploy(ctx)
	case erasePerson:
		return o.erase(ctx, s)
	}
	return o.redrive(ctx, s.view)
}

// tools are what the command line works with.
type tools struct {
	config  functions.Config
	sealing sealed.With
	raw     *dynamo.EventStore // as it is stored
	store   events.Store
	tables  driver.AdminTables
	client  *dynamo.Client
}

func (o *operator) tools() (tools, error) {
	client := dynamo.New(dynamo.Options{Region: region, Endpoint: tablesURL, Credentials: fixedCredentials, Transport: o.way})
	c := o.base
	c.Transport, c.Messaging = o.way, o.network.link("operator", waker{o.services, o.sent}, nil)
	sealing, err := c.Sealing(o.app, client)
	raw := dynamo.NewEventStore(client, o.base.EventsTable, dynamo.WithClaims(o.base.ClaimsTable))
	return tools{c, sealing, raw, sealing.Store(raw), sealing.Tables(dynamo.NewTables(client, o.base.ViewPrefix)), client}, err
}

// rebuild builds the next table of a view and switches to it, or to one that an
// earlier attempt has built.
func (o *operator) rebuild(ctx context.Context, name string) error {
	t, err := o.tools()
	if err != nil {
		return err
	}
	r, err := admin.NewRebuilder(t.sealing.Store(t.raw.StrongScan()), o.codec, t.tables, o.app.Views, &admin.RebuildOptions{Segments: 2, Workers: 2})
	if err != nil {
		return err
	}
	routes, err := r.Routes(ctx)
	if err != nil {
		return err
	}
	route := routes[name]
	for _, t := range route.Tables {
		if t.Right() && t.Compare(route.Serving) > 0 {
			_, err = r.Switch(ctx, t.Target, nil)
			return err
		}
	}
	p, err := r.Run(ctx, name)
	if err != nil {
		return err
	}
	_, err = r.Switch(ctx, p.Target, nil)
	return err
}

// deploy replaces the program, function by function, and builds the tables of the
// views whose versions are higher now.
func (o *operator) deploy(ctx context.Context) error {
	raised := raisedViews(o.app.Views, o.next.Views)
	if err := o.install(ctx); err != nil {
		return err
	}
	for _, name := range raised {
		if err := o.rebuild(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (o *operator) install(ctx context.Context) error {
	if o.deployed {
		return nil
	}
	var specs []dynamo.TableSpec
	for _, v := range view.Versions(o.next.Views) {
		specs = append(specs, dynamo.ViewTable(v.Describe()))
	}
	if err := dynamo.Create(ctx, o.kind, o.base.ViewPrefix, specs...); err != nil {
		return err
	}
	codec, err := aggregate.Codec(o.next.Aggregates)
	if err != nil {
		return err
	}
	for _, f := range o.fleets {
		f.deploy(*o.next)
		o.network.pause("deployed "+f.name, 20*time.Millisecond)
	}
	o.app, o.codec, o.deployed = *o.next, codec, true
	return nil
}

// raisedViews are the names of the views whose versions are higher in next.
func raisedViews(old, next []view.View) (names []string) {
	versions := map[string]int{}
	for _, v := range old {
		d := v.Describe()
		versions[d.Name] = d.Version
	}
	for _, v := range next {
		if d := v.Describe(); d.Version > versions[d.Name] {
			names = append(names, d.Name)
		}
	}
	return names
}

// redrive catches streams up in a view, whether they are parked or not, and all parked
// ones of all reactors.
func (o *operator) redrive(ctx context.Context, name string) error {
	t, err := o.tools()
	if err != nil {
		return err
	}
	pinned, views, err := admin.Pin(ctx, t.tables, o.app.Views)
	if err != nil {
		return err
	}
	projector, err := projection.New(t.store, o.codec, pinned, views, nil)
	if err != nil {
		return err
	}
	for _, v := range views {
		d := v.Describe()
		if d.Name != name {
			if err := projector.RedriveView(ctx, d.Name, nil); err != nil {
				return err
			}
			continue
		}
		for id := range population {
			for _, aggregate := range d.Aggregates {
				for _, tenant := range tenantsOf(o.app) {
					if _, err := projector.Redrive(ctx, name, events.StreamOf(aggregate, strconv.Itoa(1+id)).In(tenant)); err != nil {
						return err
					}
				}
			}
		}
	}
	return o.redriveReactors(ctx, t)
}

func (o *operator) redriveReactors(ctx context.Context, t tools) error {
	if len(o.app.Processes) == 0 {
		return nil
	}
	handler, err := aggregate.NewHandler(t.store, o.app.Aggregates, &aggregate.Options{Tenants: o.app.Tenancy.On(), Begin: o.network.beginOf("operator")})
	if err != nil {
		return err
	}
	ledger := t.sealing.Ledger(dynamo.NewProcesses(t.client, o.base.ProcessesTable))
	runner, err := process.NewRunner(t.store, o.codec, ledger, o.app.Processes, t.config.Effects(handler, t.sealing),
		&process.Options{Source: o.base.ViewPrefix})
	if err != nil {
		return err
	}
	return runner.RedriveAll(ctx, func(follow.RedriveResult) {})
}
