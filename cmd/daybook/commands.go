package main

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"slices"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/domain"
)

func commandsCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "commands",
		Usage:     "list the commands of the business, as declared in this program",
		ArgsUsage: "[AGGREGATE]",
		Description: "Asks no installation. A command that creates may leave out the aggregate's id.\n" +
			"daybook schema COMMAND shows what it takes.",
		ShellComplete: completes(aggregateNames),
		Action:        func(_ context.Context, c *cli.Command) error { return a.commands(c) },
	}
}

// commandLine is a declared command in a list.
type commandLine struct {
	Command   string `json:"command"`
	Aggregate string `json:"aggregate"`
	Creates   bool   `json:"creates,omitzero"`  // the aggregate id may be left out
	OnceOnly  bool   `json:"onceOnly,omitzero"` // a repeat is recognised for 30 days
	Across    bool   `json:"across,omitzero"`   // it is decided over several streams
	Internal  bool   `json:"internal,omitzero"` // unknown over HTTP
	Scope     string `json:"scope,omitzero"`    // that a caller of the API needs
	Summary   string `json:"summary,omitzero"`
}

func lineOfCommand(d aggregate.Description) commandLine {
	return commandLine{d.Name, d.Aggregate, d.Creates, d.OnceOnly, d.Across, d.Internal, d.Scope, d.Summary}
}

func (a *app) commands(c *cli.Command) error {
	of := c.Args().First()
	if c.Args().Len() > 1 {
		return usage("commands takes one aggregate at most")
	}
	if names := aggregateNames(); of != "" && !slices.Contains(names, of) {
		return unknown("aggregate", of, names)
	}
	o := newOutput(a.stdout, c.Bool("json"))
	t := o.table("COMMAND", "AGGREGATE", "ID", "SENT BY", "SUMMARY")
	for _, d := range declaredCommands() {
		if of != "" && of != d.Aggregate {
			continue
		}
		id := "required"
		if d.Creates {
			id = "optional"
		}
		t.row(lineOfCommand(d), d.Name, d.Aggregate, id, senders(d), d.Summary)
	}
	t.end("no commands are declared")
	return o.err
}

// senders says who may send a command: anybody, nobody over HTTP, or callers with a
// scope.
func senders(d aggregate.Description) string {
	switch {
	case d.Internal:
		return "internal"
	case d.Scope != "":
		return d.Scope
	}
	return "anybody"
}

func schemaCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "schema",
		Usage:     "show what a command takes: the JSON Schema of its payload and an example",
		ArgsUsage: "COMMAND",
		Description: "Asks no installation. The example can be sent as it is:\n" +
			"daybook schema create-user -example | daybook send create-user -payload -",
		Flags:         []cli.Flag{&cli.BoolFlag{Name: "example", Usage: "write the example payload only"}},
		ShellComplete: completes(commandNames),
		Action:        func(_ context.Context, c *cli.Command) error { return a.schema(c) },
	}
}

// schemaLine is what a command takes.
type schemaLine struct {
	commandLine
	Schema  jsontext.Value `json:"schema"`
	Example jsontext.Value `json:"example,omitzero"`
}

func (a *app) schema(c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("schema takes one command; daybook commands lists them")
	}
	d, err := declaredCommand(c.Args().First())
	if err != nil {
		return err
	}
	l := schemaLine{commandLine: lineOfCommand(d), Schema: d.Schema()}
	if l.Example, err = exampleOf(l.Schema); err != nil {
		return fmt.Errorf("the schema of %s can't be read: %w", d.Name, err)
	}
	o := newOutput(a.stdout, true)
	switch {
	case c.Bool("example"):
		o.value(l.Example)
	case c.Bool("json"):
		o.value(l)
	default:
		o.indented(l)
	}
	return o.err
}

// exampleOf is the first example in a JSON Schema; a payload without members has
// the empty object.
func exampleOf(schema jsontext.Value) (jsontext.Value, error) {
	var known struct {
		Examples []jsontext.Value `json:"examples"`
	}
	if err := json.Unmarshal(schema, &known); err != nil {
		return nil, err
	}
	if len(known.Examples) == 0 {
		return jsontext.Value("{}"), nil
	}
	return known.Examples[0], nil
}

// declaredCommands are the commands of all aggregates, in the order of their
// declaration.
func declaredCommands() []aggregate.Description {
	var all []aggregate.Description
	for _, of := range domain.Aggregates() {
		all = append(all, of.Describe()...)
	}
	return all
}

// declaredCommand finds a command by its name.
func declaredCommand(name string) (aggregate.Description, error) {
	for _, d := range declaredCommands() {
		if d.Name == name {
			return d, nil
		}
	}
	return aggregate.Description{}, unknown("command", name, commandNames())
}

// commandNames are the names of the declared commands, for completion.
func commandNames() []string {
	var names []string
	for _, d := range declaredCommands() {
		names = append(names, d.Name)
	}
	return names
}
