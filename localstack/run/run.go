package run

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
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"daybook"
	"daybook/localstack/gateway"
	"daybook/localstack/stack"
	"daybook/nearest"
	"daybook/telemetry/collector"
)

// Main runs the local stack of an application by the program's arguments, and does
// not return. demo is the traffic of -demo; an application may have none.
func Main(app daybook.App, demo ...Demo) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	free := tuneGC()
	watched(os.Stdin, stop)
	code := run(ctx, app, demo, os.Args[1:], os.Stdout, os.Stderr)
	free()
	os.Exit(code)
}

// ballast is memory that is never used, in bytes. It makes the collector wait for
// garbage of a quarter of it, at least.
const ballast = 256 << 20

// tuneGC tells the garbage collector when to run, and returns what undoes that. The
// embedded DynamoDB's rows are out of the collector's sight, so that a collection is
// cheap, and waiting for garbage to be as much again as they are is not: it waits for a
// quarter. As long as there are few rows, a quarter would be a megabyte, and a collection
// due every dozen commands: most of their processor time. The ballast, of which the
// operating system gives no page until it is used, makes it 64 MB.
func tuneGC() (undo func()) {
	unused := make([]byte, ballast)
	before := debug.SetGCPercent(25)
	return func() {
		debug.SetGCPercent(before)
		runtime.KeepAlive(unused)
	}
}

// run runs the stack until ctx ends and returns the exit code: 0 for a clean end,
// 1 for a stack that could not start or stop, 2 for arguments that make no sense.
func run(ctx context.Context, app daybook.App, demo []Demo, args []string, stdout, stderr io.Writer) int {
	options, mode, err := parse(app.Name, args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case mode.reset:
		return deleteData(app, options.Data, stdout, stderr)
	case mode.demo && len(demo) == 0:
		fmt.Fprintf(stderr, "%s: -demo: the application has no demo; pass one to run.Main\n", app.Name)
		return 2
	case mode.watch:
		return watch(ctx, app.Name, options.Addr, args, stdout, stderr)
	}
	waiting := &announcer{name: app.Name, w: stderr}
	options.Doing = waiting.doing
	s, err := stack.Start(ctx, app, options)
	waiting.end()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", app.Name, line(err))
		return 1
	}
	fmt.Fprint(stdout, welcome(app, s, options))
	if mode.demo {
		go newTraffic(demo[0], s.URL(), sampleTenant(app), time.Now(), stderr).send(ctx)
	}
	<-ctx.Done()
	if err := s.Close(); err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", app.Name, line(err))
		return 1
	}
	fmt.Fprintln(stdout, app.Title()+" has stopped.")
	return 0
}

// deleteData deletes the data directory and returns the exit code.
func deleteData(app daybook.App, dir string, stdout, stderr io.Writer) int {
	deleted, err := stack.Reset(dir)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", app.Name, line(err))
		return 1
	}
	if !deleted {
		fmt.Fprintf(stdout, "There is no data in %s.\n", absolute(dir))
		return 0
	}
	fmt.Fprintf(stdout, "The data in %s was deleted.\n", absolute(dir))
	return 0
}

// mode is what to do beside starting a stack, or in its place.
type mode struct {
	reset bool // delete the data and exit
	demo  bool // send the demo's traffic
	watch bool // start again whenever a Go file changes
}

