package daybook_test

import (
	"math"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/process"
	"daybook/view"
)

type (
	opened struct{}
	shut   struct{} // no aggregate declares it
	open   struct {
		Key string `json:"key"`
	}
	door struct{}
	row  struct {
		Open bool `json:"open"`
	}
)

func (opened) EventName() string { return "door-opened" }
func (shut) EventName() string   { return "door-shut" }
func (open) CommandName() string { return "open-door" }

func doorOf(name string) aggregate.Aggregate {
	return aggregate.New[door](name).
		Event(func(s door, _ opened) door { return s }).
		Command(func(door, open) aggregate.Decision { return aggregate.Emit(opened{}) })
}

func doors(name, of string) view.View {
	return view.New[row](name, of).On(func(_ row, _ opened, _ view.Meta) row { return row{Open: true} })
}

func porter(name, of string) process.Reactor {
	return process.New[struct{}](name, of).React(func(opened, process.Meta) process.Reaction { return process.Reaction{} })
}

// sender is a porter that sends a command.
func sender(command events.Payload) process.Reactor {
	return process.New[struct{}]("porter", "door").Sends(command).React(func(opened, process.Meta) process.Reaction { return process.Reaction{} })
}

// Commands that a porter may send, beside open: the same, less, more and other than a door takes.
type (
	openToo struct {
		Key string `json:"key"`
	}
	openBare  struct{}
	openWider struct {
		Key  string `json:"key"`
		Wide bool   `json:"wide"`
	}
	openByNumber struct {
		Key int64 `json:"key"`
	}
	opne struct{}
)

func (openToo) CommandName() string      { return "open-door" }
func (openBare) CommandName() string     { return "open-door" }
func (openWider) CommandName() string    { return "open-door" }
func (openByNumber) CommandName() string { return "open-door" }
func (opne) CommandName() string         { return "opne-door" }

// A manager may send the command's own type, or one that its aggregate can take.
func TestCheckOfWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, fine := range []events.Payload{open{}, openToo{}} {
		app := house()
		app.Processes[0] = sender(fine)
		if err := app.Check(); err != nil {
			t.Errorf("%T: %v", fine, err)
		}
	}
}

func house() daybook.App {
	return daybook.App{
		Name:       "house",
		Aggregates: []aggregate.Aggregate{doorOf("door")},
		Views:      []view.View{doors("doors", "door")},
		Processes:  []process.Reactor{porter("porter", "door")},
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := house().Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(*daybook.App)
		want  string
	}{
		"no name":              {func(a *daybook.App) { a.Name = "" }, `App.Name "": use a-z and 0-9, beginning with a letter, at most 16 characters`},
		"hyphen":               {func(a *daybook.App) { a.Name = "my-house" }, `App.Name "my-house": use a-z`},
		"capital":              {func(a *daybook.App) { a.Name = "House" }, `App.Name "House": use a-z`},
		"digit first":          {func(a *daybook.App) { a.Name = "1house" }, `App.Name "1house": use a-z`},
		"long name":            {func(a *daybook.App) { a.Name = strings.Repeat("h", 17) }, `at most 16 characters`},
		"rate without tenants": {func(a *daybook.App) { a.Tenancy.RequestsPerSecond = 5 }, `App.Tenancy: a rate without a Claim limits nobody`},
		"burst without a rate": {func(a *daybook.App) { a.Tenancy = daybook.Tenancy{Claim: "org", Burst: 5} }, `a Burst without RequestsPerSecond`},
		"negative rate":        {func(a *daybook.App) { a.Tenancy = daybook.Tenancy{Claim: "org", RequestsPerSecond: -1} }, `RequestsPerSecond -1 and Burst 0: use numbers from 0`},
		"no number":            {func(a *daybook.App) { a.Tenancy = daybook.Tenancy{Claim: "org", RequestsPerSecond: math.NaN()} }, `RequestsPerSecond NaN`},
		"nil aggregate":        {func(a *daybook.App) { a.Aggregates = append(a.Aggregates, nil) }, `entry 1 of Aggregates is nil; remove it`},
		"nil view":             {func(a *daybook.App) { a.Views = append(a.Views, nil) }, `entry 1 of Views is nil; remove it`},
		"nil process":          {func(a *daybook.App) { a.Processes = append(a.Processes, nil) }, `entry 1 of Processes is nil; remove it`},
		"same aggregate":       {func(a *daybook.App) { a.Aggregates = append(a.Aggregates, doorOf("door")) }, `aggregate "door" is listed twice; rename one`},
		"same command":         {func(a *daybook.App) { a.Aggregates = append(a.Aggregates, doorOf("gate")) }, `command "open-door" is declared by aggregates "door" and "gate"; rename one`},
		"same view":            {func(a *daybook.App) { a.Views = append(a.Views, doors("doors", "door")) }, `view "doors": there is a view of this name; rename one`},
		"view and process": {func(a *daybook.App) { a.Processes[0] = porter("doors", "door") },
			`manager "doors": there is a view of this name; rename one`},
		"unknown command sent": {func(a *daybook.App) { a.Processes[0] = sender(opne{}) },
			`manager "porter" sends command "opne-door", which no aggregate of the App declares; add its aggregate to Aggregates; did you mean "open-door"?`},
		"sent with a member more": {func(a *daybook.App) { a.Processes[0] = sender(openWider{}) },
			`manager "porter" sends command "open-door" as daybook_test.openWider, and its payload is daybook_test.open: it has no member "wide"; send a daybook_test.open`},
		"sent with a member less": {func(a *daybook.App) { a.Processes[0] = sender(openBare{}) }, `it needs the member "key"`},
		"sent with another type":  {func(a *daybook.App) { a.Processes[0] = sender(openByNumber{}) }, `its member "key" is of type "string", not "integer"`},
		"unlisted aggregate": {func(a *daybook.App) { a.Views[0] = doors("doors", "gate") },
			`view "doors" follows aggregate "gate", which the App does not list; add it to Aggregates`},
		"process of an unlisted aggregate": {func(a *daybook.App) { a.Processes[0] = porter("porter", "gate") },
			`manager "porter" follows aggregate "gate", which the App does not list`},
		"undeclared event": {func(a *daybook.App) {
			a.Views[0] = view.New[row]("doors", "door").On(func(r row, _ shut, _ view.Meta) row { return r })
		}, `view "doors" handles event "door-shut", which door does not declare; declare the event there, or remove the handler`},
		"faulty aggregate": {func(a *daybook.App) { a.Aggregates[0] = doorOf("Door") }, `aggregate "Door"`},
		"faulty view":      {func(a *daybook.App) { a.Views[0] = doors("Doors", "door") }, `Doors`},
		"faulty process":   {func(a *daybook.App) { a.Processes[0] = porter("Porter", "door") }, `Porter`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := house()
			c.spoil(&app)
			if err := app.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if a := house(); a.Prefix("dev") != "house-dev" || a.Title() != "House" || len(a.Commands()) != 1 {
		t.Errorf("%q, %q, %v", a.Prefix("dev"), a.Title(), a.Commands())
	}
}
