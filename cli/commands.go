package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/inspect"
)

func commandsCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "commands",
		Usage:     "list the commands of the business, as declared in this program",
		ArgsUsage: "[AGGREGATE]",
		Description: "Asks no installation. A command that creates may leave out the aggregate's id.\n" +
			a.of.Name + " schema COMMAND shows what it takes.",
		ShellComplete: completes(a.aggregateNames),
		Action:        func(_ context.Context, c *cli.Command) error { return a.commands(c) },
	}
}

func (a *app) commands(c *cli.Command) error {
	of := c.Args().First()
	if c.Args().Len() > 1 {
		return usage("commands takes one aggregate at most")
	}
	if names := a.aggregateNames(); of != "" && !slices.Contains(names, of) {
		return unknown("aggregate", of, names)
	}
	o := newOutput(a.stdout, c.Bool("json"))
	t := o.table("COMMAND", "AGGREGATE", "ID", "SENT BY", "SUMMARY")
	for _, d := range a.of.Commands() {
		if of != "" && of != d.Aggregate {
			continue
		}
		id := "required"
		if d.Creates {
			id = "optional"
		}
		t.row(inspect.CommandOf(d), d.Name, d.Aggregate, id, senders(d), d.Summary)
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
			a.of.Name + " schema COMMAND -example | " + a.of.Name + " send COMMAND -payload -",
		Flags:         []cli.Flag{&cli.BoolFlag{Name: "example", Usage: "write the example payload only"}},
		ShellComplete: completes(a.commandNames),
		Action:        func(_ context.Context, c *cli.Command) error { return a.schema(c) },
	}
}

func (a *app) schema(c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("schema takes one command; %s commands lists them", a.of.Name)
	}
	d, err := a.declaredCommand(c.Args().First())
	if err != nil {
		return err
	}
	l := inspect.Full(d)
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

// declaredCommand finds a command by its name.
func (a *app) declaredCommand(name string) (aggregate.Description, error) {
	return byName("command", name, a.of.Commands(), nameOfCommand)
}

// commandNames are the names of the declared commands, for completion.
func (a *app) commandNames() []string { return namesOf(a.of.Commands(), nameOfCommand) }

func nameOfCommand(d aggregate.Description) string { return d.Name }
