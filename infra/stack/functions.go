package stack

import (
	"github.com/aws/constructs-go/constructs/v10"

	"daybook/infra/settings"
)

// The functions' time-outs in seconds. API Gateway waits 30 (HTTP) or 29 (REST)
// seconds; a command or query that takes longer has no one to answer to.
const (
	requestTimeout   = 29
	projectorTimeout = 120
)

// Functions are the three functions of a deployment.
type Functions struct{ Command, Query, Projector Function }

// newFunctions makes the functions with what each may do, and nothing more:
//   - command appends to and loads from the events table, and takes and frees
//     claims in the same transactions;
//   - query reads the query tables and their indexes, and the events that a
//     consistency token or a history asks for;
//   - projector writes the query tables, and reads events to fill gaps;
//   - both read which table of a view answers, and the projector notes views
//     that were added. Tables that a rebuild makes have the name of the view's
//     table and "-g" with a number behind it, and the same is allowed on them.
func newFunctions(scope constructs.Construct, s settings.Settings, code func(string) string, events, claims, control Table, views []Table, declared []View, key Key) Functions {
	make := func(name, description string, memory, timeout int) Function {
		return NewFunction(scope, title(name), FunctionProps{
			Prefix: s.Prefix(), Name: name, Description: description,
			Code: code(name), Architecture: s.Architecture, Memory: memory, Timeout: timeout,
			Tracing: s.Tracing, LogRetention: s.LogRetention, Key: key,
			Environment: map[string]string{
				"DAYBOOK_EVENTS_TABLE": *events.TableName(),
				"DAYBOOK_CLAIMS_TABLE": *claims.TableName(),
				"DAYBOOK_VIEW_PREFIX":  s.Prefix(),
				"DAYBOOK_LOG_LEVEL":    s.LogLevel,
			},
		})
	}
	f := Functions{
		Command:   make("command", "Decides commands and appends their events", s.CommandMemory, requestTimeout),
		Query:     make("query", "Answers queries from the query tables", s.QueryMemory, requestTimeout),
		Projector: make("projector", "Projects commits into the query tables", s.ProjectorMemory, projectorTimeout),
	}
	events.allow(f.Command.Role, "Events", "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:Query")
	claims.allow(f.Command.Role, "Claims", "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem")
	events.allow(f.Query.Role, "Events", "dynamodb:Query")
	events.allow(f.Projector.Role, "Events", "dynamodb:Query")
	control.allow(f.Query.Role, "Control", "dynamodb:GetItem")
	control.allow(f.Projector.Role, "Control", "dynamodb:GetItem", "dynamodb:PutItem")
	for i, view := range views {
		sid := "View" + title(view.spec.Name)
		view.allowGenerations(f.Query.Role, sid, "dynamodb:BatchGetItem", "dynamodb:GetItem")
		view.allowIndexes(f.Query.Role, sid+"Indexes", declared[i].Indexes...)
		view.allowGenerations(f.Projector.Role, sid, "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem")
	}
	return f
}
