package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/schema"
)

// commandBody is the body of POST /commands/{command}.
type commandBody struct {
	ID              *string        `json:"id" rule:"min=1,max=128"`
	Payload         jsontext.Value `json:"payload,omitzero"`
	ExpectedVersion *int64         `json:"expectedVersion" rule:"min=0"`
}

// acceptedAnswer is the answer to an accepted command.
type acceptedAnswer struct {
	ID        string `json:"id"`
	Version   int64  `json:"version"`
	CommandID string `json:"commandId"`
	Token     string `json:"token,omitzero"` // a no-op on a stream that does not exist has none
	// Others are the tokens of the other streams that the command wrote to.
	Others []string `json:"others,omitempty"`
}

func acceptedOf(r aggregate.Result) acceptedAnswer {
	r.Stream = r.Stream.In("") // no client sees the tenant
	a := acceptedAnswer{ID: r.Stream.ID(), Version: r.Version, CommandID: r.CommandID, Token: r.Token()}
	for _, t := range r.Others {
		t.Stream = t.Stream.In("")
		a.Others = append(a.Others, t.String())
	}
	return a
}

func statusOf(r aggregate.Result) int {
	if r.Started {
		return http.StatusCreated
	}
	return http.StatusOK
}

// command answers POST /commands/{command}.
func (c *commands) command(name string) endpoint {
	return func(r *http.Request) (*answer, error) {
		if err := c.permit(r.Context(), name, true); err != nil {
			return nil, err
		}
		command, asked, err := c.read(name, r)
		if err != nil {
			return nil, err
		}
		if c.async(r) {
			return c.queue(r, command)
		}
		result, err := c.commander.Handle(r.Context(), command)
		if asked && events.CodeOf(err) == events.CodeVersionConflict {
			return nil, &failure{error: err, status: http.StatusPreconditionFailed}
		}
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(acceptedOf(result))
		if err != nil {
			return nil, err
		}
		a := &answer{status: statusOf(result), contentType: "application/json", body: body, header: http.Header{}}
		a.header.Set("ETag", etag(result.Version))
		a.header.Set("X-Correlation-Id", command.Correlation)
		if result.Replayed {
			a.header.Set("Idempotent-Replayed", "true")
		}
		if result.Started {
			setLocation(a.header, result.Stream)
		}
		return a, nil
	}
}

// read makes the command of a request. asked says that a header asks for the
// version.
func (c *commands) read(name string, r *http.Request) (command aggregate.Command, asked bool, err error) {
	if command, err = c.origin(r); err != nil {
		return command, false, err
	}
	command.Name = name
	if command.CommandID, err = idHeader(r.Header, "Idempotency-Key"); err != nil {
		return command, false, err
	}
	asks, err := preconditionOf(r.Header, tenantOf(r.Context()))
	if err != nil {
		return command, false, err
	}
	raw, err := readBody(r)
	if err != nil {
		return command, false, err
	}
	body, err := schema.Decode[commandBody](c.commandSchema, raw, "")
	if err != nil {
		return command, false, err
	}
	if command.ID, err = optionalID("/id", body.ID); err != nil {
		return command, false, err
	}
	command.Payload = body.Payload
	command.ExpectedVersion = body.ExpectedVersion
	if asks.version != nil && body.ExpectedVersion != nil && *body.ExpectedVersion != *asks.version {
		return command, false, events.Malformed(asks.header, "asks for another version than the body's expectedVersion")
	}
	if asks.version != nil {
		command.ExpectedVersion = asks.version
	}
	command.Condition = asks.condition
	return command, asks.header != "", nil
}

// origin is what a request says of all its commands: whose they are, who sent them, and the id
// that all it sets off shares, the request's own unless it names another.
func (c *commands) origin(r *http.Request) (aggregate.Command, error) {
	correlation, err := idHeader(r.Header, "X-Correlation-Id")
	if correlation == "" {
		correlation = requestIDOf(r.Context())
	}
	return aggregate.Command{Tenant: tenantOf(r.Context()), Actor: actorOf(r.Context()), Correlation: correlation, Trace: traceOf(r.Header)}, err
}

// traceOf is the W3C trace context of a request, "" for none. One that is not valid,
// or comes twice, is ignored, as the standard asks.
func traceOf(h http.Header) string {
	if values := h.Values(traceHeader); len(values) == 1 {
		return events.TraceParent(values[0])
	}
	return ""
}

func optionalID(path string, id *string) (string, error) {
	if id == nil {
		return "", nil
	}
	return *id, validateID(path, *id)
}

// setLocation points at the history of a stream that was started: it is there
// at once, whereas rows follow. It is relative to /commands/{command}, so that
// it holds behind any prefix.
func setLocation(h http.Header, stream events.Stream) {
	h.Set("Location", "../streams/"+stream.Aggregate()+"/"+EncodeSegment(stream.ID()))
}
