package dynamo

import (
	"testing"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/view"
	"daybook/view/viewtest"
)

func TestEventStoreConforms(t *testing.T) {
	t.Parallel()
	eventstest.Run(t, func(t *testing.T) events.Store {
		client, prefix := tablesFor(t, EventsTable(), ClaimsTable())
		return NewEventStore(client, TableName(prefix, EventsTable()), WithClaims(TableName(prefix, ClaimsTable())))
	})
}

func TestTablesConform(t *testing.T) {
	t.Parallel()
	viewtest.Run(t, func(t *testing.T, views []view.View) view.Tables {
		var specs []TableSpec
		for _, v := range views {
			specs = append(specs, ViewTable(v.Describe()))
		}
		return NewTables(tablesFor(t, specs...))
	})
}

func TestRoutedTablesConform(t *testing.T) {
	t.Parallel()
	viewtest.RunRouted(t, func(t *testing.T, views []view.View) view.AdminTables {
		specs := []TableSpec{ControlTable()}
		for _, v := range view.Versions(views) {
			specs = append(specs, ViewTable(v.Describe()))
		}
		return NewTables(tablesFor(t, specs...))
	})
}
