package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/aggregate/async"
	"daybook/connect"
	"daybook/dynamo"
	"daybook/events"
	"daybook/inspect"
)

func deadCommand(a *app) *cli.Command {
	chosen := func(more ...cli.Flag) []cli.Flag {
		return append([]cli.Flag{
			&cli.BoolFlag{Name: "all", Usage: "all letters that are in the queue when the command begins"},
			&cli.BoolFlag{Name: "yes", Usage: "don't ask"},
		}, more...)
	}
	return &cli.Command{
		Name:  "dead",
		Usage: "list, redrive or drop the dead letters of the command queue",
		Action: func(_ context.Context, c *cli.Command) error {
			return noSubcommand(c, "dead takes list, redrive or drop; see "+a.of.Name+" dead -help")
		},
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "list dead letters, with the reason",
				Description: "At most the first ten letters of each stream.",
				Flags:       []cli.Flag{&cli.BoolFlag{Name: "check", Usage: "exit with 3 when there is one"}},
				Action:      func(ctx context.Context, c *cli.Command) error { return a.deadList(ctx, c) },
			},
			{
				Name: "redrive", Usage: "send dead letters to the command queue again, in order", ArgsUsage: "COMMAND-ID… | -all",
				Description: "Sends each letter that is in the queue when the command begins once, waits for the outcomes,\n" +
					"and exits with 3 when a letter failed again. A letter that can't be read goes by its message\n" +
					"id. A command that was accepted already is not accepted again.",
				Flags:  chosen(&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "wait up to `DURATION` for the outcomes; 0 for not at all"}),
				Action: func(ctx context.Context, c *cli.Command) error { return a.deadRedrive(ctx, c) },
			},
			{
				Name: "drop", Usage: "delete dead letters permanently", ArgsUsage: "COMMAND-ID… | -all",
				Flags:  chosen(),
				Action: func(ctx context.Context, c *cli.Command) error { return a.deadDrop(ctx, c) },
			},
		},
	}
}

// handledLine is a dead letter that was redriven or dropped. Code and Text are
// those of the failure that made it a dead letter, the last one if it failed again.
type handledLine struct {
	inspect.Letter
	Outcome string `json:"outcome"`
}

// The outcomes of a dead letter: those below, and accepted and rejected.
const (
	outcomeDropped = "dropped"
	outcomePending = "pending" // no outcome is known yet
	outcomeFailed  = "failed"  // it is a dead letter again
)

func (a *app) deadList(ctx context.Context, c *cli.Command) error {
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	d, err := s.openDead(ctx)
	if err != nil {
		return err
	}
	t := s.out.table("ID", "COMMAND", "STREAM", "SENT", "RECEIVES", "ERROR")
	any := false
	err = d.Each(ctx, nil, func(l connect.Letter) (bool, error) {
		any = true
		t.row(l.Letter, l.ID, l.Command, l.Group, l.Sent, l.Receives, l.Text)
		return false, nil
	})
	if err != nil {
		return err
	}
	t.end("no dead letters")
	return s.out.result(any && c.Bool("check"))
}

// openDead opens the queue of dead letters.
func (s *session) openDead(ctx context.Context) (*connect.DeadLetters, error) {
	d := s.deadLetters()
	return d, d.Open(ctx)
}

// choice says which dead letters a command is for: those in the queue when it
// began, all or those of the ids.
type choice struct {
	queue *connect.DeadLetters
	ids   map[string]bool // whether a letter of the id came; nil for all
}

// takes reports whether the letter is one of them.
func (ch *choice) takes(l *connect.Letter) bool {
	_, named := ch.ids[l.ID]
	if !ch.queue.There(l) || ch.ids != nil && !named {
		return false
	}
	if named {
		ch.ids[l.ID] = true
	}
	return true
}

