package cli

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"uuid"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/events"
	"daybook/functions/names"
)

func sendCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "send",
		Usage:     "send a command",
		ArgsUsage: "COMMAND",
		Description: "Decides the command in this program and appends to the events table, with the rights of\n" +
			"your AWS credentials, internal commands too; with -api it goes through the HTTP API instead, as any client's.\n" +
			"Prints the consistency token. Exits with 4 when the command is rejected.",
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "async", Usage: "queue it, with -api; status reports the outcome"},
			&cli.StringFlag{Name: "id", Usage: "the aggregate's `ID`; a command that creates may leave it out"},
			&cli.StringFlag{Name: "payload", Value: "{}", Usage: "`JSON`, or @FILE, or - for standard input"},
			&cli.StringFlag{Name: "command-id", Usage: "`ID` that makes the command safe to repeat; random by default"},
			&cli.Int64Flag{Name: "expect", Usage: "reject it unless the stream is at `VERSION`"},
			&cli.StringFlag{Name: "actor", Usage: "`NAME` to store as the actor; not with -api"},
		}, apiFlags()...),
		ShellComplete: completes(a.commandNames),
		Action:        a.send,
	}
}

// apiFlags say how to reach the HTTP API.
func apiFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "api", Sources: cli.EnvVars("DAYBOOK_API"), Usage: "speak to the HTTP API at `URL`"},
		apiToken(), apiSign(),
	}
}

// apiToken and apiSign say how requests to the HTTP API are authorized.
func apiToken() cli.Flag {
	return &cli.StringFlag{Name: "token", Sources: cli.EnvVars("DAYBOOK_TOKEN"), Usage: "bearer `TOKEN` for the API"}
}

func apiSign() cli.Flag {
	return &cli.BoolFlag{Name: "sign", Usage: "sign requests to the API with your AWS credentials"}
}

// sent is the answer to an accepted command, or to a queued one.
type sent struct {
	Queued    bool   `json:"queued,omitzero"`
	ID        string `json:"id"`
	Version   int64  `json:"version"`
	CommandID string `json:"commandId"`
	Token     string `json:"token,omitzero"`
	Started   bool   `json:"started"`
	Replayed  bool   `json:"replayed"`
}

func (a *app) send(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("send takes one command; see -help")
	}
	if c.String("api") == "" { // an API may know commands that this program does not
		if _, err := a.declaredCommand(c.Args().First()); err != nil {
			return err
		}
	}
	payload, err := a.payload(c.String("payload"))
	if err != nil {
		return err
	}
	command := aggregate.Command{Name: c.Args().First(), ID: c.String("id"), Payload: payload, CommandID: c.String("command-id"), Actor: c.String("actor")}
	if command.CommandID == "" {
		command.CommandID = uuid.New().String()
	}
	if v := c.Int64("expect"); c.IsSet("expect") {
		command.ExpectedVersion = &v
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	var answer sent
	switch api := c.String("api"); {
	case api == "" && c.Bool("async"):
		return usage("-async: the API queues commands; name it with -api")
	case api == "":
		if command.Tenant, err = a.oneTenant(c); err != nil {
			return err
		}
		answer, err = s.sendDirectly(ctx, command)
	case command.Actor != "":
		return usage("-actor: the API takes the actor from the credentials")
	default:
		answer, err = s.sendToAPI(ctx, c, command)
	}
	if err != nil {
		return refused(err, command.CommandID)
	}
	if s.out.json {
		s.out.value(answer)
	} else {
		s.out.printf("%s\n", said(answer))
	}
	return s.out.err
}

func said(s sent) string {
	if s.Queued {
		return s.CommandID + "\tqueued"
	}
	token := cmp.Or(s.Token, "nothing to do")
	switch {
	case s.Replayed:
		return token + "\treplayed"
	case s.Started:
		return token + "\tstarted"
	}
	return token
}

// payload reads the value of -payload.
func (a *app) payload(value string) (jsontext.Value, error) {
	text := []byte(value)
	var err error
	switch path, isFile := strings.CutPrefix(value, "@"); {
	case value == "-":
		text, err = io.ReadAll(a.stdin)
	case isFile:
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, usage("-payload: %w", err)
	}
	payload := jsontext.Value(bytes.TrimSpace(text))
	if !payload.IsValid() {
		return nil, usage("-payload is not JSON")
	}
	return payload, nil
}

