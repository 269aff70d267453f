package api

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"time"

	"daybook/aggregate"
	"daybook/aggregate/async"
	"daybook/events"
)

// Sender queues commands; *async.Sender does.
type Sender interface {
	Send(ctx context.Context, cs []aggregate.Command) []async.Receipt
}

// Statuses is the part of async.Statuses that reads.
type Statuses interface {
	Get(ctx context.Context, now time.Time, tenant, commandID string) (*async.Status, error)
}

// queuedAnswer is the answer to a command that was queued.
type queuedAnswer struct {
	CommandID string `json:"commandId"`
	ID        string `json:"id"`
	// Status is where to ask for the command's status, relative to the request.
	Status string `json:"status"`
}

// queuedResult is the result of a command of a batch that was queued.
type queuedResult struct {
	Status    int    `json:"status"`
	CommandID string `json:"commandId"`
	ID        string `json:"id"`
	Location  string `json:"location"`
	Replayed  bool   `json:"replayed,omitzero"`
}

// pollAfter is how many seconds a client is told to wait before it asks for the
// status of a queued command.
const pollAfter = "1"

// async reports whether a request is to be answered before its commands are
// handled.
func (c *commands) async(r *http.Request) bool {
	return c.opts.Sender != nil && prefersAsync(r.Header)
}

// queue answers a command by queueing it.
func (c *commands) queue(r *http.Request, command aggregate.Command) (*answer, error) {
	sent := c.opts.Sender.Send(r.Context(), []aggregate.Command{command})
	if len(sent) != 1 {
		return nil, fmt.Errorf("the sender gave %d results for one command", len(sent))
	}
	s := sent[0]
	if s.Err != nil {
		return nil, s.Err
	}
	a := appliedAnswer(command.Correlation)
	status := statusPath("../", s.CommandID)
	a.header.Set("Location", status)
	if s.Repeated {
		a.header.Set("Idempotent-Replayed", "true")
	}
	body, err := json.Marshal(queuedAnswer{CommandID: s.CommandID, ID: s.Stream.ID(), Status: status})
	a.body = body
	return a, err
}

// appliedAnswer is the answer to a request whose commands were queued, without a body.
func appliedAnswer(correlation string) *answer {
	a := &answer{status: http.StatusAccepted, contentType: "application/json", header: http.Header{}}
	a.header.Set("Preference-Applied", "respond-async")
	a.header.Set("Retry-After", pollAfter)
	a.header.Set("X-Correlation-Id", correlation)
	return a
}

// statusPath is the path of a command's status, relative to where base leads to
// the root.
func statusPath(base, commandID string) string {
	return base + "commands/" + EncodeSegment(commandID)
}

// queueBatch answers a batch by queueing those of its elements that are sound:
// 202 when there is one, 207 when every element failed.
func (c *commands) queueBatch(r *http.Request, origin aggregate.Command, elements []jsontext.Value) (*answer, error) {
	sound, at, errs := c.soundOf(r.Context(), origin, elements)
	results := make([]jsontext.Value, len(elements))
	any := false
	if len(sound) > 0 {
		sent := c.opts.Sender.Send(r.Context(), sound)
		if len(sent) != len(sound) {
			return nil, fmt.Errorf("the sender gave %d results for %d commands", len(sent), len(sound))
		}
		for n, s := range sent {
			if i := at[n]; s.Err != nil {
				errs[i] = below(pointer(i), s.Err)
				continue
			}
			any = true
			var err error
			results[at[n]], err = json.Marshal(queuedResult{http.StatusAccepted, s.CommandID, s.Stream.ID(), statusPath("", s.CommandID), s.Repeated})
			if err != nil {
				return nil, err
			}
		}
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		if results[i], err = c.failed(r, i, err); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(results)
	if err != nil {
		return nil, err
	}
	a := appliedAnswer(origin.Correlation)
	if !any {
		a.status = http.StatusMultiStatus
		a.header.Del("Preference-Applied")
		a.header.Del("Retry-After")
	}
	a.body = body
	return a, nil
}

// commandStatus is the answer to GET /commands/{commandId}. Of an accepted command
// it has the answer, of a rejected or failed one the problem.
type commandStatus struct {
	CommandID string      `json:"commandId"`
	Status    async.State `json:"status"`
	Since     string      `json:"since"` // RFC 3339, when it came into the status
	ID        string      `json:"id"`
	Version   *int64      `json:"version,omitzero"`
	Token     string      `json:"token,omitzero"`
	Others    []string    `json:"others,omitempty"`
	Started   bool        `json:"started,omitzero"`
	Problem   *problem    `json:"problem,omitzero"`
}

// status answers GET /commands/{commandId}. A command that another tenant or actor sent is
// as if it were not there.
func (q *queries) status(commandID string) endpoint {
	return func(r *http.Request) (*answer, error) {
		if err := events.ValidateID("commandId", commandID); err != nil {
			return nil, err
		}
		s, err := q.opts.Statuses.Get(r.Context(), q.opts.Now(), tenantOf(r.Context()), commandID)
		if err != nil {
			return nil, err
		}
		actor := ""
		if s != nil {
			actor = actorOf(r.Context())
		}
		if s == nil || s.Actor != "" && actor != "" && s.Actor != actor {
			return nil, events.Errorf(events.CodeNotFound, "no command of this id was queued in the last day, or none of yours")
		}
		body, err := json.Marshal(statusAnswer(s), jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return nil, err
		}
		a := &answer{status: http.StatusOK, contentType: "application/json", body: body, header: http.Header{}}
		if s.State == async.StatePending {
			a.header.Set("Retry-After", pollAfter)
		}
		return a, nil
	}
}

func statusAnswer(s *async.Status) commandStatus {
	c := commandStatus{
		CommandID: s.CommandID, Status: s.State, ID: s.Stream.ID(),
		Since: s.Since.UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	switch {
	case s.State == async.StateAccepted:
		a := acceptedOf(s.Result)
		c.Version, c.Token, c.Others, c.Started = &a.Version, a.Token, a.Others, s.Result.Started
	case s.Problem != nil:
		p := problemOf(s.Problem, "")
		if p.Code == events.CodeInternal && !s.Problem.Rejected {
			p.Detail = "the command could not be handled; it is kept for the operator, who finds the fault in the log under the command's id"
		}
		c.Problem = &p
	}
	return c
}