// parse reads the arguments; it has told the user about an error it returns.
func parse(name string, args []string, stderr io.Writer) (o stack.Options, m mode, err error) {
	o.LogTo = stderr
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // explain says it shorter
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "`address` of the API")
	flags.StringVar(&o.Data, "data", ".daybook", "`directory` that keeps the data; \"\" keeps nothing")
	flags.StringVar(&o.DynamoDBAddr, "dynamodb-addr", "127.0.0.1:8000", "`address` of the embedded DynamoDB, SQS, EventBridge and EventBridge Scheduler for AWS clients; \"\" for none")
	flags.StringVar(&o.Endpoint, "endpoint", "", "`URL` of a DynamoDB to use in place of the embedded one: LocalStack, DynamoDB Local")
	flags.StringVar(&o.Outbox, "outbox", "", "`file or URL` that integration events are appended or posted to; \"none\" for nowhere (default: outbox.jsonl in the data directory)")
	flags.StringVar(&o.Stage, "stage", "", "`name` of the API's stage; it stands in front of every path (default: \"local\" with -rest)")
	flags.Float64Var(&o.Rate, "rate", 0, "`requests` per second that the API accepts, in bursts of twice as many; more are refused with 429; 0 for no limit")
	rest := flags.Bool("rest", false, "be a REST API; the default is an HTTP API")
	origins := flags.String("cors-origin", "", "comma-separated `origins` whose web pages may call the API, such as http://localhost:5173; \"*\" for any")
	flags.StringVar(&o.OTLP, "otlp", "", "`URL` of an OpenTelemetry collector that gets spans by OTLP over HTTP, such as http://localhost:4318; \"\" for none")
	hostile := flags.Bool("hostile", false, "let the embedded DynamoDB reorder, repeat and delay stream records, throttle, and lose answers")
	seed := flags.Uint64("seed", 1, "`number` that fixes what -hostile does")
	flags.BoolVar(&m.demo, "demo", false, "send plausible commands to the API, two in a second for an hour, so that there is something to see")
	flags.BoolVar(&m.watch, "watch", false, "build and start again whenever a Go file of the module changes; the data is kept")
	flags.BoolVar(&m.reset, "reset", false, "delete the directory -data and exit; refused while a stack uses it, or if it holds anything that is not Daybook's")
	flags.TextVar(&o.LogLevel, "log-level", slog.LevelWarn, "lowest `level` to log: debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return o, m, explain(name, flags, err, stderr)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "%s: %q is not a flag; see -help\n", name, flags.Arg(0))
		return o, m, errors.New("unexpected arguments")
	}
	if *rest {
		o.Format = gateway.RESTAPI
	}
	if *origins != "" {
		o.CORSOrigins = strings.Split(*origins, ",")
	}
	if err := errors.Join(checkOrigins(o), checkCollector(o), checkRate(o)); err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", name, line(err))
		return o, m, err
	}
	if *hostile {
		o.Hostile = stack.Hostile(*seed)
	}
	if m.reset && (o.Data == "" || o.Endpoint != "") {
		fmt.Fprintf(stderr, "%s: -reset deletes the directory of -data, and no tables at -endpoint: name the directory, and no endpoint\n", name)
		return o, m, errors.New("nothing to reset")
	}
	return o, m, nil
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

// checkCollector reports what is wrong with -otlp.
func checkCollector(o stack.Options) error {
	if o.OTLP == "" {
		return nil
	}
	if _, err := collector.Endpoint(o.OTLP); err != nil {
		return fmt.Errorf("-otlp: %w", err)
	}
	return nil
}

// maxRate is API Gateway's quota of requests per second for an account.
const maxRate = 10_000

// checkRate reports what is wrong with -rate.
func checkRate(o stack.Options) error {
	if !(o.Rate >= 0 && o.Rate <= maxRate) { // NaN is neither
		return fmt.Errorf("-rate: %v is not within 0 (no limit) to %d requests per second", o.Rate, maxRate)
	}
	return nil
}

// explain tells the user about an error of flags.Parse, and returns it. The list
// of flags is for those who ask: it would hide the one line about a mistyped flag.
func explain(name string, flags *flag.FlagSet, err error, stderr io.Writer) error {
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(stderr)
		fmt.Fprintf(stderr, "Usage of %s:\n", flags.Name())
		flags.PrintDefaults()
		return err
	}
	if given, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		names := func(yield func(string) bool) {
			more := true
			flags.VisitAll(func(f *flag.Flag) { more = more && yield("-"+f.Name) })
		}
		err = fmt.Errorf("there is no flag -%s%s", given, nearest.Hint("-"+given, names))
	}
	fmt.Fprintf(stderr, "%s: %s (see -help)\n", name, line(err))
	return err
}

// line makes one line of an error.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// absolute is a path in full, for readers in another directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
