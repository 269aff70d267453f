package rehearse

import (
	"context"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events"
	"daybook/process"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

// Sources are what a rehearsal reads.
type Sources struct {
	// Events is read by strongly consistent scans, so that no commit is missing in a
	// stream.
	Events events.Store
	// Tables hold the views; nil compares no view.
	Tables driver.RoutedTables
	// Ledger says which commits processes have handled; nil compares no process.
	Ledger process.Ledger
	// Exists reports whether a table is there; nil says that all are.
	Exists func(ctx context.Context, t driver.Target) (bool, error)
}

// Options changes how a rehearsal works. The zero value is the default.
type Options struct {
	Segments int           // parts of the events table; default 64
	Parallel int           // parts that are read at the same time; default 8
	Memory   int           // bytes, for putting keyed rows together; default 64 MiB
	Samples  int           // examples of each difference that are listed; default 20
	Patience time.Duration // how long a view may be behind; default 5 s
	Source   string        // of integration events
	Origin   string        // of code and tables; see admin.VerifyOptions
	Resume   *State        // goes on from a state that Save got
	// Save is told the state after each part. An error ends the rehearsal.
	Save func(State) error
	// Progress is told how much was read, from any goroutine.
	Progress func(admin.VerifyProgress)
	Now      func() time.Time // default time.Now
}

// State is how far a rehearsal is: plain data, to be kept as JSON.
type State struct {
	App    string            `json:"app"`
	Views  admin.VerifyState `json:"views"`
	Report Report            `json:"report"`
}

// rehearsal is one run.
type rehearsal struct {
	app     daybook.App
	sources Sources
	opts    Options
	codec   *events.Codec
	types   map[string]events.Type
	of      map[string]aggregate.Aggregate
	takes   map[string]string // aggregates, by the names of their commands
	sends   *sends
	began   time.Time
	report  Report // changed by one goroutine at a time
}

// Run rehearses app. The error is a fault of reading, of Save or of the declarations,
// or the end of ctx; differences are in the report.
func Run(ctx context.Context, app daybook.App, sources Sources, opts Options) (Report, error) {
	if err := app.Check(); err != nil {
		return Report{}, err
	}
	r := &rehearsal{app: app, sources: sources, opts: opts, of: map[string]aggregate.Aggregate{}, takes: map[string]string{}, types: map[string]events.Type{}}
	r.complete()
	var err error
	if r.codec, err = aggregate.Codec(app.Aggregates); err != nil {
		return Report{}, err
	}
	for _, a := range app.Aggregates {
		r.of[a.Name()] = a
		for _, d := range a.Describe() {
			r.takes[d.Name] = a.Name()
		}
	}
	for _, t := range r.codec.Types() {
		r.types[t.Name] = t
	}
	if old := opts.Resume; old != nil {
		if old.App != app.Name {
			return Report{}, events.Malformed("resume", "is the state of a rehearsal of another application")
		}
		r.report = old.Report.clone()
	}
	tables, compared, err := r.views(ctx)
	if err != nil {
		return r.report, err
	}
	if err := r.run(ctx, tables, compared); err != nil {
		return r.report, err
	}
	r.report.finish()
	return r.report, nil
}

func (r *rehearsal) complete() {
	o := &r.opts
	set := func(n *int, standard int) {
		if *n <= 0 {
			*n = standard
		}
	}
	set(&o.Segments, 64)
	set(&o.Parallel, 8)
	set(&o.Memory, 64<<20)
	set(&o.Samples, 20)
	if o.Now == nil {
		o.Now = time.Now
	}
}

// views lists the views, and returns those that have a comparable table.
func (r *rehearsal) views(ctx context.Context) (driver.Tables, []view.View, error) {
	if r.sources.Tables == nil || len(r.app.Views) == 0 {
		return nil, nil, nil
	}
	tables, rehearsed, err := admin.PinRehearsal(ctx, r.codec, r.sources.Tables, r.app.Views)
	if err != nil {
		return nil, nil, err
	}
	r.report.Views = nil
	var compared []view.View
	for i, v := range r.app.Views {
		t := rehearsed[i]
		report := View{Name: t.View, Version: v.Describe().Version, Table: t.String(), Differences: t.Differences}
		report.NeedsVersion = len(t.Differences) > 0 && report.Version == t.Version
		exists := true
		if r.sources.Exists != nil {
			if exists, err = r.sources.Exists(ctx, t.Target); err != nil {
				return nil, nil, err
			}
		}
		switch {
		case !exists:
			report.Incomparable = "there is no table yet"
		case t.NewKind:
			report.Incomparable = "the table has rows of another kind"
		default:
			compared = append(compared, v)
		}
		r.report.Views = append(r.report.Views, report)
	}
	return tables, compared, nil
}

// run reads the events once, for the views and all else.
func (r *rehearsal) run(ctx context.Context, tables driver.Tables, compared []view.View) error {
	begin := r.opts.Now()
	r.began, r.sends = begin, newSends(0, 1, r.opts.Memory, r.opts.Samples)
	before := r.report.Seconds
	opts := admin.VerifyOptions{
		Segments: r.opts.Segments, Parallel: r.opts.Parallel, Memory: r.opts.Memory, Findings: r.opts.Samples, Patience: r.opts.Patience,
		Rehearsal: true, Origin: r.opts.Origin, Progress: r.opts.Progress, Now: r.opts.Now,
		Observe: func(int) admin.Observer { return newPart(r) },
	}
	if r.opts.Resume != nil {
		opts.Resume = &r.opts.Resume.Views
	}
	if r.opts.Save != nil {
		opts.Save = func(s admin.VerifyState) error {
			r.report.Seconds = before + r.opts.Now().Sub(begin).Seconds()
			return r.opts.Save(State{App: r.app.Name, Views: s, Report: r.report.clone()})
		}
	}
	verifier, err := admin.NewVerifier(r.sources.Events, r.codec, tables, compared, &opts)
	if err != nil {
		return err
	}
	found, err := verifier.Verify(ctx)
	r.report.take(found)
	if err == nil {
		err = r.compareSends(ctx, r.opts.Resume == nil)
	}
	r.report.Seconds = before + r.opts.Now().Sub(begin).Seconds()
	return err
}
