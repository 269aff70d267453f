package cli

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/cost"
	"daybook/load"
	"daybook/localstack/stack"
	"daybook/workload"
)

// longestBench is the longest load without -long.
const longestBench = 10 * time.Minute

func benchCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "bench",
		Usage: "send a mixed load and measure throughput, latency and projection lag",
		Description: "The load is open: requests begin when they should, whether earlier ones were answered or not, and\n" +
			"latencies count from then. Commands are made from the examples of the declared payloads, queries from\n" +
			"the views and their indexes. Without -url it starts a local stack in memory. With -url it writes to that\n" +
			"installation; anything but this machine needs -yes. Exits with 3 when a limit is broken.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Usage: "`URL` of the API; a stack in this process by default"},
			apiToken(), apiSign(),
			&cli.BoolFlag{Name: "yes", Usage: "do not ask before writing to an installation that is not on this machine"},
			&cli.FloatFlag{Name: "rate", Value: 100, Usage: "`REQUESTS` a second"},
			&cli.DurationFlag{Name: "for", Value: 30 * time.Second, Usage: "`DURATION` of the load; more than 10m needs -long"},
			&cli.BoolFlag{Name: "long", Usage: "allow more than 10m"},
			&cli.FloatFlag{Name: "queries", Value: 0.8, Usage: "`SHARE` of queries, between 0 and 1"},
			&cli.StringSliceFlag{Name: "weight", Usage: "`NAME=WEIGHT` of a command, of a view's rows by key, or of a page of VIEW/INDEX; may be repeated"},
			&cli.FloatFlag{Name: "surge", Value: 1, Usage: "`FACTOR` of the rate in the middle third"},
			&cli.IntFlag{Name: "streams", Value: 50, Usage: "`NUMBER` of streams that each creating command makes first"},
			&cli.IntFlag{Name: "in-flight", Value: 2000, Usage: "`NUMBER` of requests under way at most"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`NUMBER` that fixes when what is sent"},
			&cli.StringFlag{Name: "plot", Usage: "write an SVG image to `FILE`"},
			&cli.StringFlag{Name: "record", Usage: "write what was sent to `FILE`, for cost -trace"},
			&cli.DurationFlag{Name: "p99", Usage: "longest 99th percentile of commands and of queries, a `DURATION`"},
			&cli.DurationFlag{Name: "p99-lag", Usage: "longest 99th percentile of the projection lag, a `DURATION`"},
			&cli.IntFlag{Name: "failed", Usage: "`NUMBER` of requests that may fail"},
			&cli.IntFlag{Name: "goroutines", Usage: "`NUMBER` of goroutines that a stack in this process may have more after the load than before"},
			&cli.IntFlag{Name: "max-memory", Usage: "`MB` that a stack in this process may hold"},
		},
		Action: a.bench,
	}
}

