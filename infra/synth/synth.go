package synth

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/aws/jsii-runtime-go"

	"daybook"
	"daybook/infra/bundle"
	"daybook/infra/settings"
	"daybook/infra/shapes"
	"daybook/infra/stack"
)

// Main is the CDK app of an application: it reads the settings, builds the functions
// below the current directory, and writes the template. An error ends the process
// with status 1 and a message.
func Main(app daybook.App) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, app)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", app.Name, err)
		os.Exit(1)
	}
}

// buildOptions are what the settings ask of the functions' binaries.
func buildOptions(s settings.Settings) bundle.Options { return bundle.Options{OTLP: s.OTLP != ""} }

// run synthesizes the stack in the current directory, the root of the project.
func run(ctx context.Context, app daybook.App) error {
	s, err := settings.FromProcess(app.Name)
	if err != nil {
		return err
	}
	if err := checkNode(ctx); err != nil {
		return err
	}
	if err := app.Check(); err != nil {
		return fmt.Errorf("the application's declaration is invalid: %w", err)
	}
	schema, err := stack.SchemaOf(app)
	if err != nil {
		return err
	}
	if err := stack.CheckTenancy(app.Tenancy.Claim, s); err != nil {
		return err
	}
	missing, err := shapes.Check(os.DirFS("domain"), app.Views)
	if err != nil {
		return err
	}
	for _, file := range missing {
		fmt.Fprintf(os.Stderr, "%s: schema/views/%s is missing, so changes of the view go unnoticed here: go test ./domain/... -update writes it\n", app.Name, file)
	}
	arch := bundle.ARM64
	if s.Architecture == settings.X8664 {
		arch = bundle.AMD64
	}
	if s.Functions != settings.NoFunctions {
		if err := bundle.Build(ctx, ".", arch, buildOptions(s), bundle.Functions()...); err != nil {
			return err
		}
	}
	defer jsii.Close()
	out := stack.NewApp("")
	stack.New(out, stack.Props{
		Settings: s, Schema: schema, Commands: app.Commands(),
		Code: func(function string) string { return bundle.Zip(".", arch, function) },
	})
	out.Synth(nil)
	return nil
}
