package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"daybook/cost"
	"daybook/functions/names"
)

func costCommand(a *app) *cli.Command {
	of := cost.DefaultAssumptions()
	return &cli.Command{
		Name:  "cost",
		Usage: "print what a month on AWS would cost, line by line",
		Description: "Asks no installation. It runs the example of each declared command and query on an embedded DynamoDB\n" +
			"in memory, reads the capacity units that they consumed, and multiplies them by dated prices. What is not\n" +
			"measured is assumed, and can be set. Without -trace, commands and queries are spread evenly, or by -weight.",
		Flags: []cli.Flag{
			&cli.FloatFlag{Name: "commands", Value: 1e6, Usage: "`NUMBER` of accepted commands per month"},
			&cli.FloatFlag{Name: "queries", Value: 1e7, Usage: "`NUMBER` of queries per month"},
			&cli.StringSliceFlag{Name: "weight", Usage: "`NAME=WEIGHT` of a command, of a view's rows by key, or of a page of VIEW/INDEX; may be repeated"},
			&cli.FloatFlag{Name: "cold", Value: 0.1, Usage: "`SHARE` of commands that load their stream, between 0 and 1"},
			&cli.StringFlag{Name: "trace", Usage: "take commands and queries from a recorded day in `FILE`, JSON Lines, in place of -commands and -queries"},
			&cli.FloatFlag{Name: "days", Value: 30, Usage: "`NUMBER` of days like that of -trace"},
			&cli.StringFlag{Name: "prices", Usage: "JSON `FILE` with prices of your own"},
			&cli.StringFlag{Name: "price-region", Value: "us-east-1", Usage: "`REGION` of the prices"},
			&cli.BoolFlag{Name: "rest", Usage: "a REST API in place of an HTTP API"},
			&cli.BoolFlag{Name: "no-recovery", Usage: "without point-in-time recovery"},
			&cli.FloatFlag{Name: "async", Usage: "`SHARE` of commands that are queued, between 0 and 1"},
			&cli.FloatFlag{Name: "stored", Usage: "`GB` that the tables hold already"},
			&cli.FloatFlag{Name: "memory", Value: of.Memory, Usage: "`MB` of each function"},
			&cli.FloatFlag{Name: "command-ms", Value: of.CommandMS, Usage: "`MILLISECONDS` of a command's invocation"},
			&cli.FloatFlag{Name: "query-ms", Value: of.QueryMS, Usage: "`MILLISECONDS` of a query's invocation"},
			&cli.FloatFlag{Name: "batch", Value: of.Batch, Usage: "`COMMITS` in a batch of the projector"},
			&cli.IntFlag{Name: "length", Value: 100, Usage: "events of a stream in the comparison with other designs: `LENGTH` 10, 100, 1000 or 10000"},
		},
		Action: a.cost,
	}
}

// costs is what cost prints with -json.
type costs struct {
	Bill       cost.Bill         `json:"bill"`
	Views      []cost.Share      `json:"views"`
	Measured   cost.Measurements `json:"measured"`
	Designs    []design          `json:"designs"`
	Unknown    map[string]int    `json:"unknown,omitempty"` // in the trace
	Recorded   cost.Units        `json:"recorded,omitzero"` // by the command function, in the trace
	Assumed    cost.Assumptions  `json:"assumed"`
	PricesFrom string            `json:"pricesFrom"`
}

// design is what one way of storing events would consume.
type design struct {
	cost.Reference
	Units  cost.Units `json:"units"`
	Amount float64    `json:"amount"` // dollars
}

func (a *app) cost(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 0 {
		return usage("cost takes no arguments; see -help")
	}
	prices, err := a.prices(c)
	if err != nil {
		return err
	}
	assumed, err := assumptions(c)
	if err != nil {
		return err
	}
	weights, err := weightsOf("weight", c.StringSlice("weight"))
	if err != nil {
		return err
	}
	if len(weights) > 0 && c.String("trace") != "" || c.IsSet("trace") && (c.IsSet("commands") || c.IsSet("queries")) {
		return usage("-trace says how many commands and queries there were: leave out -commands, -queries and -weight")
	}
	measured, err := cost.Measure(ctx, a.of)
	if err != nil {
		return err
	}
	r := costs{Measured: measured, Assumed: assumed, PricesFrom: prices.Source}
	counts, err := counts(c, measured, weights, &r)
	if err != nil {
		return err
	}
	r.Bill = measured.Bill(counts, assumed, prices)
	r.Views = r.Bill.ByView(measured)
	if r.Designs, err = designs(ctx, c, r.Bill.Commands, prices); err != nil {
		return err
	}
	o := newOutput(a.stdout, c.Bool("json"))
	if o.json {
		o.value(r)
	} else {
		r.print(o)
	}
	return o.err
}

// prices are those of the region, of the file if one is named.
func (a *app) prices(c *cli.Command) (cost.Prices, error) {
	all, err := cost.KnownPrices()
	if path := c.String("prices"); path != "" {
		var data []byte
		if data, err = os.ReadFile(path); err == nil {
			all, err = cost.ParsePrices(data)
		}
	}
	if err != nil {
		return cost.Prices{}, usage("-prices: %w", err)
	}
	prices, err := cost.InRegion(all, c.String("price-region"))
	if err != nil {
		return prices, usage("-price-region: %w", err)
	}
	return prices, nil
}