func (a *app) bench(ctx context.Context, c *cli.Command) error {
	o, err := a.loadOptions(c)
	if err != nil {
		return err
	}
	if o.Plans, err = a.workload(ctx); err != nil {
		return err
	}
	stop, err := a.target(ctx, c, &o)
	if err != nil {
		return err
	}
	report, err := load.Run(ctx, o)
	if err = errors.Join(err, stop()); err != nil {
		return withHint(err)
	}
	if err := benchFiles(c, report); err != nil {
		return err
	}
	limits := load.Limits{
		P99: ms(c.Duration("p99")), P99Lag: ms(c.Duration("p99-lag")), Failed: c.Int("failed"),
		Growth: c.Int("goroutines"), Bytes: uint64(c.Int("max-memory")) << 20,
	}
	broken := report.Broken(limits)
	out := newOutput(a.stdout, c.Bool("json"))
	if out.json {
		out.value(struct {
			load.Report
			Broken []string `json:"broken"`
		}{report, append([]string{}, broken...)})
	} else {
		printReport(out, report)
		for _, text := range broken {
			out.printf("broken: %s\n", text)
		}
	}
	if err := ctx.Err(); err != nil { // the report is of what was sent until then
		return err
	}
	return out.result(len(broken) > 0)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// loadOptions reads the flags.
func (a *app) loadOptions(c *cli.Command) (load.Options, error) {
	o := load.Options{
		App: a.of, URL: c.String("url"), Rate: c.Float("rate"), For: c.Duration("for"), Surge: c.Float("surge"), Queries: c.Float("queries"),
		Streams: c.Int("streams"), InFlight: c.Int("in-flight"), Seed: c.Uint64("seed"), Run: "bench-" + strconv.FormatInt(time.Now().UnixMilli(), 36),
	}
	var err error
	if o.Weights, err = weightsOf("weight", c.StringSlice("weight")); err != nil {
		return o, err
	}
	switch {
	case c.Args().Len() > 0:
		return o, usage("bench takes no arguments; see -help")
	case !(o.Rate > 0 && o.Rate <= 1e6):
		return o, usage("-rate must be above 0 and at most 1e6 requests per second")
	case o.For < time.Second || o.For > longestBench && !c.Bool("long"):
		return o, usage("-for must be between 1s and %v; -long allows more", longestBench)
	case !(o.Surge >= 1 && o.Surge <= 1000):
		return o, usage("-surge must be between 1 and 1000")
	case !(o.Queries >= 0 && o.Queries <= 1):
		return o, usage("-queries must be a share between 0 and 1")
	case o.Streams < 1 || o.InFlight < 1 || c.Int("failed") < 0 || c.Int("goroutines") < 0 || c.Int("max-memory") < 0:
		return o, usage("-streams and -in-flight must be at least 1, limits at least 0")
	case o.URL != "" && (c.Int("goroutines") > 0 || c.Int("max-memory") > 0):
		return o, usage("-goroutines and -max-memory limit a stack in this process: leave out -url")
	}
	if o.URL == "" {
		return o, nil
	}
	to, err := url.Parse(o.URL)
	if err != nil || to.Host == "" {
		return o, usage("-url: %q is not the URL of an API", o.URL)
	}
	if !loopback(to.Hostname()) && !c.Bool("yes") {
		return o, usage("-url: the load writes to the installation at %s: pass -yes to confirm", to.Host)
	}
	return o, nil
}

// workload finds out which commands the examples lead to.
func (a *app) workload(ctx context.Context) (*workload.Plans, error) {
	i, err := cost.Open(ctx, a.of)
	if err != nil {
		return nil, err
	}
	defer func() { _ = i.Close() }() // it is in memory
	return workload.Find(ctx, aggregate.Public(a.of.Commands()), i.Handle)
}

// target is where the load goes: the API at a URL, or a stack in this process.
func (a *app) target(ctx context.Context, c *cli.Command, o *load.Options) (stop func() error, err error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxIdleConns = o.InFlight, o.InFlight
	client := direct(apiTimeout)
	client.Transport = transport
	if o.URL != "" {
		s, err := a.open(ctx, c)
		if err != nil {
			return nil, err
		}
		o.Send = func(r *http.Request) (*http.Response, error) {
			if err := s.authorize(r.Context(), c, r); err != nil {
				return nil, err
			}
			return client.Do(r)
		}
		return func() error { transport.CloseIdleConnections(); return nil }, nil
	}
	local, err := stack.Start(ctx, a.of, stack.Options{Outbox: stack.NoOutbox, LogTo: io.Discard, LogLevel: slog.LevelError})
	if err != nil {
		return nil, err
	}
	o.URL, o.Send = local.URL(), client.Do
	o.Watch, o.Settle = resources, transport.CloseIdleConnections
	return local.Close, nil
}

// resources are those of this process.
func resources() load.Resources {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return load.Resources{Bytes: samples[0].Value.Uint64() - samples[1].Value.Uint64(), Goroutines: runtime.NumGoroutine()}
}

// benchFiles writes the files that were asked for.
func benchFiles(c *cli.Command, r load.Report) error {
	if path := c.String("plot"); path != "" {
		if err := writeFile(path, r.Plot); err != nil {
			return fmt.Errorf("-plot: %w", err)
		}
	}
	path := c.String("record")
	if path == "" {
		return nil
	}
	err := writeFile(path, func(w io.Writer) error {
		for _, name := range slices.Sorted(maps.Keys(r.Sent)) {
			line := map[string]any{"count": r.Sent[name]}
			if r.IsQuery[name] {
				line["query"] = name
			} else {
				line["command"] = name
			}
			if err := json.MarshalWrite(w, line, json.Deterministic(true)); err != nil {
				return err
			}
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("-record: %w", err)
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	return write(f)
}

func printReport(o *output, r load.Report) {
	t := o.table("PART", "ANSWERED", "PER SECOND", "REJECTED", "OVERLOADED", "FAILED")
	parts := []struct {
		name string
		load.Part
	}{{"all", r.Part}}
	for i, p := range r.Phases {
		parts = append(parts, struct {
			name string
			load.Part
		}{[]string{"before", "surge", "after"}[i], p})
	}
	for _, p := range parts {
		t.row(p, p.name, p.Answered, fmt.Sprintf("%.1f", p.Rate()), p.Rejected, p.Overloaded, p.Failed)
	}
	t.end("nothing was sent")
	o.printf("\n")
	t = o.table("PART", "OF", "COUNT", "P50 MS", "P99 MS", "P99.9 MS", "MAX MS")
	for _, p := range parts {
		for _, l := range []struct {
			of string
			load.Latency
		}{{"commands", p.Commands}, {"queries", p.Queries}, {"projection lag", p.Lag}} {
			t.row(l, p.name, l.of, l.Count, fmt.Sprintf("%.1f", l.P50), fmt.Sprintf("%.1f", l.P99), fmt.Sprintf("%.1f", l.P999), fmt.Sprintf("%.1f", l.Max))
		}
	}
	t.end("nothing was sent")
	if r.WithoutRetryAfter > 0 {
		o.printf("%d answers 429 or 503 have no Retry-After\n", r.WithoutRetryAfter)
	}
	switch {
	case len(r.Phases) > 0 && r.Recovery != nil:
		o.printf("recovered %.1f s after the surge\n", *r.Recovery)
	case len(r.Phases) > 0:
		o.printf("did not recover from the surge\n")
	}
	if r.Idle.Goroutines > 0 {
		o.printf("goroutines: %d before, %d after; memory: %d MB before, %d MB after\n", r.Idle.Goroutines, r.After.Goroutines, r.Idle.Bytes>>20, r.After.Bytes>>20)
	}
	if r.Unseen > 0 {
		o.printf("%d commands were not projected to their row within 30 s\n", r.Unseen)
	}
	for _, text := range slices.Sorted(maps.Keys(r.Errors)) {
		o.printf("failed %d times: %s\n", r.Errors[text], text)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Skipped)) {
		o.printf("left out: %s: %s\n", name, r.Skipped[name])
	}
}
