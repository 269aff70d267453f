package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/domain"
	"daybook/events"
	"daybook/process"
)

// The exit codes; docs/cli.md promises them.
const (
	exitOK          = 0
	exitFailed      = 1   // the command could not be done
	exitUsage       = 2   // the arguments make no sense
	exitFound       = 3   // a check was done and found something wrong
	exitRefused     = 4   // send: the command was refused
	exitNotFound    = 5   // there is no such stream or row
	exitInterrupted = 130 // stopped by a signal
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// subcommands lists the subcommands, one line each, in the order of the help.
func subcommands(a *app) []*cli.Command {
	return []*cli.Command{
		streamsCommand(a),
		showCommand(a),
		tailCommand(a),
		sendCommand(a),
		statusCommand(a),
		viewsCommand(a),
		lagCommand(a),
		verifyCommand(a),
		parkedCommand(a),
		redriveCommand(a),
		deadCommand(a),
		rebuildCommand(a),
		switchCommand(a),
		dropCommand(a),
		claimsCommand(a),
		exportCommand(a),
		importCommand(a),
	}
}

// app is what all subcommands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	dropDelay      time.Duration // view.DropDelay when 0
	lease          time.Duration // of a rebuild's parts; that of view.RebuildOptions when 0

	// The process managers and outboxes, and what they are redriven with.
	reactors  []process.Reactor
	timers    process.Timers
	publisher process.Publisher
}

// run does one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return (&app{stdin: stdin, stdout: stdout, stderr: stderr, reactors: domain.Processes()}).run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	err := a.root().Run(ctx, append([]string{"daybook"}, args...))
	if err == nil {
		return exitOK
	}
	var silent *exitError
	if !errors.As(err, &silent) || silent.err != nil {
		fmt.Fprintln(a.stderr, "daybook:", line(err))
	}
	return exitCode(ctx, err)
}

func (a *app) root() *cli.Command {
	root := &cli.Command{
		Name:  "daybook",
		Usage: "look at, check and repair a Daybook installation",
		Description: "Flags go before or behind the arguments, with one hyphen or two. Without -stage it\n" +
			"speaks to the local stack (go run ./localstack). docs/cli.md describes it all.",
		Reader: a.stdin, Writer: a.stdout, ErrWriter: a.stderr,
		Flags:                 globalFlags(),
		Commands:              subcommands(a),
		HideVersion:           true,
		HideHelpCommand:       true,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a completion script for bash, zsh, fish or pwsh"
		},
		ExitErrHandler: func(context.Context, *cli.Command, error) {}, // run turns errors into codes
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return usage("there is no subcommand %q; see daybook -help", c.Args().First())
			}
			return cli.ShowRootCommandHelp(c)
		},
	}
	all := append([]*cli.Command{root}, root.Commands...)
	for _, c := range root.Commands {
		all = append(all, c.Commands...)
	}
	for _, c := range all {
		c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return &exitError{exitUsage, err} }
	}
	return root
}

// exitError is an error with an exit code of its own; err nil says nothing more,
// since the output has said it.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage is the error of arguments that make no sense.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// found is the error of a check that found something and has said what.
func found() error { return &exitError{code: exitFound} }

func exitCode(ctx context.Context, err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case events.CodeOf(err) == events.CodeNotFound:
		return exitNotFound
	}
	return exitFailed
}

// line makes one line of an error.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
