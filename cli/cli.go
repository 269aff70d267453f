package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"daybook"
	"daybook/process"
)

// Main runs one command line of an application and ends the process with its exit
// code.
func Main(app daybook.App) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, app, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// subcommands lists the subcommands, one line each, in the order of the help.
func subcommands(a *app) []*cli.Command {
	return []*cli.Command{
		streamsCommand(a),
		showCommand(a),
		tailCommand(a),
		explainCommand(a),
		sendCommand(a),
		statusCommand(a),
		commandsCommand(a),
		schemaCommand(a),
		viewsCommand(a),
		lagCommand(a),
		verifyCommand(a),
		rehearseCommand(a),
		eraseCommand(a),
		parkedCommand(a),
		redriveCommand(a),
		deadCommand(a),
		rebuildCommand(a),
		switchCommand(a),
		dropCommand(a),
		claimsCommand(a),
		tenantCommand(a),
		consoleCommand(a),
		exportCommand(a),
		importCommand(a),
		benchCommand(a),
		costCommand(a),
		mcpCommand(a),
		simulateCommand(a),
		initCommand(a),
		newCommand(a),
	}
}

// app is what all subcommands share.
type app struct {
	of             daybook.App
	stdin          io.Reader
	stdout, stderr io.Writer
	dropDelay      time.Duration     // admin.DropDelay when 0
	lease          time.Duration     // of a rebuild's parts; that of admin.RebuildOptions when 0
	transport      http.RoundTripper // to DynamoDB and SQS; the network when nil

	// The effects that process managers and outboxes are redriven with.
	timers    process.Timers
	publisher process.Publisher
}

// run does one command line and returns the exit code.
func run(ctx context.Context, of daybook.App, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return (&app{of: of, stdin: stdin, stdout: stdout, stderr: stderr}).run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	err := a.root().Run(ctx, append([]string{a.of.Name}, args...))
	if err == nil {
		return exitOK
	}
	if silent, ok := errors.AsType[*exitError](err); !ok || silent.err != nil {
		a.report(ctx, a.withNextStep(withHint(err)), asksForJSON(args))
	}
	return exitCode(ctx, err)
}

// report writes an error to standard error: a sentence, or one JSON object.
func (a *app) report(ctx context.Context, err error, asJSON bool) {
	if !asJSON {
		fmt.Fprintf(a.stderr, "%s: %s\n", a.of.Name, line(err))
		return
	}
	newOutput(a.stderr, true).value(struct {
		Error failure `json:"error"`
	}{failureOf(ctx, err)})
}

// asksForJSON reports whether -json is among the arguments. They may be wrong
// otherwise, so that no parser has read them.
func asksForJSON(args []string) bool {
	asks := false
	for _, arg := range args {
		switch arg {
		case "--":
			return asks
		case "-json", "--json", "-json=true", "--json=true":
			asks = true
		case "-json=false", "--json=false":
			asks = false
		}
	}
	return asks
}

func (a *app) root() *cli.Command {
	root := &cli.Command{
		Name:  a.of.Name,
		Usage: "look at, check and repair an installation of " + a.of.Title(),
		Description: "Flags go before or behind the arguments, with one hyphen or two. Without -stage it\n" +
			"uses the local stack (GOTOOLCHAIN=auto go run ./localstack). Daybook's docs/cli.md describes everything.\n\n" + exitHelp(),
		Reader: a.stdin, Writer: a.stdout, ErrWriter: a.stderr,
		Version:               version(),
		Flags:                 globalFlags(a.of),
		Commands:              subcommands(a),
		HideHelpCommand:       true,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a completion script for bash, zsh, fish or pwsh"
		},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run turns errors into codes
		Action: func(ctx context.Context, c *cli.Command) error {
			switch name := c.Args().First(); name {
			case "", "help", "h":
				if of := c.Args().Get(1); of != "" {
					return cli.ShowCommandHelp(ctx, c, of)
				}
				return cli.ShowRootCommandHelp(c)
			}
			return noSubcommand(c, "see "+a.of.Name+" -help")
		},
	}
	all := append([]*cli.Command{root}, root.Commands...)
	for _, c := range root.Commands {
		all = append(all, c.Commands...)
	}
	for _, c := range all {
		c.OnUsageError = wrongFlag
		for _, f := range c.Flags {
			hideZero(f)
		}
	}
	return root
}
