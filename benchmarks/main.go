// Command benchmarks measures Daybook beside other event stores on DynamoDB. It is a
// module of its own, so that no user of Daybook downloads those.
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

	"daybook/benchmarks/peer"
	"daybook/benchmarks/report"
	"daybook/benchmarks/runner"
)

// usage is what a call without a known command prints.
const usage = `benchmarks: Daybook beside its peers, on one store

  go run . run [-out results.jsonl]    all peers; needs what run.sh builds
  go run . quick [-recorded FILE]      the peers in Go: lines "ratio NAME VALUE"; fails
                                       when one is a fifth below FILE's
  go run . report [-results FILE]      writes docs/benchmarks.md, the README's table and the plots
  go run . ratios [-results FILE]      prints the results as lines "ratio NAME VALUE"
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return unknown()
	}
	switch name, rest := args[0], args[1:]; name {
	case "run":
		return full(ctx, rest)
	case "quick":
		return quick(ctx, rest)
	case "report":
		return withResults("report", rest, func(r *report.Results) error { return report.Files(r, root) })
	case "ratios":
		return withResults("ratios", rest, func(r *report.Results) error { return report.PrintRatios(os.Stdout, report.Ratios(r)) })
	case "client":
		if len(rest) != 3 {
			return errors.New("usage: client NAME URL PAYLOADS")
		}
		return peer.Serve(ctx, rest[0], rest[1], rest[2], os.Stdin, os.Stdout)
	}
	return unknown()
}

func unknown() error {
	fmt.Fprint(os.Stderr, usage)
	return errors.New("unknown command: run one of those above")
}

// root is the repository, seen from this module.
const root = ".."

// inGo starts a peer in Go: this program as its client.
func inGo(name string) (runner.Client, error) {
	self, err := os.Executable()
	return runner.Client{Name: name, Args: []string{self, "client", name}}, err
}

func goClients() (clients []runner.Client, err error) {
	for _, name := range []string{peer.NameDaybook, peer.NameBare, peer.NameAdapter} {
		c, err := inGo(name)
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

func full(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	out := flags.String("out", "results.jsonl", "the file to write")
	rust := flags.String("dynamo-es", filepath.Join("dynamo-es", "target", "release", "peer"), "the client in Rust")
	if err := flags.Parse(args); err != nil {
		return err
	}
	clients, err := goClients()
	if err != nil {
		return err
	}
	clients = append(clients,
		runner.Client{Name: report.Castore, Args: []string{"node", filepath.Join("castore", "client.mjs")}},
		runner.Client{Name: report.DynamoES, Args: []string{*rust, "events"}},
		runner.Client{Name: report.DynamoSnapshots, Args: []string{*rust, "snapshots"}})
	results := &report.Results{}
	size := runner.Full()
	if results.Run, err = runner.Describe(ctx, "make peers", size.Rounds); err != nil {
		return err
	}
	if results.All, err = runner.Run(ctx, clients, size, os.Stderr); err != nil {
		return err
	}
	return writeFile(*out, results.Write)
}

func quick(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("quick", flag.ContinueOnError)
	recorded := flags.String("recorded", "", "the file of recorded ratios")
	out := flags.String("out", "", "a file to write the results to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	clients, err := goClients()
	if err != nil {
		return err
	}
	all, err := runner.Run(ctx, clients, runner.Quick(), io.Discard)
	if err != nil {
		return err
	}
	results := &report.Results{All: all}
	if *out != "" {
		if err := writeFile(*out, results.Write); err != nil {
			return err
		}
	}
	ratios := report.Ratios(results)
	if err := report.PrintRatios(os.Stdout, ratios); err != nil || *recorded == "" {
		return err
	}
	text, err := os.ReadFile(*recorded)
	if err != nil {
		return err
	}
	return report.Fallen(ratios, string(text))
}

func withResults(name string, args []string, do func(*report.Results) error) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	file := flags.String("results", "results.jsonl", "the file of results")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := os.Open(*file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	r, err := report.Read(f)
	if err != nil {
		return err
	}
	return do(r)
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
