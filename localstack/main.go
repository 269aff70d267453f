// Command localstack is Daybook on one machine: the API, the functions, the event
// source mappings and an embedded DynamoDB, SQS, EventBridge Scheduler and
// EventBridge in one process.
//
//	go run ./localstack
//
// It prints where to send requests. Ctrl-C stops it. See -help for its flags.
//
// Callers are not authenticated: events carry the actor "local", or what the
// header X-Daybook-Actor says, and callers have all scopes, or those that the header
// X-Daybook-Scopes says. The data directory holds the embedded DynamoDB
// (dynamodb), with what the embedded queue and timers keep; how far the projector
// and the process function are in the stream (checkpoints, checkpoints-process);
// batches that they gave up (on-failure), laid out as Lambda writes them to S3; and
// integration events (outbox.jsonl), unless -outbox says otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"daybook/localstack/gateway"
	"daybook/localstack/stack"
	"daybook/nearest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	// The embedded DynamoDB's rows are out of the collector's sight, so that a
	// collection is cheap, and waiting for garbage to be as much again is not.
	debug.SetGCPercent(25)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the stack until ctx ends and returns the exit code: 0 for a clean end,
// 1 for a stack that could not start or stop, 2 for arguments that make no sense.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	options, reset, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if reset {
		return deleteData(options.Data, stdout, stderr)
	}
	waiting := &announcer{w: stderr}
	options.Doing = waiting.doing
	s, err := stack.Start(ctx, options)
	waiting.end()
	if err != nil {
		fmt.Fprintln(stderr, "daybook:", line(err))
		return 1
	}
	fmt.Fprint(stdout, welcome(s, options))
	<-ctx.Done()
	if err := s.Close(); err != nil {
		fmt.Fprintln(stderr, "daybook:", line(err))
		return 1
	}
	fmt.Fprintln(stdout, "Daybook has stopped.")
	return 0
}

// deleteData deletes the data directory and returns the exit code.
func deleteData(dir string, stdout, stderr io.Writer) int {
	deleted, err := stack.Reset(dir)
	if err != nil {
		fmt.Fprintln(stderr, "daybook:", line(err))
		return 1
	}
	if !deleted {
		fmt.Fprintf(stdout, "There is no data in %s.\n", absolute(dir))
		return 0
	}
	fmt.Fprintf(stdout, "The data in %s was deleted.\n", absolute(dir))
	return 0
}

// parse reads the arguments, and whether to delete the data instead of starting;
// it has told the user about an error it returns.
func parse(args []string, stderr io.Writer) (o stack.Options, reset bool, err error) {
	o.LogTo = stderr
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // explain says it shorter
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "`address` of the API")
	flags.StringVar(&o.Data, "data", ".daybook", "`directory` that keeps the data; \"\" keeps nothing")
	flags.StringVar(&o.DynamoDBAddr, "dynamodb-addr", "127.0.0.1:8000", "`address` of the embedded DynamoDB, SQS, EventBridge and EventBridge Scheduler for AWS clients; \"\" for none")
	flags.StringVar(&o.Endpoint, "endpoint", "", "`URL` of a DynamoDB to use in place of the embedded one: LocalStack, DynamoDB Local")
	flags.StringVar(&o.Outbox, "outbox", "", "`file or URL` that integration events are appended or posted to; \"none\" for nowhere (default: outbox.jsonl in the data directory)")
	flags.StringVar(&o.Stage, "stage", "", "`name` of the API's stage; it stands in front of every path (default: \"local\" with -rest)")
	rest := flags.Bool("rest", false, "be a REST API; the default is an HTTP API")
	origins := flags.String("cors-origin", "", "comma-separated `origins` whose web pages may call the API, such as http://localhost:5173; \"*\" for any")
	hostile := flags.Bool("hostile", false, "let the embedded DynamoDB reorder, repeat and delay stream records, throttle, and lose answers")
	seed := flags.Uint64("seed", 1, "`number` that fixes what -hostile does")
	flags.BoolVar(&reset, "reset", false, "delete the directory -data and exit; refused while a stack uses it, or if it holds anything that is not Daybook's")
	flags.TextVar(&o.LogLevel, "log-level", slog.LevelWarn, "lowest `level` to log: debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return o, false, explain(flags, err, stderr)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "daybook: %q is not a flag; see -help\n", flags.Arg(0))
		return o, false, errors.New("arguments left over")
	}
	if *rest {
		o.Format = gateway.RESTAPI
	}
	if *origins != "" {
		o.CORSOrigins = strings.Split(*origins, ",")
	}
	if err := checkOrigins(o); err != nil {
		fmt.Fprintln(stderr, "daybook:", err)
		return o, false, err
	}
	if *hostile {
		o.Hostile = stack.Hostile(*seed)
	}
	if reset && (o.Data == "" || o.Endpoint != "") {
		fmt.Fprintln(stderr, "daybook: -reset deletes the directory of -data, and no tables at -endpoint: name the directory, and no endpoint")
		return o, false, errors.New("nothing to reset")
	}
	return o, reset, nil
}

