package cli

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/aggregate/async"
	"daybook/api"
	"daybook/dynamo"
	"daybook/events"
)

func statusCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "report the outcome of a queued command",
		ArgsUsage: "COMMAND-ID",
		Description: "Reads the requests table, with the rights of your AWS credentials; with -api it asks the\n" +
			"HTTP API, which answers the actor that sent the command. Known for a day.",
		Flags:  apiFlags(),
		Action: func(ctx context.Context, c *cli.Command) error { return a.status(ctx, c) },
	}
}

// statusLine is the status of a queued command.
type statusLine struct {
	CommandID string    `json:"commandId"`
	Status    string    `json:"status"`
	Since     time.Time `json:"since"`
	ID        string    `json:"id"`
	Token     string    `json:"token,omitzero"`
	Problem   *struct {
		Code   events.Code `json:"code"`
		Detail string      `json:"detail"`
	} `json:"problem,omitzero"`
}

func (a *app) status(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("status takes one command id; see -help")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	get := s.statusOf
	if c.String("api") != "" {
		get = func(ctx context.Context, id string) (statusLine, error) { return s.statusFromAPI(ctx, c, id) }
	}
	l, err := get(ctx, c.Args().First())
	if err != nil {
		return err
	}
	what := l.Token
	if l.Problem != nil {
		what = string(l.Problem.Code) + ": " + l.Problem.Detail
	}
	t := s.out.table("COMMAND ID", "STATUS", "SINCE", "ID", "ANSWER")
	t.row(l, l.CommandID, l.Status, l.Since, l.ID, what)
	t.flush()
	return s.out.err
}

// statusOf reads the requests table.
func (s *session) statusOf(ctx context.Context, id string) (statusLine, error) {
	table := dynamo.TableName(s.prefix, dynamo.RequestsTable())
	known, err := dynamo.NewRequests(s.client, table).Get(ctx, time.Now(), id)
	if err != nil {
		return statusLine{}, s.reach(table, err)
	}
	if known == nil {
		return statusLine{}, events.Errorf(events.CodeNotFound, "no command %s was queued in the last day", id)
	}
	l := statusLine{CommandID: id, Status: string(known.State), Since: known.Since, ID: known.Stream.ID()}
	if known.State == async.StateAccepted {
		l.Token = known.Result.Token()
	}
	if e := known.Problem; e != nil {
		l.Problem = &struct {
			Code   events.Code `json:"code"`
			Detail string      `json:"detail"`
		}{e.Code, e.Message}
	}
	return l, nil
}

// statusFromAPI asks the API.
func (s *session) statusFromAPI(ctx context.Context, c *cli.Command, id string) (statusLine, error) {
	response, text, err := s.ask(ctx, c, http.MethodGet, "/commands/"+api.EncodeSegment(id), http.Header{}, nil)
	if err != nil {
		return statusLine{}, err
	}
	if response.StatusCode != http.StatusOK {
		return statusLine{}, readProblem(response, text)
	}
	var l statusLine
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("the API's answer can't be read: %w", err)
	}
	return l, nil
}
