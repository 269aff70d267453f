package inspect

import (
	"context"
	"encoding/json/jsontext"
	"slices"
	"time"

	"daybook/aggregate"
	"daybook/process"
	"daybook/view"
)

// Application is what an application declares, with what feeds what.
type Application struct {
	Name       string      `json:"name"`
	Title      string      `json:"title"`
	Aggregates []Aggregate `json:"aggregates"`
	Views      []View      `json:"views"`
	Processes  []Process   `json:"processes"` // process managers and outboxes
	Flows      []Flow      `json:"flows"`
}

// Aggregate is a declared aggregate.
type Aggregate struct {
	Name     string    `json:"name"`
	Commands []Command `json:"commands"`
	Events   []Event   `json:"events"`
}

// Command is a declared command.
type Command struct {
	Command   string `json:"command"`
	Aggregate string `json:"aggregate"`
	Creates   bool   `json:"creates,omitzero"`  // the aggregate id may be left out
	OnceOnly  bool   `json:"onceOnly,omitzero"` // a repeat is recognised for 30 days
	Across    bool   `json:"across,omitzero"`   // it is decided over several streams
	Internal  bool   `json:"internal,omitzero"` // unknown over HTTP
	Scope     string `json:"scope,omitzero"`    // that a caller of the API needs
	Summary   string `json:"summary,omitzero"`

	Schema  jsontext.Value `json:"schema,omitzero"` // of the payload, JSON Schema
	Example jsontext.Value `json:"example,omitzero"`
}

// Event is a declared event.
type Event struct {
	Name   string `json:"name"`
	Schema int    `json:"schema"` // the newest schema version
}

// View is a declared view, in the version that answers queries.
type View struct {
	Name    string         `json:"name"`
	Kind    string         `json:"kind"` // rows or keyed
	Version int            `json:"version"`
	Schema  jsontext.Value `json:"schema"` // of a row, JSON Schema
	Fields  []Field        `json:"fields"`
	Indexes []Index        `json:"indexes"`
}

// Field is a member of a row that a query can name.
type Field struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"` // string, time, integer, number, boolean or other
	Nullable  bool     `json:"nullable,omitzero"`
	Operators []string `json:"operators"`
}

// Index is a declared index of a view.
type Index struct {
	Name      string `json:"name"`
	Partition string `json:"partition,omitzero"` // the field; "" for an index of all rows
	Sort      string `json:"sort"`
	Shards    int    `json:"shards"`
}

// Process is a declared process manager or outbox.
type Process struct {
	Name      string        `json:"name"`
	Kind      string        `json:"kind"` // manager or outbox
	Since     time.Time     `json:"since,omitzero"`
	Sends     []string      `json:"sends,omitempty"` // names of commands
	Publishes []Integration `json:"publishes,omitempty"`
}

// Integration is an integration event of an outbox.
type Integration struct {
	Event      string         `json:"event"` // that it is made of
	Type       string         `json:"type"`  // of the CloudEvent
	DataSchema string         `json:"dataSchema"`
	Schema     jsontext.Value `json:"schema"` // of the data, JSON Schema
}

// Flow is an arrow of the application's graph: events of an aggregate that a view,
// a process manager or an outbox handles.
type Flow struct {
	From   string   `json:"from"` // an aggregate
	To     string   `json:"to"`   // a view, a process manager or an outbox
	Kind   string   `json:"kind"` // of To: view, manager or outbox
	Events []string `json:"events"`
}

// CommandOf returns a declared command without its schema.
func CommandOf(d aggregate.Description) Command {
	return Command{
		Command: d.Name, Aggregate: d.Aggregate, Creates: d.Creates, OnceOnly: d.OnceOnly, Across: d.Across,
		Internal: d.Internal, Scope: d.Scope, Summary: d.Summary,
	}
}

// Full returns a declared command with the schema of its payload and an example.
func Full(d aggregate.Description) Command {
	c := CommandOf(d)
	c.Schema, c.Example = d.Schema(), d.Example()
	return c
}

// Describe describes the application: all that it declares, views in the version
// that answers queries, and which events feed what.
func (i *Installation) Describe(ctx context.Context) (Application, error) {
	a := Application{Name: i.app.Name, Title: i.app.Title(), Aggregates: []Aggregate{}, Views: []View{}, Processes: []Process{}, Flows: []Flow{}}
	declared := map[string][]string{}
	for _, of := range i.app.Aggregates {
		one := Aggregate{Name: of.Name(), Commands: []Command{}, Events: []Event{}}
		for _, d := range of.Describe() {
			one.Commands = append(one.Commands, Full(d))
		}
		for _, e := range of.Events() {
			one.Events = append(one.Events, Event{Name: e.Name, Schema: len(e.Upcasters) + 1})
			declared[one.Name] = append(declared[one.Name], e.Name)
		}
		a.Aggregates = append(a.Aggregates, one)
	}
	flow := func(to, kind string, aggregates, handled []string) {
		for _, from := range aggregates {
			f := Flow{From: from, To: to, Kind: kind, Events: []string{}}
			for _, e := range declared[from] {
				if slices.Contains(handled, e) {
					f.Events = append(f.Events, e)
				}
			}
			a.Flows = append(a.Flows, f)
		}
	}
	views, err := i.queries.Describe(ctx)
	if err != nil {
		return a, err
	}
	for _, d := range views {
		a.Views = append(a.Views, viewOf(d))
		flow(d.Name, "view", d.Aggregates, d.Events)
	}
	for _, r := range i.app.Processes {
		d := r.Describe()
		a.Processes = append(a.Processes, processOf(d))
		flow(d.Name, d.Kind.String(), d.Aggregates, d.Events)
	}
	return a, nil
}

func viewOf(d view.Description) View {
	v := View{Name: d.Name, Kind: d.Kind.String(), Version: d.Version, Schema: d.Schema(), Fields: []Field{}, Indexes: []Index{}}
	for _, f := range d.Fields {
		v.Fields = append(v.Fields, Field{f.Name, f.Type, f.Nullable, f.Operators})
	}
	for _, x := range d.Indexes {
		v.Indexes = append(v.Indexes, Index{x.Name, x.Partition, x.Sort, x.Shards})
	}
	return v
}

func processOf(d process.Description) Process {
	p := Process{Name: d.Name, Kind: d.Kind.String(), Since: d.Since}
	for _, c := range d.Sends {
		p.Sends = append(p.Sends, c.CommandName())
	}
	for _, x := range d.Publishes {
		p.Publishes = append(p.Publishes, Integration{x.Event, x.Type, x.DataSchema, x.Schema()})
	}
	return p
}
