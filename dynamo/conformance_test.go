package dynamo

import (
	"testing"

	"daybook/events"
	"daybook/events/eventstest"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/view"
	"daybook/view/driver"
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
	viewtest.Run(t, func(t *testing.T, views []view.View) driver.Tables {
		var specs []TableSpec
		for _, v := range views {
			specs = append(specs, ViewTable(v.Describe()))
		}
		return NewTables(tablesFor(t, specs...))
	})
}

func TestRoutedTablesConform(t *testing.T) {
	t.Parallel()
	viewtest.RunRouted(t, func(t *testing.T, views []view.View) driver.AdminTables {
		specs := []TableSpec{ControlTable()}
		for _, v := range view.Versions(views) {
			specs = append(specs, ViewTable(v.Describe()))
		}
		return NewTables(tablesFor(t, specs...))
	})
}

func TestProcessesConform(t *testing.T) {
	t.Parallel()
	processtest.Run(t, func(t *testing.T) process.Ledger {
		client, prefix := tablesFor(t, ProcessesTable())
		return NewProcesses(client, TableName(prefix, ProcessesTable()))
	})
}
