package connect

import (
	"daybook/dynamo"
	"daybook/inspect"
)

// Sources returns what an installation is read from: the tables whose names begin
// with prefix (see daybook.App.Prefix), and its dead letters, which may be nil.
func Sources(client dynamo.API, prefix string, letters *DeadLetters) inspect.Sources {
	name := func(spec dynamo.TableSpec) string { return dynamo.TableName(prefix, spec) }
	s := inspect.Sources{
		Events:   dynamo.NewEventStore(client, name(dynamo.EventsTable()), dynamo.WithClaims(name(dynamo.ClaimsTable()))),
		Tables:   dynamo.NewTables(client, prefix),
		Ledger:   dynamo.NewProcesses(client, name(dynamo.ProcessesTable())),
		Statuses: dynamo.NewRequests(client, name(dynamo.RequestsTable())),
		Source:   prefix,
	}
	if letters != nil {
		s.DeadLetters = letters
	}
	return s
}
