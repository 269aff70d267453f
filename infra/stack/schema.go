package stack

import (
	"fmt"
	"slices"

	"daybook"
	"daybook/dynamo"
	"daybook/view"
	"daybook/view/driver"
)

// Schema is what a deployment stores.
type Schema struct {
	Events dynamo.TableSpec
	Claims dynamo.TableSpec
	// Control says which table of each view answers.
	Control dynamo.TableSpec
	// Processes is how far process managers and outboxes have come.
	Processes dynamo.TableSpec
	// Requests keeps the outcomes of queued commands.
	Requests dynamo.TableSpec
	// Keys keeps the data keys of personal values; nil for an application without any.
	Keys  *dynamo.TableSpec
	Views []View
	// Followed are the aggregates whose streams process managers and outboxes
	// follow, sorted.
	Followed []string
	// TenantClaim is the claim that names the tenant; "" without tenants.
	TenantClaim string
}

// View is a query table and the path that queries find it under.
type View struct {
	Name  string // as in GET /{view}
	Table dynamo.TableSpec
	// Indexes are those that queries use: the declared ones, and for a keyed view
	// the one of its parked streams. The table may have others, for operators.
	Indexes []string
}

// SchemaOf is what the views of an application need, one table for each view at each
// declared version, and the tables that there always are. It fails for a view,
// process manager or outbox with a faulty declaration.
func SchemaOf(app daybook.App) (Schema, error) {
	s := Schema{
		Events: dynamo.EventsTable(), Claims: dynamo.ClaimsTable(), Control: dynamo.ControlTable(),
		Processes: dynamo.ProcessesTable(), Requests: dynamo.RequestsTable(), TenantClaim: app.Tenancy.Claim,
	}
	if app.Personal() {
		keys := dynamo.KeysTable()
		s.Keys = &keys
	}
	for _, r := range app.Processes {
		if err := r.Err(); err != nil {
			return Schema{}, fmt.Errorf("declared %w", err)
		}
		s.Followed = append(s.Followed, r.Describe().Aggregates...)
	}
	slices.Sort(s.Followed)
	s.Followed = slices.Compact(s.Followed)
	for _, v := range app.Views {
		if err := v.Err(); err != nil {
			return Schema{}, fmt.Errorf("declared view: %w", err)
		}
	}
	for _, v := range view.Versions(app.Views) {
		d := v.Describe()
		v := View{Name: d.Name, Table: dynamo.ViewTable(d)}
		for _, index := range d.Indexes {
			v.Indexes = append(v.Indexes, index.Name)
		}
		if d.Kind == view.KindKeyed { // an answer says that a row may lack a stream
			v.Indexes = append(v.Indexes, driver.ParkedIndex)
		}
		s.Views = append(s.Views, v)
	}
	return s, nil
}
