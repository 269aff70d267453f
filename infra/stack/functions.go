package stack

import (
	"maps"

	"github.com/aws/constructs-go/constructs/v10"

	"daybook/functions/names"
	"daybook/infra/settings"
)

// The functions' time-outs in seconds. API Gateway waits 30 (HTTP) or 29 (REST)
// seconds: the client of a request that takes longer has already received a 504.
const (
	requestTimeout = 29
	streamTimeout  = 120
)

// Functions are the functions of a deployment.
type Functions struct{ Command, Query, Projector, Process Function }

// all are the functions, in the order of the dashboard.
func (f Functions) all() []Function { return []Function{f.Command, f.Query, f.Projector, f.Process} }

// newFunctions makes the functions with what each may do, and nothing more.
func newFunctions(scope constructs.Construct, s settings.Settings, code func(string) string, st stores, key Key) Functions {
	reserved := map[string]int{names.Projector: s.ProjectorConcurrency, names.Process: s.ProcessConcurrency}
	make := func(name, description string, memory, timeout int, environment map[string]string) Function {
		all := map[string]string{
			names.EnvEventsTable: *st.events.TableName(),
			names.EnvClaimsTable: *st.claims.TableName(),
			names.EnvViewPrefix:  s.Prefix(),
			names.EnvLogLevel:    s.LogLevel,
		}
		if s.OTLP != "" {
			all[names.EnvOTLPEndpoint] = s.OTLP
		}
		maps.Copy(all, environment)
		maps.Copy(all, st.personal.environment())
		return NewFunction(scope, title(name), FunctionProps{
			Prefix: s.Prefix(), Name: name, Description: description,
			Code: code(name), Architecture: s.Architecture, Memory: memory, Timeout: timeout,
			Tracing: s.Tracing, Concurrency: reserved[name], Versions: s.Rollout == settings.Canary, LogRetention: s.LogRetention, Key: key, Environment: all,
		})
	}
	f := Functions{
		Command: make(names.Command, "Decides commands and appends their events", s.CommandMemory, requestTimeout, map[string]string{
			names.EnvRequestsTable: *st.requests.TableName(),
			names.EnvCommandQueue:  *st.queue.Commands.QueueUrl(),
			names.EnvDeadQueue:     *st.queue.Dead.QueueUrl(),
		}),
		Query: make(names.Query, "Answers queries from the query tables", s.QueryMemory, requestTimeout, map[string]string{
			names.EnvRequestsTable: *st.requests.TableName(),
		}),
		Projector: make(names.Projector, "Projects commits into the query tables", s.ProjectorMemory, streamTimeout, nil),
		Process: make(names.Process, "Reacts to events with commands, timers and integration events", s.ProcessMemory, streamTimeout, map[string]string{
			names.EnvProcessesTable: *st.processes.TableName(),
			names.EnvScheduleGroup:  st.timers.Group,
			names.EnvScheduleRole:   *st.timers.Role.RoleArn(),
			names.EnvScheduleTarget: *st.queue.Commands.QueueArn(),
			names.EnvEventBus:       st.bus.Name,
		}),
	}
	st.allowCommand(f.Command)
	st.allowQuery(f.Query)
	st.allowProjector(f.Projector)
	st.allowProcess(f.Process)
	st.personal.allowWriting(f.Command)
	st.personal.allowReading(f.Query)
	st.personal.allowReading(f.Projector)
	st.personal.allowWriting(f.Process)
	return f
}

// allowDeciding lets a function append to and load from the events table, and
// take and free claims in the same transactions.
func (st stores) allowDeciding(f Function) {
	st.events.allow(f.Role, "Events", "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:Query")
	st.claims.allow(f.Role, "Claims", "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:PutItem")
}

// allowCommand lets the command function decide, put commands into the queue that
// are to be handled later, and those that can't be into the other, and record their
// outcomes. NewQueueMapping lets it take them out.
func (st stores) allowCommand(f Function) {
	st.allowDeciding(f)
	st.requests.allow(f.Role, "Requests", "dynamodb:GetItem", "dynamodb:PutItem")
	st.queue.allow(f.Role, "Enqueue", []string{"sqs:SendMessage"}, st.queue.Commands, st.queue.Dead)
}

// allowQuery lets the query function read the query tables and their indexes,
// which table of a view answers, the events that a consistency token or a history
// asks for, and the outcome of a command. Tables that a rebuild makes have the
// name of the view's table and "-g" with a number behind it, and the same is
// allowed on them.
func (st stores) allowQuery(f Function) {
	st.events.allow(f.Role, "Events", "dynamodb:Query")
	st.control.allow(f.Role, "Control", "dynamodb:GetItem")
	st.requests.allow(f.Role, "Requests", "dynamodb:GetItem")
	for i, view := range st.views {
		sid := "View" + title(view.spec.Name)
		view.allowGenerations(f.Role, sid, "dynamodb:BatchGetItem", "dynamodb:GetItem")
		view.allowIndexes(f.Role, sid+"Indexes", st.schema.Views[i].Indexes...)
	}
}

// allowProjector lets the projector write the query tables, read events to fill
// gaps, and read and note which tables of a view there are.
func (st stores) allowProjector(f Function) {
	st.events.allow(f.Role, "Events", "dynamodb:Query")
	st.control.allow(f.Role, "Control", "dynamodb:GetItem", "dynamodb:PutItem")
	for _, view := range st.views {
		view.allowGenerations(f.Role, "View"+title(view.spec.Name), "dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem")
	}
}

// allowProcess lets the process function decide, as its managers' commands need,
// remember how far they have come, set and cancel timers, and publish.
func (st stores) allowProcess(f Function) {
	st.allowDeciding(f)
	st.processes.allow(f.Role, "Processes", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem")
	st.timers.allow(f.Role)
	st.bus.allow(f.Role)
}
