package stack

import (
	"cmp"
	"maps"

	"github.com/aws/constructs-go/constructs/v10"

	"daybook/functions/names"
	"daybook/infra/settings"
)

// queueFunction is the command function's program again, for queued commands.
const queueFunction = "queue"

// The functions' time-outs in seconds. API Gateway waits 30 (HTTP) or 29 (REST)
// seconds: the client of a request that takes longer has already received a 504.
const (
	requestTimeout = 29
	streamTimeout  = 120
)

// Functions are the functions of a deployment.
type Functions struct {
	Command, Query, Projector, Process Function
	// Queue handles queued commands where the command function can't, since Lambda
	// isolates its tenants; nil elsewhere.
	Queue *Function
}

// all are the functions, in the order of the dashboard.
func (f Functions) all() []Function {
	all := []Function{f.Command, f.Query, f.Projector, f.Process}
	if f.Queue != nil {
		all = append(all, *f.Queue)
	}
	return all
}

// queued is the function that handles queued commands.
func (f Functions) queued() Function {
	if f.Queue != nil {
		return *f.Queue
	}
	return f.Command
}

// newFunctions makes the functions with what each may do, and nothing more.
func newFunctions(scope constructs.Construct, s settings.Settings, code func(string) string, st stores, key Key) Functions {
	reserved := map[string]int{names.Projector: s.ProjectorConcurrency, names.Process: s.ProcessConcurrency}
	isolated := map[string]bool{names.Command: s.TenantIsolation, names.Query: s.TenantIsolation}
	binary := map[string]string{queueFunction: names.Command}
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
			Code: code(cmp.Or(binary[name], name)), Isolated: isolated[name], Architecture: s.Architecture, Memory: memory, Timeout: timeout,
			Tracing: s.Tracing, Concurrency: reserved[name], Versions: s.Rollout == settings.Canary, LogRetention: s.LogRetention, Key: key, Environment: all,
		})
	}
	deciding := map[string]string{
		names.EnvRequestsTable: *st.requests.TableName(),
		names.EnvCommandQueue:  *st.queue.Commands.QueueUrl(),
		names.EnvDeadQueue:     *st.queue.Dead.QueueUrl(),
	}
	f := Functions{
		Command: make(names.Command, "Decides commands and appends their events", s.CommandMemory, requestTimeout, deciding),
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
	if s.TenantIsolation { // Lambda takes no event source for an isolated function
		queue := make(queueFunction, "Decides queued commands of all tenants", s.CommandMemory, requestTimeout, deciding)
		st.allowCommand(queue)
		st.personal.allowWriting(queue)
		f.Queue = &queue
	}
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