// missing is the error of ids of which no letter came.
func (ch *choice) missing() error {
	var missing []string
	for id, came := range ch.ids {
		if !came {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return events.Errorf(events.CodeNotFound, "no dead letter that can be received now has id %s", strings.Join(missing, ", "))
}

// chooseLetters reads which dead letters the arguments choose, and asks.
func (a *app) chooseLetters(ctx context.Context, c *cli.Command, what string) (*session, *choice, error) {
	ids := c.Args().Slice()
	if c.Bool("all") == (len(ids) > 0) {
		return nil, nil, usage("%s: give the ids that dead list shows, or -all", c.Name)
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	d, err := s.openDead(ctx)
	if err != nil {
		return nil, nil, err
	}
	ch, which := &choice{queue: d}, "all dead letters"
	if len(ids) > 0 {
		ch.ids = map[string]bool{}
		for _, id := range ids {
			ch.ids[id] = false
		}
		which = fmt.Sprintf("%d dead letters", len(ch.ids))
	}
	return s, ch, a.confirm(c, what+" "+which+" of "+s.prefix+"?")
}

func (a *app) deadDrop(ctx context.Context, c *cli.Command) error {
	s, ch, err := a.chooseLetters(ctx, c, "Delete")
	if err != nil {
		return err
	}
	t := s.handledTable()
	err = ch.queue.Each(ctx, nil, func(l connect.Letter) (bool, error) {
		if !ch.takes(&l) {
			return false, nil
		}
		if err := ch.queue.Remove(ctx, &l); err != nil {
			return false, fmt.Errorf("dead letter %s: %w", l.ID, err)
		}
		t.handled(handledLine{l.Letter, outcomeDropped})
		return true, s.out.err
	})
	t.end("no dead letters")
	if err != nil {
		return err
	}
	return ch.missing()
}

func (a *app) deadRedrive(ctx context.Context, c *cli.Command) error {
	wait := c.Duration("wait")
	if wait < 0 {
		return usage("-wait is 0 or more")
	}
	s, ch, err := a.chooseLetters(ctx, c, "Send again")
	if err != nil {
		return err
	}
	r := &resending{
		choice: ch, byOrigin: map[string]*handledLine{}, wait: wait,
		requests: dynamo.NewRequests(s.client, dynamo.TableName(s.prefix, dynamo.RequestsTable())),
	}
	ch.queue.Patience = max(ch.queue.Patience, wait)
	err = ch.queue.Each(ctx, func() (bool, error) { return r.more(ctx) }, func(l connect.Letter) (bool, error) { return r.see(ctx, l) })
	t := s.handledTable()
	failed := false
	for _, l := range r.sent {
		failed = failed || l.Outcome == outcomeFailed
		t.handled(*l)
	}
	t.end("no dead letters")
	if err == nil {
		err = ch.missing()
	}
	if err != nil {
		return err
	}
	return s.out.result(failed)
}

// handledTable is a table of handled dead letters.
type handledTable struct{ *table }

func (s *session) handledTable() handledTable {
	return handledTable{s.out.table("ID", "COMMAND", "STREAM", "OUTCOME", "ERROR")}
}

func (t handledTable) handled(l handledLine) {
	t.row(l, l.ID, l.Command, l.Group, l.Outcome, l.Text)
}

// resending redrives dead letters and watches for their outcomes.
type resending struct {
	*choice
	requests async.Statuses
	sent     []*handledLine
	byOrigin map[string]*handledLine // by the id in the command queue
	waiting  []*handledLine          // without an outcome
	wait     time.Duration           // for outcomes
	deadline time.Time               // of the wait, which begins when all are sent
}

// see sends a letter again, unless this command sent it before: then it failed
// again.
func (r *resending) see(ctx context.Context, l connect.Letter) (taken bool, err error) {
	for _, origin := range l.Origins() {
		if before := r.byOrigin[origin]; before != nil {
			before.Letter, before.Outcome = l.Letter, outcomeFailed
			return false, nil
		}
	}
	if !r.takes(&l) {
		return false, nil
	}
	id, err := r.queue.Resend(ctx, &l)
	if id != "" { // it is in the command queue, even if the letter could not be deleted
		line := &handledLine{l.Letter, outcomePending}
		r.sent, r.waiting, r.byOrigin[id] = append(r.sent, line), append(r.waiting, line), line
	}
	if err != nil {
		return false, fmt.Errorf("dead letter %s: %w", l.ID, err)
	}
	return true, nil
}

// more looks for outcomes and reports whether to wait for others.
func (r *resending) more(ctx context.Context) (bool, error) {
	now := time.Now()
	if r.deadline.IsZero() {
		r.deadline = now.Add(r.wait)
	}
	for i := 0; i < len(r.waiting) && ctx.Err() == nil; i++ {
		l := r.waiting[i]
		if l.Outcome != outcomePending || l.Command == "" {
			continue
		}
		status, err := r.requests.Get(ctx, now, l.ID)
		if err != nil {
			return false, fmt.Errorf("the outcome of command %s: %w", l.ID, err)
		}
		if status != nil && status.Final() {
			l.Code, l.Text, l.Outcome = "", "", string(status.State)
			if status.Problem != nil {
				l.Code, l.Text = status.Problem.Code, status.Problem.Message
			}
		}
	}
	r.waiting = slices.DeleteFunc(r.waiting, func(l *handledLine) bool { return l.Outcome != outcomePending })
	return len(r.waiting) > 0 && now.Before(r.deadline), ctx.Err()
}