// checkOrigins reports what is wrong with -cors-origin.
func checkOrigins(o stack.Options) error {
	for _, origin := range o.CORSOrigins {
		if !gateway.ValidOrigin(origin) {
			return fmt.Errorf("-cors-origin: %q is not an origin, such as http://localhost:5173; a path or a slash at the end is not part of it", origin)
		}
	}
	if len(o.CORSOrigins) > 0 && o.Format == gateway.RESTAPI {
		return errors.New("-cors-origin: a REST API leaves CORS to the functions; leave out -rest for web pages of other origins")
	}
	return nil
}

// explain tells the user about an error of flags.Parse, and returns it. The list
// of flags is for those who ask: it would hide the one line about a mistyped flag.
func explain(flags *flag.FlagSet, err error, stderr io.Writer) error {
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprintf(stderr, "Usage of %s:\n", flags.Name())
		flags.PrintDefaults()
		return err
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		names := func(yield func(string) bool) {
			more := true
			flags.VisitAll(func(f *flag.Flag) { more = more && yield("-"+f.Name) })
		}
		err = fmt.Errorf("there is no flag -%s%s", name, nearest.Hint("-"+name, names))
	}
	fmt.Fprintf(stderr, "daybook: %s (see -help)\n", line(err))
	return err
}

// line makes one line of an error.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// welcome says where everything is and what to try. The commands work on every
// start: the same Idempotency-Key is the same command.
func welcome(s *stack.Stack, o stack.Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Daybook is running.\n\n  API       %s\n", s.URL())
	switch {
	case o.Endpoint != "":
		fmt.Fprintf(&b, "  DynamoDB  %s\n", o.Endpoint)
	case s.DynamoDBURL() != "":
		fmt.Fprintf(&b, "  DynamoDB  %s (for AWS clients, any credentials)\n", s.DynamoDBURL())
	}
	data := "kept nowhere"
	if o.Data != "" {
		data = absolute(o.Data)
	}
	fmt.Fprintf(&b, "  Data      %s\n", data)
	if outbox := s.Outbox(); outbox != "" {
		if !strings.Contains(outbox, "://") {
			outbox = absolute(outbox)
		}
		fmt.Fprintf(&b, "  Outbox    %s\n", outbox)
	}
	for _, note := range s.Notes() {
		fmt.Fprintf(&b, "\n%s.\n", note)
	}
	b.WriteString("\nTry:\n\n")
	url := s.URL()
	fmt.Fprintf(&b, "  curl -H 'Idempotency-Key: hello' --json '{\"id\":\"ada\",\"payload\":{\"name\":\"Ada\",\"email\":\"ada@example.com\"}}' %s/commands/create-user\n", url)
	fmt.Fprintf(&b, "  curl '%s/users/ada?after=user/ada@1'\n", url)
	fmt.Fprintf(&b, "  curl '%s/users?email=ada@example.com&after=user/ada@1'\n\nCtrl-C stops it.\n", url)
	return b.String()
}

// absolute is where a path leads, for who looks from another directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
