package cli

import (
	"context"
	"encoding/json/v2"
	"fmt"
	"net/http"

	"github.com/urfave/cli/v3"

	"daybook/api"
	"daybook/dynamo"
	"daybook/events"
	"daybook/inspect"
)

func statusCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "report the outcome of a queued command",
		ArgsUsage: "COMMAND-ID",
		Description: "Reads the requests table, with the rights of your AWS credentials; with -api it asks the\n" +
			"HTTP API, which answers the actor that sent the command. Known for a day.",
		Flags:  apiFlags(),
		Action: a.status,
	}
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
	if c.String("api") == "" {
		if _, err := a.oneTenant(c); err != nil {
			return err
		}
	} else {
		get = func(ctx context.Context, id string) (inspect.Status, error) { return s.statusFromAPI(ctx, c, id) }
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
func (s *session) statusOf(ctx context.Context, id string) (inspect.Status, error) {
	installation, err := s.installation()
	if err != nil {
		return inspect.Status{}, err
	}
	status, err := installation.Status(ctx, s.tenant, id)
	if err != nil && events.CodeOf(err) != events.CodeNotFound {
		err = s.reach(dynamo.TableName(s.prefix, dynamo.RequestsTable()), err)
	}
	return status, err
}

// statusFromAPI asks the API.
func (s *session) statusFromAPI(ctx context.Context, c *cli.Command, id string) (inspect.Status, error) {
	response, text, err := s.ask(ctx, c, http.MethodGet, "/commands/"+api.EncodeSegment(id), http.Header{}, nil)
	if err != nil {
		return inspect.Status{}, err
	}
	if response.StatusCode != http.StatusOK {
		return inspect.Status{}, readProblem(response, text)
	}
	var l inspect.Status
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("the API's answer can't be read: %w", err)
	}
	return l, nil
}
