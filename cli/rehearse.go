package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/console"
	"daybook/cost"
	"daybook/dynamo"
	"daybook/events"
	"daybook/rehearse"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

func rehearseCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "rehearse",
		Usage: "run this program's code over the stored events, and tell what deploying it would change",
		Description: "Writes nothing. It compares the newest declarations of this program with an installation: events that\n" +
			"no longer decode, rows and index entries that a rebuild would change, states in snapshots, decisions\n" +
			"of commands that were kept, and what a rebuild costs. Exits with 3 when something differs. docs/rehearse.md says what it can't know.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "sample", Value: 20, Usage: "list at most `N` examples of each difference; all are counted"},
			&cli.StringFlag{Name: "export", Usage: "read the commits of an export in `FILE` in place of an installation: events, states and decisions only"},
			&cli.StringFlag{Name: "resume", Usage: "keep the progress in `FILE`, from which the same command resumes"},
			&cli.DurationFlag{Name: "patience", Value: 5 * time.Second, Usage: "how long a view may be behind"},
			&cli.IntFlag{Name: "segments", Value: 64, Usage: "read the tables in `N` parts"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts at the same time"},
			&cli.IntFlag{Name: "memory", Value: 64, Usage: "`MIB` for putting keyed rows together"},
			&cli.StringFlag{Name: "price-region", Value: "us-east-1", Usage: "`REGION` of the prices"},
			&cli.StringFlag{Name: "prices", Usage: "JSON `FILE` with prices of your own"},
			&cli.BoolFlag{Name: "console", Usage: "show it in the browser while it runs, and keep showing the result until Ctrl-C"},
			&cli.StringFlag{Name: "addr", Value: "127.0.0.1:8071", Usage: "`ADDRESS` of this machine for -console to listen on; port 0 takes a free one"},
			&cli.BoolFlag{Name: "policy", Usage: "print the IAM policy that it needs, and do nothing else"},
		},
		Action: a.rehearse,
	}
}

// rehearsal is what rehearse prints with -json.
type rehearsal = console.RehearsalReport

func (a *app) rehearse(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("rehearse takes no arguments; see -help")
	}
	opts := rehearse.Options{
		Segments: c.Int("segments"), Parallel: c.Int("parallel"), Memory: c.Int("memory") << 20, Samples: c.Int("sample"),
		Patience: max(c.Duration("patience"), 1), // 0 would mean the default
	}
	if opts.Segments < 1 || opts.Segments > 1_000_000 || opts.Memory < 1 || opts.Samples < 1 || c.Duration("patience") < 0 {
		return usage("-segments must be from 1 to 1,000,000, -memory and -sample above 0, and -patience not negative")
	}
	if err := checkParallel(opts.Parallel); err != nil {
		return err
	}
	prices, err := a.prices(c)
	if err != nil {
		return err
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if c.Bool("policy") {
		s.out.indented(s.rehearsalPolicy())
		return s.out.err
	}
	s.policy = "rehearse -policy"
	job := rehearsalJob{session: s, export: c.String("export"), resume: c.String("resume"), opts: opts, prices: prices}
	job.of = rehearsal{
		App: a.of.Name, Build: version(), Store: s.storeName(job.export), Began: time.Now().UTC().Truncate(time.Second),
		Region: prices.Region, Prices: prices.Date,
	}
	if c.Bool("console") {
		return job.inConsole(ctx, c)
	}
	if c.IsSet("addr") {
		return usage("-addr is where -console listens: add -console")
	}
	r, err := job.run(ctx)
	if err != nil {
		return err
	}
	return job.write(r)
}

// rehearsalJob is one rehearsal, as the arguments ask for.
type rehearsalJob struct {
	*session
	export, resume string
	opts           rehearse.Options
	prices         cost.Prices
	of             rehearsal // without what is found
}

func (j *rehearsalJob) run(ctx context.Context) (rehearsal, error) {
	report, err := j.rehearseFrom(ctx, j.export, j.resume, j.opts)
	return j.with(report), err
}

// with is a report with what it is about, and the price.
func (j *rehearsalJob) with(report rehearse.Report) rehearsal {
	r := j.of
	r.Report = report
	for _, v := range report.Views {
		if v.Rebuild != nil {
			r.Dollars += j.prices.Of(cost.Units{Read: float64(v.Rebuild.ReadUnits), Write: float64(v.Rebuild.WriteUnits)})
		}
	}
	return r
}

func (j *rehearsalJob) write(r rehearsal) error {
	if j.out.json {
		j.out.value(r)
	} else {
		j.printRehearsal(r)
	}
	return j.out.result(r.Differs || r.Damaged.Count > 0)
}

// storeName says what is rehearsed over.
func (s *session) storeName(export string) string {
	switch {
	case export != "":
		return "export " + export
	case s.endpoint != "":
		return s.prefix + " at " + s.endpoint
	}
	return s.prefix + " in " + s.aws.Region
}

