package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"daybook/events"
)

// The exit codes: see exits.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3
	exitRefused     = 4
	exitNotFound    = 5
	exitInterrupted = 130
)

// exit is an exit code with its meaning.
type exit struct {
	code    int
	name    string // the code of an error, in JSON, that has none of its own
	meaning string
}

// exits are the exit codes; the help prints them, and docs/cli.md has the same
// table.
func exits() []exit {
	return []exit{
		{exitOK, "", "done"},
		{exitFailed, "failed", "failed: the database is unreachable, permissions are missing, data can't be read"},
		{exitUsage, "usage", "wrong arguments: an unknown subcommand, flag or name, a value out of range, or a question that nobody was there to answer"},
		{exitFound, "found", "a check found something: `verify`, `rehearse`, `claims`, `lag -max`, `parked -check`, `dead list -check`, `explain -check`, a limit of `bench`; `tenant delete` when something is left; `redrive` when a stream stays parked; `dead redrive` when a letter failed again; `export` when it leaves out damaged streams; `import` when it holds unknown events; `simulate` when a run breaks something"},
		{exitRefused, "refused", "`send`: the command was rejected"},
		{exitNotFound, "not-found", "no such stream, or not at that version; no such queued command or dead letter"},
		{exitInterrupted, "interrupted", "stopped by a signal; `tail` exits with 0 instead"},
	}
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

// usage is the error of wrong arguments.
func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// found is the error of a check that found something and has reported it.
func found() error { return &exitError{code: exitFound} }

func exitCode(ctx context.Context, err error) int {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		return exitInterrupted
	case events.CodeOf(err) == events.CodeNotFound:
		return exitNotFound
	case events.CodeOf(err) == events.CodeTenantRequired:
		return exitUsage
	}
	return exitFailed
}

// failure is an error as JSON.
type failure struct {
	Code    events.Code    `json:"code"`
	Message string         `json:"message"`
	Exit    int            `json:"exit"`
	Errors  []events.Field `json:"errors,omitempty"`
}

func failureOf(ctx context.Context, err error) failure {
	f := failure{Message: line(err), Exit: exitCode(ctx, err)}
	for _, e := range exits() {
		if e.code == f.Exit {
			f.Code = events.Code(e.name)
		}
	}
	if e, ok := errors.AsType[*events.Error](err); ok {
		f.Code, f.Errors = e.Code, e.Fields
		f.Message = strings.TrimPrefix(f.Message, string(e.Code)+": ")
		if f.Exit == exitRefused || f.Exit == exitNotFound { // without fields and cause
			f.Message = e.Message
		}
	}
	return f
}

// withHint is an error as an operator reads it: when nothing listens at an address
// of this machine, the local stack is not running.
func withHint(err error) error {
	called, ok := errors.AsType[*url.Error](err)
	if !ok || !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	to, parseErr := url.Parse(called.URL)
	if parseErr != nil || !loopback(to.Hostname()) {
		return err
	}
	return &exitError{exitFailed, events.Errorf(events.CodeUnavailable,
		"nothing listens at %s://%s: start it with GOTOOLCHAIN=auto go run ./localstack, or name another address", to.Scheme, to.Host)}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// line makes one line of an error.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