// refused sorts the error of a command: rejected, or worth a retry.
func refused(err error, commandID string) error {
	if events.Transient(err) {
		return fmt.Errorf("%w; it is safe to send again with -command-id %s", withHint(err), commandID)
	}
	if e, ok := errors.AsType[*events.Error](err); ok && e.Code != events.CodeInternal {
		return &exitError{exitRefused, err}
	}
	return err
}

// handler decides commands in this program.
func (s *session) handler() (*aggregate.Handler, error) {
	return aggregate.NewHandler(s.folded, s.aggregates, &aggregate.Options{Tenants: s.of.Tenancy.On()})
}

func (s *session) sendDirectly(ctx context.Context, command aggregate.Command) (sent, error) {
	handler, err := s.handler()
	if err != nil {
		return sent{}, err
	}
	r, err := handler.Handle(ctx, command)
	if err != nil {
		return sent{}, err
	}
	return sent{ID: r.Stream.ID(), Version: r.Version, CommandID: r.CommandID, Token: r.Token(), Started: r.Started, Replayed: r.Replayed}, nil
}

// apiTimeout bounds a request to the API: API Gateway gives up after 29 s.
const apiTimeout = 35 * time.Second

func (s *session) sendToAPI(ctx context.Context, c *cli.Command, command aggregate.Command) (sent, error) {
	body, err := json.Marshal(struct {
		ID              string         `json:"id,omitzero"`
		Payload         jsontext.Value `json:"payload"`
		ExpectedVersion *int64         `json:"expectedVersion,omitzero"`
	}{command.ID, command.Payload, command.ExpectedVersion})
	if err != nil {
		return sent{}, err
	}
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {command.CommandID}}
	if c.Bool("async") {
		header.Set("Prefer", "respond-async")
	}
	response, text, err := s.ask(ctx, c, http.MethodPost, "/commands/"+url.PathEscape(command.Name), header, body)
	if err != nil {
		return sent{}, err
	}
	return readAnswer(response, text)
}

// ask sends a request to the API that -api names, and reads its answer.
func (s *session) ask(ctx context.Context, c *cli.Command, method, path string, header http.Header, body []byte) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.String("api"), "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, usage("-api: %w", err)
	}
	request.Header = header
	if s.tenant != "" {
		request.Header.Set(names.TenantHeader, s.tenant)
	}
	if err := s.authorize(ctx, c, request); err != nil {
		return nil, nil, err
	}
	response, err := direct(apiTimeout).Do(request)
	if err != nil {
		return nil, nil, events.Wrap(events.CodeUnavailable, err, "the API did not answer")
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	if err != nil {
		return nil, nil, events.Wrap(events.CodeUnavailable, err, "the API's answer broke off")
	}
	return response, text, nil
}

// authorize adds to a request to the API what -token and -sign say.
func (s *session) authorize(ctx context.Context, c *cli.Command, request *http.Request) error {
	if token := c.String("token"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if !c.Bool("sign") {
		return nil
	}
	var body []byte
	if request.GetBody != nil {
		reader, err := request.GetBody()
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(reader); err != nil {
			return err
		}
	}
	return s.sign(ctx, request, body)
}

// direct makes a client that follows no redirect: a redirected POST may become a
// GET without its body, whose answer says nothing about the command.
func direct(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// sign signs a request as API Gateway wants it from IAM callers.
func (s *session) sign(ctx context.Context, request *http.Request, body []byte) error {
	credentials, err := s.aws.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("there are no AWS credentials to sign with: %w", err)
	}
	sum := sha256.Sum256(body)
	return v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "execute-api", s.aws.Region, time.Now())
}

// readAnswer reads the API's answer: an accepted or a queued command, or a problem.
func readAnswer(response *http.Response, text []byte) (sent, error) {
	switch response.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusAccepted:
		answer := sent{
			Queued: response.StatusCode == http.StatusAccepted, Started: response.StatusCode == http.StatusCreated,
			Replayed: response.Header.Get("Idempotent-Replayed") == "true",
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return sent{}, fmt.Errorf("the API's answer can't be read: %w", err)
		}
		return answer, nil
	}
	return sent{}, readProblem(response, text)
}

// readProblem reads a problem of the API.
func readProblem(response *http.Response, text []byte) error {
	var problem struct {
		Code   events.Code    `json:"code"`
		Detail string         `json:"detail"`
		Errors []events.Field `json:"errors"`
	}
	if err := json.Unmarshal(text, &problem); err != nil || problem.Code == "" {
		return fmt.Errorf("the API answered %s: %.200s", response.Status, text)
	}
	e := events.Errorf(problem.Code, "%s", problem.Detail)
	e.Fields = problem.Errors
	return e
}
