package stack

import (
	"github.com/aws/constructs-go/constructs/v10"

	"daybook/dynamo"
	"daybook/infra/settings"
)

// stores are what the functions work on, besides each other.
type stores struct {
	events, claims, control, processes, requests Table
	views                                        []Table // as Schema.Views
	schema                                       Schema
	queue                                        CommandQueue
	timers                                       Timers
	bus                                          EventBus
	personal                                     *Personal // nil for an application without personal values
}

// tables are all tables.
func (st stores) tables() []Table {
	all := append([]Table{st.events, st.claims, st.control, st.processes, st.requests}, st.views...)
	if st.personal != nil {
		all = append(all, st.personal.Keys)
	}
	return all
}

// newStores makes the tables that the schema tells, the command queue, the timers
// and the event bus.
func newStores(scope constructs.Construct, s settings.Settings, schema Schema, key Key) stores {
	retain := s.RemovalPolicy == settings.Retain
	table := func(id string, spec dynamo.TableSpec) Table {
		return NewTable(scope, id, TableProps{Prefix: s.Prefix(), Spec: spec, Key: key, Retain: retain})
	}
	st := stores{
		events: table("Events", schema.Events), claims: table("Claims", schema.Claims), control: table("Control", schema.Control),
		processes: table("Processes", schema.Processes), requests: table("Requests", schema.Requests),
		schema: schema,
		queue:  NewCommandQueue(scope, "Commands", QueueProps{Prefix: s.Prefix(), Key: key, Timeout: requestTimeout, Retain: retain}),
		bus:    NewEventBus(scope, "Bus", s.EventBus, s.Prefix(), key),
	}
	for _, view := range schema.Views {
		st.views = append(st.views, table("View"+title(view.Table.Name), view.Table))
	}
	if schema.Keys != nil {
		st.personal = &Personal{Keys: table("Keys", *schema.Keys), Wrapping: newWrappingKey(scope, "Personal", s.Prefix(), retain)}
	}
	st.timers = NewTimers(scope, "Timers", s.Prefix(), st.queue)
	return st
}
