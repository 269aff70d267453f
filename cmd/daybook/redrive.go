package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/view"
)

func redriveCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "redrive",
		Usage:     "catch parked streams up, after the cause was mended and deployed",
		ArgsUsage: "[VIEW [AGGREGATE/ID]]",
		Description: "Applies what was held back, in order, from the events table; every commit takes effect\n" +
			"once, also beside running projectors. What still can't be applied stays parked. It runs the\n" +
			"view code of this program: build it from what is deployed.",
		Flags:         []cli.Flag{tableFlag()},
		ShellComplete: completes(viewNames),
		Action:        func(ctx context.Context, c *cli.Command) error { return a.redrive(ctx, c) },
	}
}

// redrivenLine is a redriven stream in a list.
type redrivenLine struct {
	View   string        `json:"view"`
	Stream events.Stream `json:"stream"`
	Commit int64         `json:"commit"` // the last applied
	Fault  *parkedLine   `json:"fault,omitzero"`
}

func (a *app) redrive(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() > 2 {
		return usage("redrive takes a view and a stream at most")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if err := s.pin(ctx, c); err != nil {
		return err
	}
	views, err := s.chosenViews(c.Args().Slice()[:min(1, c.Args().Len())])
	if err != nil {
		return err
	}
	projector, err := s.projector()
	if err != nil {
		return err
	}
	t := s.out.table("VIEW", "STREAM", "APPLIED UP TO", "STILL PARKED")
	still := false
	tell := func(r view.Redriven) {
		l, text := redrivenLine{View: r.View, Stream: r.Stream, Commit: r.Commit}, ""
		if r.Fault != nil {
			still = true
			f := lineOf(*r.Fault)
			l.Fault, text = &f, f.Text
		}
		t.row(l, l.View, l.Stream, l.Commit, text)
	}
	if name := c.Args().Get(1); name != "" {
		stream, err := events.ParseStream(name)
		if err != nil {
			return usage("%q is no stream: it is written AGGREGATE/ID", name)
		}
		r, err := projector.Redrive(ctx, views[0].Describe().Name, stream)
		if err != nil {
			return err
		}
		tell(r)
	} else {
		var errs []error
		for _, v := range views {
			errs = append(errs, projector.RedriveView(ctx, v.Describe().Name, tell))
		}
		err = errors.Join(errs...)
	}
	t.flush()
	switch {
	case err != nil:
		return err
	case still && s.out.err == nil:
		return found()
	}
	return s.out.err
}
