package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/aws/jsii-runtime-go"

	"daybook/aggregate"
	"daybook/domain"
	"daybook/infra/bundle"
	"daybook/infra/settings"
	"daybook/infra/shapes"
	"daybook/infra/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "daybook:", err)
		os.Exit(1)
	}
}

// run synthesizes the app in the current directory, the root of the repository.
func run(ctx context.Context) error {
	s, err := settings.FromProcess()
	if err != nil {
		return err
	}
	if err := checkNode(ctx); err != nil {
		return err
	}
	schema, err := stack.SchemaOf(domain.Views(), domain.Processes())
	if err != nil {
		return err
	}
	missing, err := shapes.Check(os.DirFS("domain"), domain.Views())
	if err != nil {
		return err
	}
	for _, file := range missing {
		fmt.Fprintf(os.Stderr, "daybook: schema/views/%s is missing, so changes of the view go unnoticed here: go test ./domain/... -update writes it\n", file)
	}
	arch := bundle.ARM64
	if s.Architecture == settings.X8664 {
		arch = bundle.AMD64
	}
	if s.Functions != settings.NoFunctions {
		if err := bundle.Build(ctx, ".", arch, bundle.Functions()...); err != nil {
			return err
		}
	}
	defer jsii.Close()
	app := stack.NewApp("")
	stack.New(app, stack.Props{
		Settings: s, Schema: schema, Commands: commands(),
		Code: func(function string) string { return bundle.Zip(".", arch, function) },
	})
	app.Synth(nil)
	return nil
}

// commands are those of all aggregates.
func commands() (all []aggregate.Description) {
	for _, a := range domain.Aggregates() {
		all = append(all, a.Describe()...)
	}
	return all
}