func (s *session) rehearseFrom(ctx context.Context, export, resume string, opts rehearse.Options) (rehearse.Report, error) {
	if export == "" {
		return s.runRehearsal(ctx, resume, opts)
	}
	if resume != "" {
		return rehearse.Report{}, usage("-export is read in one piece: leave out -resume")
	}
	exported, err := openExport(export)
	if err != nil {
		return rehearse.Report{}, err
	}
	defer exported.close() //nolint:errcheck // it was read
	opts.Segments, opts.Parallel = 1, 1
	report, err := rehearse.Run(ctx, s.of, rehearse.Sources{Events: s.sealing.Store(exported)}, opts)
	if err != nil && s.of.Personal() {
		if _, noKeys := s.describe(ctx, dynamo.TableName(s.prefix, dynamo.KeysTable())); errors.Is(noKeys, errNoTable) {
			return report, fmt.Errorf("the keys of personal values in the export are in the installation: %w", noKeys)
		}
	}
	return report, err
}

func (s *session) runRehearsal(ctx context.Context, path string, opts rehearse.Options) (rehearse.Report, error) {
	info, err := s.reachable(ctx)
	if err != nil {
		return rehearse.Report{}, err
	}
	if path != "" {
		if opts.Resume, err = readState[rehearse.State]("resume", path); err != nil {
			return rehearse.Report{}, err
		}
		if opts.Origin, err = s.origin(info); err != nil {
			return rehearse.Report{}, err
		}
		told := opts.Save
		opts.Save = func(state rehearse.State) error {
			if told != nil {
				_ = told(state) // it only shows
			}
			return writeState(path, state)
		}
	}
	bar := s.progress("rehearse", "commits", info.Items)
	defer bar.end()
	told := opts.Progress
	opts.Progress = func(p admin.VerifyProgress) {
		bar.set(p.Commits)
		if told != nil {
			told(p)
		}
	}
	report, err := rehearse.Run(ctx, s.of, rehearse.Sources{
		Events: s.sealing.Store(s.store.StrongScan()), Tables: s.admin, Exists: s.exists,
		Ledger: s.sealing.Ledger(dynamo.NewProcesses(s.client, s.processesTable())),
	}, opts)
	err = s.denied(err, s.policy)
	switch {
	case events.CodeOf(err) == events.CodeMalformed && path != "":
		return report, unfitState("resume", path, err)
	case err != nil && path != "":
		return report, fmt.Errorf("%w; run the same command again to resume from %s", err, path)
	case err != nil:
		return report, err
	}
	return report, removeState(path)
}

// exists reports whether the table of a target is there.
func (s *session) exists(ctx context.Context, t driver.Target) (bool, error) {
	_, err := s.describe(ctx, s.targetTable(t))
	if errors.Is(err, errNoTable) {
		return false, nil
	}
	return err == nil, err
}

// rehearsalPolicy is what rehearse may do.
func (s *session) rehearsalPolicy() policy {
	arn := func(table string) string { return s.arnOf("dynamodb", "table/"+table) }
	resources := []string{arn(s.eventsTable()), arn(s.processesTable()), arn(dynamo.TableName(s.prefix, dynamo.ControlTable()))}
	for _, v := range s.declared {
		name := dynamo.TableName(s.prefix, dynamo.ViewTable(view.Description{Name: v.Describe().Name, Version: 1}))
		resources = append(resources, arn(strings.TrimSuffix(name, "1")+"*"))
	}
	if s.of.Personal() {
		resources = append(resources, arn(dynamo.TableName(s.prefix, dynamo.KeysTable())))
	}
	reads := []string{"dynamodb:BatchGetItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan"}
	return newPolicy(append([]statement{allow(reads, resources...), decryption("dynamodb")}, s.personal()...)...)
}

