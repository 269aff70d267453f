package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/follow"
	"daybook/process"
	"daybook/view/projection"
)

func parkedCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "parked",
		Usage:     "list the streams that a view, a process manager or an outbox can't follow, with the reason",
		ArgsUsage: "[NAME…]",
		Flags: []cli.Flag{
			tableFlag(),
			&cli.BoolFlag{Name: "check", Usage: "exit with 3 when a stream is parked"},
		},
		ShellComplete: completes(a.followerNames),
		Action:        func(ctx context.Context, c *cli.Command) error { return a.parked(ctx, c) },
	}
}

// parkedLine is a parked stream in a list.
type parkedLine struct {
	View     string        `json:"view,omitzero"`
	Version  int           `json:"version,omitzero"` // of the view
	Process  string        `json:"process,omitzero"` // a process manager or an outbox
	Stream   events.Stream `json:"stream"`
	Commit   int64         `json:"commit"` // that can't be applied
	Code     events.Code   `json:"code"`
	Text     string        `json:"text"`
	Time     time.Time     `json:"time"` // of the last attempt
	Attempts int           `json:"attempts"`
}

func lineOf(f follow.Fault) parkedLine {
	return parkedLine{View: f.Consumer, Version: f.Version, Stream: f.Stream, Commit: f.Commit, Code: f.Code, Text: f.Text, Time: f.Time, Attempts: f.Attempts}
}

func lineOfProcess(f follow.Fault) parkedLine {
	return parkedLine{Process: f.Consumer, Stream: f.Stream, Commit: f.Commit, Code: f.Code, Text: f.Text, Time: f.Time, Attempts: f.Attempts}
}

func (a *app) parked(ctx context.Context, c *cli.Command) error {
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if err := s.pin(ctx, c); err != nil {
		return err
	}
	views, reactors, err := s.chosen(ctx, c.Args().Slice())
	if err != nil {
		return err
	}
	projector, err := s.projector()
	if err != nil {
		return err
	}
	runner, err := s.runner(process.Effects{})
	if err != nil {
		return err
	}
	t := s.out.table("NAME", "STREAM", "COMMIT", "ATTEMPTS", "LAST ATTEMPT", "ERROR")
	any := false
	tell := func(l parkedLine) {
		any = true
		t.row(l, l.View+l.Process, l.Stream, l.Commit, l.Attempts, l.Time, l.Text)
	}
	for _, v := range views {
		if err := eachParked(ctx, projector.Parked, v.Describe().Name, func(f follow.Fault) { tell(lineOf(f)) }); err != nil {
			return s.reach(s.viewTable(v.Describe()), err)
		}
	}
	for _, r := range reactors {
		if err := eachParked(ctx, runner.Parked, r.Describe().Name, func(f follow.Fault) { tell(lineOfProcess(f)) }); err != nil {
			return s.reach(s.processesTable(), err)
		}
	}
	t.end("no parked streams")
	if any && c.Bool("check") && s.out.err == nil {
		return found()
	}
	return s.out.err
}

// projector projects, and lists and redrives what is parked.
func (s *session) projector() (*projection.Projector, error) {
	return projection.New(s.store, s.codec, s.tables, s.views, nil)
}

// parkedPage is how many parked streams are read at once.
const parkedPage = 1000

// eachParked hands the parked streams of a view, a process manager or an outbox to f.
func eachParked(ctx context.Context, list func(context.Context, string, events.Stream, int) ([]follow.Fault, error), name string, f func(follow.Fault)) error {
	after := events.Stream("")
	for {
		faults, err := list(ctx, name, after, parkedPage)
		if err != nil {
			return err
		}
		for _, fault := range faults {
			f(fault)
			after = fault.Stream
		}
		if len(faults) < parkedPage {
			return nil
		}
	}
}
