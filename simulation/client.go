package simulation

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"daybook/events"
	"daybook/functions/names"
)

// operation is what a client knows of a command that it sent.
type operation struct {
	step
	key      string // its command id
	tenant   string // of the client
	stream   events.Stream
	attempts int
	accepted bool   // it was told so
	queued   bool   // it was told that it will be handled
	expected *int64 // version of the stream; nil: none
	version  int64
	code     string // why it was refused; "" when nobody knows
	status   int
}

// client sends commands and queries, one after another, and repeats what fails.
type client struct {
	*system
	steps      []step
	tenant     string // "" in an application without tenants
	operations []*operation
	answers    []rowAnswer       // of an application with tenants
	tokens     map[string]string // the last token, by stream
	faults     []string          // answers that are wrong in themselves
}

// attempts bounds how often a client sends a command.
const attempts = 6

func (c *client) run(ctx context.Context) {
	for _, s := range c.steps {
		c.network.pause(s.name+" begins", s.pause)
		switch s.kind {
		case readRow:
			random, _ := draw(c.network.seed, "lists "+s.name)
			if field, ok := c.listed(s.view); ok && random.IntN(2) == 0 {
				c.list(ctx, s, field)
			} else {
				c.read(ctx, s)
			}
		default:
			c.send(ctx, s)
		}
	}
}

type commandAnswer struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
	Token   string `json:"token"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// send sends a command until there is an answer that is one.
func (c *client) send(ctx context.Context, s step) {
	op := &operation{step: s, key: s.commandID(), tenant: c.tenant}
	c.operations = append(c.operations, op)
	body := map[string]any{"payload": s.payload}
	if s.id != "" {
		body["id"] = s.id
		op.stream = events.StreamOf(s.command.Aggregate, s.id).In(c.tenant)
		if op.expected = c.expected(s, op.stream); op.expected != nil {
			body["expectedVersion"] = *op.expected
		}
	}
	text, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		c.faults = append(c.faults, err.Error())
		return
	}
	header := http.Header{"Idempotency-Key": {op.key}}
	if s.kind == queueCommand {
		header.Set("Prefer", "respond-async")
	}
	for op.attempts = 1; op.attempts <= attempts; op.attempts++ {
		status, answer, err := c.ask(ctx, fmt.Sprintf("%s/%d", s.name, op.attempts), http.MethodPost, "/commands/"+s.command.Name, string(text), header)
		if err == nil && c.receive(op, status, answer) {
			c.readOwn(ctx, op)
			return
		}
		random, _ := draw(c.network.seed, fmt.Sprint("rest of ", s.name, op.attempts))
		c.network.pause(s.name+" rests", time.Duration(random.Int64N(int64(800*time.Millisecond))))
	}
}

// receive records an answer and reports whether it is the last.
func (c *client) receive(op *operation, status int, body []byte) bool {
	op.status = status
	var a commandAnswer
	if err := json.Unmarshal(body, &a, jsontext.AllowDuplicateNames(true)); err != nil && status < 500 {
		c.faults = append(c.faults, fmt.Sprintf("%s: the answer %d %q is not JSON", op.step, status, body))
		return true
	}
	switch {
	case status == http.StatusAccepted:
		op.queued = true
		op.stream = events.StreamOf(op.command.Aggregate, a.ID).In(c.tenant)
		return true
	case status == http.StatusOK || status == http.StatusCreated:
		op.accepted, op.version = true, a.Version
		op.stream = events.StreamOf(op.command.Aggregate, a.ID).In(c.tenant)
		c.tokens[string(op.stream)] = a.Token
		return true
	case status >= 500 || status == http.StatusTooManyRequests:
		return false
	case status == http.StatusBadRequest || status == http.StatusForbidden || status == http.StatusNotFound:
		c.faults = append(c.faults, fmt.Sprintf("%s: refused with %d %s: %s; give the command a payload of its own (Payload), or weight 0", op.step, status, a.Code, a.Detail))
	}
	op.code, op.version = a.Code, a.Version
	return true
}

// read asks for a row, as new as what the client has written.
func (c *client) read(ctx context.Context, s step) {
	path := "/" + s.view + "/" + url.PathEscape(s.id)
	token := ""
	if d, ok := c.rows[s.view]; ok && len(d.Aggregates) == 1 {
		if token = c.tokens[string(events.StreamOf(d.Aggregates[0], s.id).In(c.tenant))]; token != "" {
			path += "?after=" + url.QueryEscape(token)
		}
	}
	status, body, err := c.ask(ctx, s.name+"/1", http.MethodGet, path, "", nil)
	if err != nil || status >= 500 {
		return
	}
	var row struct {
		Version int64 `json:"version"`
	}
	switch {
	case status == http.StatusNotFound:
	case status != http.StatusOK || json.Unmarshal(body, &row) != nil:
		c.faults = append(c.faults, fmt.Sprintf("%s: the answer is %d %s", s, status, body))
		return
	}
	if d, ok := c.rows[s.view]; ok && c.tenant != "" && status == http.StatusOK {
		c.answers = append(c.answers, rowAnswer{s, events.StreamOf(d.Aggregates[0], s.id).In(c.tenant), row.Version, body})
	}
	switch {
	case token != "" && row.Version > 0:
		var want int64
		_, _ = fmt.Sscan(token[strings.LastIndexByte(token, '@')+1:], &want)
		if row.Version < want {
			c.faults = append(c.faults, fmt.Sprintf("%s after %s: the row has version %d", s, token, row.Version))
		}
	}
}

// outcomeOf is what an answer says, without what differs between runs.
func outcomeOf(status int, body []byte) string {
	var a commandAnswer
	if json.Unmarshal(body, &a) != nil {
		return fmt.Sprint(status)
	}
	return strings.TrimSpace(fmt.Sprint(status, " ", a.Code, a.Token))
}

// ask sends one request through the gateway, over a network that loses requests and
// answers.
func (c *client) ask(ctx context.Context, name, method, path, body string, header http.Header) (int, []byte, error) {
	f := c.network.faults.clientFate(c.network.seed, name)
	c.network.pause(name+" >", f.there)
	if f.fault == requestLost {
		c.network.trace.add(name+": "+method+" "+path, f.fault.String(), f.fault, f.id)
		return 0, nil, errLost
	}
	r := httptest.NewRequestWithContext(invoked(ctx, name), method, path, strings.NewReader(body))
	for key, values := range header {
		r.Header[key] = values
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.tenant != "" {
		r.Header.Set(names.TenantHeader, c.tenant)
	}
	w := httptest.NewRecorder()
	c.gateway.ServeHTTP(w, r)
	c.network.pause(name+" <", f.back)
	outcome := outcomeOf(w.Code, w.Body.Bytes())
	if f.fault == answerLost {
		outcome += ", " + f.fault.String()
	}
	c.network.trace.add(name+": "+method+" "+path+" "+body, outcome, f.fault, f.id)
	select {
	case <-c.network.over:
		return 0, nil, errors.New("the run is over")
	default:
	}
	if f.fault == answerLost {
		return 0, nil, errLost
	}
	return w.Code, w.Body.Bytes(), nil
}