func assumptions(c *cli.Command) (cost.Assumptions, error) {
	for _, share := range []string{"cold", "async"} {
		if v := c.Float(share); !(v >= 0 && v <= 1) {
			return cost.Assumptions{}, usage("-%s must be a share between 0 and 1", share)
		}
	}
	for _, number := range []string{"commands", "queries", "stored"} {
		if v := c.Float(number); !(v >= 0 && v <= 1e18) {
			return cost.Assumptions{}, usage("-%s must be between 0 and 1e18", number)
		}
	}
	for _, number := range []string{"days", "memory", "command-ms", "query-ms", "batch"} {
		if v := c.Float(number); !(v > 0 && v <= 1e6) {
			return cost.Assumptions{}, usage("-%s must be above 0 and at most 1e6", number)
		}
	}
	if !slices.Contains(cost.Lengths(), c.Int("length")) {
		return cost.Assumptions{}, usage("-length must be one of %v", cost.Lengths())
	}
	of := cost.DefaultAssumptions()
	of.REST, of.Recovery = c.Bool("rest"), !c.Bool("no-recovery")
	of.Async, of.Stored, of.Memory = c.Float("async"), c.Float("stored"), c.Float("memory")
	of.CommandMS, of.QueryMS, of.Batch = c.Float("command-ms"), c.Float("query-ms"), c.Float("batch")
	of.Metrics = float64(len(names.Metrics()))
	return of, nil
}

// counts are those of the trace, or of the flags.
func counts(c *cli.Command, m cost.Measurements, weights map[string]float64, r *costs) (cost.Counts, error) {
	path := c.String("trace")
	if path == "" {
		counts, err := m.Spread(c.Float("commands"), c.Float("queries"), c.Float("cold"), weights)
		if err != nil {
			return counts, usage("-weight: %w", err)
		}
		return counts, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return cost.Counts{}, usage("-trace: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was read
	trace, err := m.ReadTrace(file)
	if err != nil {
		return cost.Counts{}, err
	}
	if trace.Lines == 0 {
		return cost.Counts{}, usage("-trace: %s has no line of a command or a query; docs/cli.md says what they look like", path)
	}
	r.Unknown, r.Recorded = trace.Unknown, trace.Recorded.Times(c.Float("days"))
	return trace.Counts.Times(c.Float("days")), nil
}

// weightsOf reads NAME=WEIGHT.
func weightsOf(flag string, texts []string) (map[string]float64, error) {
	weights := map[string]float64{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		weight, err := strconv.ParseFloat(value, 64)
		if !ok || err != nil || !(weight >= 0 && weight <= 1e9) {
			return nil, usage("-%s: %q is not NAME=WEIGHT with a number from 0 to 1e9", flag, text)
		}
		weights[name] = weight
	}
	return weights, nil
}

// designs compares ways of storing events, by the number of commands.
func designs(ctx context.Context, c *cli.Command, commands []cost.Share, p cost.Prices) ([]design, error) {
	own, err := cost.MeasureReference(ctx)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, s := range commands {
		sum += s.Count
	}
	var all []design
	for _, r := range append([]cost.Reference{own}, cost.Designs()...) {
		u := r.Of(sum, c.Float("cold"), c.Int("length"))
		all = append(all, design{r, u, p.Of(u)})
	}
	return all, nil
}

func (r costs) print(o *output) {
	lines := o.table("SERVICE", "LINE", "QUANTITY", "UNIT", "$", "BASIS")
	for _, l := range r.Bill.Lines {
		lines.row(l, l.Service, l.What, count(l.Quantity), l.Unit, dollars(l.Amount), l.Basis)
	}
	lines.row(nil, "total", r.Bill.Region+", prices of "+r.Bill.Date, "-", "-", dollars(r.Bill.Total), "-")
	lines.end("nothing to bill")
	section := func(header string, shares []cost.Share) {
		o.printf("\n")
		t := o.table(header, "COUNT", "WRITE UNITS", "READ UNITS", "$")
		for _, s := range shares {
			t.row(s, s.Name, count(s.Count), count(s.Units.Write), count(s.Units.Read), dollars(s.Amount))
		}
		t.end("none")
	}
	section("COMMAND", r.Bill.Commands)
	section("VIEW", r.Views)
	section("TABLE OR INDEX", r.Bill.Places)
	o.printf("\n")
	t := o.table("DESIGN, EVENTS OF 0.5 KB", "APPEND 1", "APPEND 10", "LOAD 10", "LOAD 100", "LOAD 1,000", "LOAD 10,000", "$", "BASIS")
	for _, d := range r.Designs {
		cells := []any{d.Name, d.One, d.Ten}
		for _, n := range cost.Lengths() {
			cells = append(cells, d.Loads[n])
		}
		t.row(d, append(cells, dollars(d.Amount), d.Basis)...)
	}
	t.end("none")
	if r.Recorded != (cost.Units{}) {
		o.printf("the command function recorded %s; the bill has %s\n", r.Recorded, r.Bill.Decided)
	}
	for _, of := range []map[string]string{r.Measured.Unmeasured, unknownLines(r.Unknown)} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			o.printf("not measured: %s: %s\n", name, of[name])
		}
	}
}

func unknownLines(unknown map[string]int) map[string]string {
	all := map[string]string{}
	for name, n := range unknown {
		all[cmp.Or(name, "-")] = fmt.Sprintf("%d lines of the trace name it, but nothing of that name was measured", n)
	}
	return all
}

// count is a number for people: 1234567 is 1.235M.
func count(n float64) string {
	if n == 0 {
		return "-"
	}
	for _, scale := range []struct {
		from   float64
		suffix string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n >= scale.from {
			return strconv.FormatFloat(n/scale.from, 'g', 4, 64) + scale.suffix
		}
	}
	return strconv.FormatFloat(n, 'g', 4, 64)
}

func dollars(amount float64) string { return strconv.FormatFloat(amount, 'f', 2, 64) }
