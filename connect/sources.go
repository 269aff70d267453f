package connect

import (
	"daybook/dynamo"
	"daybook/inspect"
	"daybook/sealed"
)

// Sources returns what an installation is read from: the tables whose names begin
// with prefix (see daybook.App.Prefix), and its dead letters, which may be nil. sealing
// encrypts and decrypts personal values.
func Sources(client dynamo.API, prefix string, letters *DeadLetters, sealing sealed.With) inspect.Sources {
	name := func(spec dynamo.TableSpec) string { return dynamo.TableName(prefix, spec) }
	s := inspect.Sources{
		Events:   sealing.Store(dynamo.NewEventStore(client, name(dynamo.EventsTable()), dynamo.WithClaims(name(dynamo.ClaimsTable())))),
		Tables:   sealing.Tables(dynamo.NewTables(client, prefix)),
		Ledger:   sealing.Entries(dynamo.NewProcesses(client, name(dynamo.ProcessesTable()))),
		Statuses: dynamo.NewRequests(client, name(dynamo.RequestsTable())),
		Source:   prefix,
	}
	if letters != nil {
		s.DeadLetters = letters
	}
	return s
}
