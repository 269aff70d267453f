package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

// errDifferent is returned when the engines differ in what nobody explained, or
// an explanation explains nothing.
var errDifferent = errors.New("the comparison failed")

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	engine   string
	endpoint string
	command  string
	allow    string
	only     string
	verbose  bool
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.engine, "engine", "", "the other engine's `name`, which is that of its allow file")
	flags.StringVar(&o.endpoint, "endpoint", "", "`URL` of an engine that runs already")
	flags.StringVar(&o.command, "exec", "", "`command` that starts the engine; {port} stands for its port")
	flags.StringVar(&o.allow, "allow", "localstack/compare/allow", "`folder` of the allow files")
	flags.StringVar(&o.only, "only", "", "play only cases whose name begins with `prefix`")
	flags.BoolVar(&o.verbose, "v", false, "show explained differences too")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.engine == "" || (o.endpoint == "") == (o.command == "") {
		return o, errors.New("want -engine, and either -endpoint or -exec")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parseOptions(args, out)
	if err != nil {
		return err
	}
	allow, err := readAllowances(filepath.Join(o.allow, o.engine+".txt"))
	if err != nil {
		return err
	}
	mine, err := serveOurs(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mine.stop()) }()
	other := engine(remote{newClient(o.endpoint)})
	if o.command != "" {
		if other, err = startProcess(ctx, o.command); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, other.stop()) }()
	r := &report{out: out, allow: allow, verbose: o.verbose}
	for _, c := range allCases() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !strings.HasPrefix(c.name, o.only) {
			continue
		}
		r.add(c, differences(ctx, c, mine, other))
	}
	return r.finish(o.engine, o.only == "")
}

func readAllowances(name string) (allowances, error) {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // an engine without a file has nothing explained
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, err := parseAllowances(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// differences plays a case on both engines.
func differences(ctx context.Context, c testCase, mine, other engine) []string {
	const prefix = "cmp-"
	left, errLeft := (&player{engine: mine, prefix: prefix}).play(ctx, c)
	p := &player{engine: other, prefix: prefix}
	right, errRight := p.play(ctx, c)
	if errLeft != nil || errRight != nil {
		return []string{fmt.Sprintf("set-up\n    ours  %v\n    other %v", errLeft, errRight)}
	}
	lines := compare(c, p.table(c), left, right)
	for _, a := range right {
		if a.lost == nil {
			continue
		}
		died, err := other.revive(ctx)
		if died {
			lines = append(lines, "the other engine's process ended")
		}
		if err != nil {
			lines = append(lines, err.Error())
		}
		break
	}
	return lines
}

// report tells what the cases showed.
type report struct {
	out     io.Writer
	allow   allowances
	verbose bool

	same, explained int
	failed          []string
}

func (r *report) add(c testCase, lines []string) {
	a := r.allow.find(c.name)
	if a != nil && len(lines) > 0 {
		a.used = true
	}
	switch {
	case len(lines) == 0:
		r.same++
		return
	case a != nil:
		r.explained++
		if !r.verbose {
			return
		}
		r.printf("allowed %s (%s: %s)\n", c.name, a.verdict, a.reason)
	default:
		r.failed = append(r.failed, c.name)
		r.printf("DIFFERS %s\n", c.name)
	}
	for _, line := range lines {
		r.printf("  %s\n", line)
	}
}

// finish prints the sums. With all cases played, an allowance that no case used
// is a failure.
func (r *report) finish(engine string, all bool) error {
	if all {
		for _, a := range r.allow {
			if !a.used {
				r.failed = append(r.failed, a.pattern)
				r.printf("UNUSED  %s: explains no difference\n", a.pattern)
			}
		}
	}
	r.printf("%s: %d cases the same, %d explained, %d failed\n", engine, r.same, r.explained, len(r.failed))
	if len(r.failed) > 0 {
		return fmt.Errorf("%w: %s", errDifferent, strings.Join(r.failed, ", "))
	}
	return nil
}

func (r *report) printf(format string, args ...any) { fmt.Fprintf(r.out, format, args...) }
