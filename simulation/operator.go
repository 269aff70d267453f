package simulation

import (
	"context"
	"fmt"

	"daybook/dynamo"
	"daybook/view"
	"daybook/view/admin"
)

// operate does what an operator does beside. A rebuild that fails is run again, as its
// documentation says.
func (s *system) operate(ctx context.Context, steps []step, next []view.View) {
	for _, step := range steps {
		s.network.pause(step.name+" begins", step.pause)
		switch step.kind {
		case rebuildView:
			for n := range attempts {
				err := s.rebuild(invoked(ctx, fmt.Sprintf("%s/%d", step.name, n+1)), s.network.link("operator", s.db.RoundTripper(), nil), step.view)
				s.network.trace.add(step.String(), fmt.Sprint("done: ", err), noFault, 0)
				if err == nil {
					break
				}
			}
		case deployNext:
			_ = next
		}
	}
}

// rebuild builds the next table of a view and switches to it.
func (s *system) rebuild(ctx context.Context, way *link, name string) error {
	c := s.base
	c.Transport = way
	client := dynamo.New(dynamo.Options{Region: region, Endpoint: tablesURL, Credentials: fixedCredentials, Transport: way})
	store := dynamo.NewEventStore(client, c.EventsTable, dynamo.WithClaims(c.ClaimsTable))
	r, err := admin.NewRebuilder(store.StrongScan(), s.codec, dynamo.NewTables(client, c.ViewPrefix), s.app.Views, &admin.RebuildOptions{Segments: 2, Workers: 2})
	if err != nil {
		return err
	}
	p, err := r.Run(ctx, name)
	if err != nil {
		return err
	}
	_, err = r.Switch(ctx, p.Target, nil)
	return err
}
