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
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "catalogue:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("catalogue", flag.ContinueOnError)
	flags.SetOutput(stderr)
	api := flags.String("api", "http://127.0.0.1:8080", "where the HTTP API answers")
	dir := flags.String("dir", "", "the folder with customers.csv, products.csv and orders.csv")
	parallel := flags.Int("parallel", 4, "batches on their way at once")
	limit := flags.Int("limit", 0, "rows to take of each file at most; 0 takes all")
	compare := flags.String("compare", "", "measure bare PutItem on this DynamoDB endpoint too, before and after the load")
	patience := flags.Duration("patience", 30*time.Second, "how long to go on trying when the API does not answer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not a flag: name the address of the API with -api", flags.Arg(0))
	}
	if *dir == "" {
		return errors.New("-dir is missing: the folder with the CSV files")
	}
	l := &loading{sender: newSender(*api, *parallel, *patience), dir: *dir, limit: *limit, stdout: stdout, stderr: stderr}
	if *compare == "" {
		return l.all(ctx)
	}
	return l.compared(ctx, *compare, *parallel)
}

// loading is one load of all files.
type loading struct {
	sender         *sender
	dir            string
	limit          int
	stdout, stderr io.Writer

	commands int
	took     time.Duration
}

func (l *loading) all(ctx context.Context) error {
	for _, f := range files() {
		in, err := os.Open(filepath.Join(l.dir, f.name))
		if err != nil {
			return err
		}
		commands, err := f.read(in)
		in.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if l.limit > 0 && len(commands) > l.limit {
			commands = commands[:l.limit]
		}
		if err := l.load(ctx, f, commands); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// compared loads between two measurements of the bare store.
func (l *loading) compared(ctx context.Context, endpoint string, workers int) error {
	b, err := openBare(ctx, endpoint)
	if err != nil {
		return err
	}
	before, err := b.measure(ctx, workers)
	if err != nil {
		return err
	}
	if err := l.all(ctx); err != nil {
		return err
	}
	after, err := b.measure(ctx, workers)
	if err != nil {
		return err
	}
	report(l.stdout, l.commands, l.took, before, after)
	return b.close(ctx)
}

// load sends the commands of one file, with a progress bar.
func (l *loading) load(ctx context.Context, f file, commands []command) error {
	bar := progressbar.NewOptions(len(commands),
		progressbar.OptionSetWriter(l.stderr),
		progressbar.OptionSetDescription(fmt.Sprintf("%-12s", f.command)),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("commands"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(l.stderr) }),
	)
	begin := time.Now()
	tally, err := l.sender.send(ctx, commands, func(n int) { _ = bar.Add(n) })
	took := time.Since(begin)
	l.commands, l.took = l.commands+len(commands), l.took+took
	fmt.Fprintf(l.stdout, "%s: %d accepted, %d repeated, %d refused in %.1f s, %.0f commands/s\n",
		f.command, tally.accepted, tally.repeated, tally.refused, took.Seconds(), float64(len(commands))/took.Seconds())
	if err == nil && tally.refused > 0 {
		return fmt.Errorf("%d commands were refused, the first with: %s", tally.refused, tally.first)
	}
	return err
}
