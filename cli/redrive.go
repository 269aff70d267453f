package cli

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/follow"
	"daybook/inspect"
	"daybook/process"
	"daybook/view"
	"daybook/view/projection"
)

func redriveCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "redrive",
		Usage:     "apply what parked streams hold back, after the fix is deployed",
		ArgsUsage: "[NAME [AGGREGATE/ID]]",
		Description: "Applies what was held back, in order, from the events table; every commit takes effect\n" +
			"once, also beside running functions. A stream that still fails stays parked. NAME is a\n" +
			"view, a process manager or an outbox. It runs the code of this program: build it from what\n" +
			"is deployed.",
		Flags:         []cli.Flag{tableFlag()},
		ShellComplete: completes(a.followerNames),
		Action:        a.redrive,
	}
}

// redrivenLine is a redriven stream in a list.
type redrivenLine struct {
	View    string                `json:"view,omitzero"`
	Process string                `json:"process,omitzero"`
	Stream  events.Stream         `json:"stream"`
	Commit  int64                 `json:"commit"` // the last applied
	Fault   *inspect.ParkedStream `json:"fault,omitzero"`
}

func (a *app) redrive(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 2 {
		return usage("redrive takes a name and a stream at most")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if err := s.pin(ctx, c); err != nil {
		return err
	}
	views, reactors, err := s.chosen(ctx, c.Args().Slice()[:min(1, c.Args().Len())])
	if err != nil {
		return err
	}
	r := redriver{session: s, table: s.out.table("NAME", "STREAM", "APPLIED UP TO", "STILL PARKED")}
	if r.projector, err = s.projector(); err != nil {
		return err
	}
	if name := c.Args().Get(1); name != "" {
		stream, invalid := a.stream(c, name)
		if invalid != nil {
			return invalid
		}
		err = r.one(ctx, views, reactors, stream)
	} else if s.tenant != "" {
		err = r.ofTenant(ctx, views, reactors)
	} else {
		err = r.all(ctx, views, reactors)
	}
	if err != nil {
		r.table.flush()
		return err
	}
	r.table.end("no parked streams")
	return s.out.result(r.still)
}

// redriver redrives streams and prints the result of each.
type redriver struct {
	*session
	projector *projection.Projector
	runner    *process.Runner // nil until a process manager or an outbox has work
	table     *table
	still     bool // a stream stayed parked
}

func (r *redriver) tell(l redrivenLine, one follow.RedriveResult) {
	l.Stream, l.Commit = one.Stream, one.Commit
	text := ""
	if one.Fault != nil {
		parked := inspect.ParkedOf(*one.Fault)
		l.Fault, r.still, text = &parked, true, one.Fault.Text
	}
	r.table.row(l, l.View+l.Process, l.Stream, l.Commit, text)
}

func (r *redriver) ofView(one follow.RedriveResult) { r.tell(redrivenLine{View: one.Consumer}, one) }

func (r *redriver) ofProcess(one follow.RedriveResult) {
	r.tell(redrivenLine{Process: one.Consumer}, one)
}

// one redrives one stream.
func (r *redriver) one(ctx context.Context, views []view.View, reactors []process.Reactor, stream events.Stream) error {
	for _, v := range views {
		out, err := r.projector.Redrive(ctx, v.Describe().Name, stream)
		if err != nil {
			return err
		}
		r.ofView(out)
	}
	for _, p := range reactors {
		if err := r.equip(ctx); err != nil {
			return err
		}
		out, err := r.runner.Redrive(ctx, p.Describe().Name, stream)
		if err != nil {
			return err
		}
		r.ofProcess(out)
	}
	return nil
}

// ofTenant redrives the parked streams of the tenant that -tenant names.
func (r *redriver) ofTenant(ctx context.Context, views []view.View, reactors []process.Reactor) error {
	installation, err := r.installation()
	if err != nil {
		return err
	}
	parked := func(name string, redrive func(events.Stream) error) error {
		var streams []events.Stream
		for p, err := range installation.AllParked(ctx, inspect.ParkedQuery{Tenant: r.tenant, Names: []string{name}, At: r.pinned, Limit: parkedPage}) {
			if err != nil {
				return err
			}
			streams = append(streams, p.Stream)
		}
		var errs []error
		for _, stream := range streams {
			errs = append(errs, redrive(stream))
		}
		return errors.Join(errs...)
	}
	var errs []error
	for _, v := range views {
		errs = append(errs, parked(v.Describe().Name, func(stream events.Stream) error { return r.one(ctx, []view.View{v}, nil, stream) }))
	}
	for _, p := range reactors {
		errs = append(errs, parked(p.Describe().Name, func(stream events.Stream) error { return r.one(ctx, nil, []process.Reactor{p}, stream) }))
	}
	return errors.Join(errs...)
}

// all redrives all parked streams.
func (r *redriver) all(ctx context.Context, views []view.View, reactors []process.Reactor) error {
	var errs []error
	for _, v := range views {
		errs = append(errs, r.projector.RedriveView(ctx, v.Describe().Name, r.ofView))
	}
	looker, err := r.session.runner(process.Effects{})
	if err != nil {
		return err
	}
	for _, p := range reactors {
		name := p.Describe().Name
		parked, err := looker.Parked(ctx, name, "", 1)
		if err == nil && len(parked) > 0 {
			err = r.equip(ctx)
		}
		if err == nil && len(parked) > 0 {
			err = r.runner.RedriveReactor(ctx, name, r.ofProcess)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// equip makes a runner that can do what reactors want done. It is left until there
// is something: views are redriven without a process function to ask.
func (r *redriver) equip(ctx context.Context) error {
	if r.runner != nil {
		return nil
	}
	effects, err := r.effects(ctx)
	if err != nil {
		return err
	}
	r.runner, err = r.session.runner(effects)
	return err
}