func (s *session) printRehearsal(r rehearsal) {
	o := s.out
	for _, f := range r.Faults {
		o.printf("events\t%s\tschema version %d\t%d\t%s\t%s\n", cmp.Or(f.Event, "-"), f.Schema, f.Count, clean(f.Error), clean(strings.Join(f.Samples, " ")))
	}
	for _, v := range r.Views {
		s.printChanges(v)
	}
	for _, sample := range r.States.Samples {
		text := cmp.Or(sample.Error, fmt.Sprintf("is %s, would be %s", sample.Stored, sample.Expected))
		o.printf("states\tchanged\t%s\t%s\n", clean(sample.At), clean(text))
	}
	s.printDecisions(r.Decisions)
	for _, p := range r.Processes {
		for _, e := range p.Samples {
			o.printf("%s\t%s\t%s %s\t%s\t%s\n", p.Name, e.Change, e.Kind, cmp.Or(e.Name, "-"), clean(e.Event), clean(cmp.Or(e.Text, e.ID)))
		}
	}
	for _, f := range r.Faults {
		o.printf("events: %d of %s, schema version %d, can't be read\n", f.Count, cmp.Or(f.Event, "other names"), f.Schema)
	}
	for _, v := range r.Views {
		o.printf("%s v%d: %s\n", v.Name, v.Version, changesText(v))
		if v.NeedsVersion {
			o.printf("%s v%d: raise Version(%d) and run %s rebuild %s\n", v.Name, v.Version, v.Version+1, s.of.Name, v.Name)
		}
		if b := v.Rebuild; b != nil && v.Incomparable == "" {
			o.printf("%s v%d: a rebuild reads about %s units and writes %s units in %s items; it takes about %.0f s\n",
				v.Name, v.Version, count(float64(b.ReadUnits)), count(float64(b.WriteUnits)), count(float64(b.Writes)), b.Seconds)
		}
	}
	o.printf("states: %d snapshots compared, %d differ, %d of another schema version\n", r.States.Compared, r.States.Differ, r.States.OtherSchema)
	o.printf("%s", decisionsText(r.Decisions))
	for _, p := range r.Processes {
		o.printf("%s: commands %s; timers %s; %d memories differ, %d streams would be parked\n", p.Name, effectsText(p.Commands), effectsText(p.Timers), p.Memories, p.Faults)
	}
	if r.Dollars > 0 {
		o.printf("all rebuilds: $ %s by the prices of %s, %s\n", dollars(r.Dollars), r.Region, r.Prices)
	}
	s.printDamaged(r.Damaged, "nothing of them was compared")
	if r.Unread > 0 {
		o.printf("%d streams changed while they were read: run it again\n", r.Unread)
	}
	o.printf("%d streams, %d events in %.1f s, %.0f events/s\n", r.Streams, r.Events, r.Seconds, float64(r.Events)/max(r.Seconds, 1e-9))
}

// printChanges lists the samples of a view.
func (s *session) printChanges(v rehearse.View) {
	for _, d := range v.Differences {
		s.out.printf("%s\tdeclaration\t%s\n", v.Name, clean(d))
	}
	for _, f := range v.Samples {
		what, text := findingParts(f, "would be")
		s.out.printf("%s\t%s\t%s\t%s\n", v.Name, f.Change, what, text)
	}
	changed := int64(0)
	for _, n := range v.Changes.Rows {
		changed += n
	}
	if more := changed - int64(len(v.Samples)); more > 0 {
		s.out.printf("%s\t… and %d more\n", v.Name, more)
	}
}

// changesText says what changes in a view in a few words.
func changesText(v rehearse.View) string {
	if v.Incomparable != "" {
		return v.Incomparable + "; a rebuild writes all rows"
	}
	text := fmt.Sprintf("%d rows of %s compared, ", v.Rows, v.Table)
	if !v.Changes.Any() {
		return text + "none would change"
	}
	parts := []string{kindsText(v.Changes.Rows, "")}
	for _, name := range slices.Sorted(maps.Keys(v.Changes.Indexes)) {
		parts = append(parts, "index "+name+": "+kindsText(v.Changes.Indexes[name], " entries"))
	}
	return text + strings.Join(parts, "; ")
}

func effectsText(counts map[rehearse.EffectChange]int64) string {
	return cmp.Or(kindsText(counts, ""), "none")
}

// printDecisions lists the samples of decisions.
func (s *session) printDecisions(d rehearse.Decisions) {
	shown := func(es []rehearse.DecidedEvent) string {
		var parts []string
		for _, e := range es {
			parts = append(parts, e.Name+" "+string(e.Data))
		}
		return cmp.Or(strings.Join(parts, ", "), "no event")
	}
	for _, c := range d.Commands {
		for _, one := range c.Samples {
			text := cmp.Or(one.Text, one.Code)
			if one.Change == rehearse.DecisionEvents {
				text = "was " + shown(one.Before) + ", would be " + shown(one.After)
			}
			s.out.printf("%s\t%s\t%s\t%s\t%s\n", clean(c.Name), one.Change, clean(one.At), clean(one.CommandID), clean(text))
		}
	}
}

// decisionsText counts decisions; it is empty where no command was kept.
func decisionsText(d rehearse.Decisions) string {
	if d.Decided+d.Across+d.Erased+d.NoState == 0 {
		return ""
	}
	text := fmt.Sprintf("decisions: %d commands decided again, %d differ; %d not kept, %d over several streams, %d of erased persons, %d without a state\n",
		d.Decided, d.Differ, d.NotKept, d.Across, d.Erased, d.NoState)
	for _, c := range d.Commands {
		text += "decisions of " + clean(c.Name) + ": " + kindsText(c.Counts, "") + "\n"
	}
	return text
}
