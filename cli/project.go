package cli

import (
	"context"
	"errors"
	"path"

	"github.com/urfave/cli/v3"

	"daybook/project"
)

func initCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "make a project of your own",
		ArgsUsage: "DIR",
		Description: "Writes a Go module with a small business in DIR, which uses Daybook as a library: its\n" +
			"local stack, tests, command line and deployment work at once. It overwrites nothing.\n" +
			"go.mod names the checkout of Daybook that it was made from, and says how to change it.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "module", Usage: "`PATH` of the new Go module, such as example.com/bank"},
			&cli.StringFlag{Name: "name", Usage: "`NAME` of the application, which begins the names of stack and tables (default: the last part of -module)"},
			&cli.StringFlag{Name: "sample", Usage: "begin with the sample `SHOP`: shop"},
			&cli.StringFlag{Name: "daybook", Usage: "checkout `DIRECTORY` of Daybook; by default the one that the current directory is in or uses"},
		},
		Action: a.init,
	}
}

func newCommand(a *app) *cli.Command {
	of := &cli.StringFlag{Name: "of", Usage: "the `AGGREGATE` that it follows; may be left out if there is one"}
	add := func(kind, usage string, flags []cli.Flag, generate func(context.Context, project.Project, string, *cli.Command) (project.Report, error)) *cli.Command {
		return &cli.Command{
			Name: kind, Usage: usage, ArgsUsage: "NAME", Flags: flags,
			Action: func(ctx context.Context, c *cli.Command) error { return a.add(ctx, c, kind, generate) },
		}
	}
	return &cli.Command{
		Name:      "new",
		Usage:     "add an aggregate, a view or a process manager to your project",
		ArgsUsage: "aggregate|view|process NAME",
		Description: "Adds files with tests to the project of the current directory, golden files, and one line\n" +
			"to domain/register.go. It overwrites nothing, and may be repeated.",
		Commands: []*cli.Command{
			add("aggregate", "add an aggregate: a folder with events, commands and tests", nil,
				func(ctx context.Context, p project.Project, name string, _ *cli.Command) (project.Report, error) {
					return p.NewAggregate(ctx, name)
				}),
			add("view", "add a view of an aggregate, with test and shape file", []cli.Flag{of},
				func(ctx context.Context, p project.Project, name string, c *cli.Command) (project.Report, error) {
					return p.NewView(ctx, name, c.String("of"))
				}),
			add("process", "add a process manager that follows an aggregate, with test", []cli.Flag{of},
				func(ctx context.Context, p project.Project, name string, c *cli.Command) (project.Report, error) {
					return p.NewProcess(ctx, name, c.String("of"))
				}),
		},
		Action: func(_ context.Context, c *cli.Command) error {
			return noSubcommand(c, "say what to add: new aggregate NAME, new view NAME or new process NAME")
		},
	}
}

func (a *app) init(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("init takes one directory, and -module: init -module example.com/bank bank")
	}
	o := project.Options{
		Dir: c.Args().First(), Module: c.String("module"), Name: c.String("name"), Sample: c.String("sample"),
		From: ".", Daybook: c.String("daybook"),
	}
	if o.Name == "" && o.Module != "" {
		o.Name = path.Base(o.Module)
	}
	r, err := project.Init(ctx, o)
	return a.generated(c, r, err)
}

// add runs a generator in the project of the current directory.
func (a *app) add(
	ctx context.Context, c *cli.Command, kind string,
	generate func(context.Context, project.Project, string, *cli.Command) (project.Report, error),
) error {
	if c.Args().Len() != 1 {
		return usage("new %s takes one name: new %s NAME", kind, kind)
	}
	p, err := project.Find(".")
	if err != nil {
		return &exitError{exitUsage, err}
	}
	r, err := generate(ctx, p, c.Args().First(), c)
	return a.generated(c, r, err)
}

// generatedLine is what init and new report with -json.
type generatedLine struct {
	Written []string `json:"written,omitzero"`
	Changed []string `json:"changed,omitzero"`
	Next    []string `json:"next,omitzero"`
}

// generated reports what a generator did, also when it failed half-way.
func (a *app) generated(c *cli.Command, r project.Report, err error) error {
	o := newOutput(a.stdout, c.Bool("json"))
	switch {
	case o.json && err == nil:
		o.value(generatedLine(r))
	case !o.json:
		for _, f := range r.Written {
			o.printf("wrote    %s\n", f)
		}
		for _, f := range r.Changed {
			o.printf("changed  %s\n", f)
		}
		if err == nil && len(r.Written)+len(r.Changed) == 0 {
			o.printf("It is there already; nothing was changed.\n")
		}
	}
	if err != nil {
		return a.notGenerated(c, r, err)
	}
	if !o.json {
		o.printf("\nNext:\n")
		for _, line := range r.Next {
			o.printf("  %s\n", line)
		}
	}
	return o.err
}

// notGenerated is the error of a generator, which is one of the arguments when
// nothing was written. The output of the go command precedes it, unchanged.
func (a *app) notGenerated(c *cli.Command, r project.Report, err error) error {
	if failed, ok := errors.AsType[*project.GoError](err); ok && !c.Bool("json") {
		newOutput(a.stderr, false).printf("%s\n", failed.Output)
	}
	if len(r.Written)+len(r.Changed) == 0 {
		return &exitError{exitUsage, err}
	}
	return err
}
