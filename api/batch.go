package api

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/schema"
)

// MaxBatch is the largest number of commands in one request.
const MaxBatch = 100

// batchElement is one element of the body of POST /commands.
type batchElement struct {
	Command         string         `json:"command" rule:"min=1"`
	ID              *string        `json:"id" rule:"min=1,max=128"`
	Payload         jsontext.Value `json:"payload,omitzero"`
	CommandID       *string        `json:"commandId" rule:"min=1,max=128"`
	ExpectedVersion *int64         `json:"expectedVersion" rule:"min=0"`
}

// batchAccepted and batchFailed are the two forms of a result in the answer to a
// batch.
type (
	batchAccepted struct {
		Status    int      `json:"status"`
		ID        string   `json:"id"`
		Version   int64    `json:"version"`
		CommandID string   `json:"commandId"`
		Token     string   `json:"token,omitzero"`
		Others    []string `json:"others,omitempty"`
		Replayed  bool     `json:"replayed,omitzero"`
	}
	batchFailed struct {
		Status  int     `json:"status"`
		Problem problem `json:"problem"`
	}
)

// batch answers POST /commands. A body that is not sound JSON fails whole; an
// element that is malformed fails alone.
func (c *commands) batch(r *http.Request) (*answer, error) {
	origin, err := c.origin(r)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Idempotency-Key", "If-Match", "If-None-Match"} {
		if len(r.Header.Values(name)) > 0 {
			return nil, events.Malformed(name, "is for a single command; in a batch, each command has commandId and expectedVersion")
		}
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	elements, err := splitArray(body)
	if err != nil {
		return nil, err
	}
	if c.async(r) {
		return c.queueBatch(r, origin, elements)
	}
	outcomes := c.handleAll(r, origin, elements)
	results := make([]jsontext.Value, len(outcomes))
	for i, o := range outcomes {
		if results[i], err = c.result(r, i, o); err != nil {
			return nil, err
		}
	}
	answered, err := json.Marshal(results)
	if err != nil {
		return nil, err
	}
	a := &answer{status: http.StatusMultiStatus, contentType: "application/json", body: answered, header: http.Header{}}
	a.header.Set("X-Correlation-Id", origin.Correlation)
	return a, nil
}

// handleAll reads the elements and has those handled that are sound.
func (c *commands) handleAll(r *http.Request, origin aggregate.Command, elements []jsontext.Value) []aggregate.Outcome {
	outcomes := make([]aggregate.Outcome, len(elements))
	sound, at, errs := c.soundOf(r.Context(), origin, elements)
	for i, err := range errs {
		outcomes[i].Err = err
	}
	if len(sound) == 0 {
		return outcomes
	}
	handled := c.commander.HandleBatch(r.Context(), sound)
	for n, i := range at {
		if n >= len(handled) {
			outcomes[i].Err = fmt.Errorf("the commander gave %d outcomes for %d commands", len(handled), len(sound))
			continue
		}
		outcomes[i] = handled[n]
		outcomes[i].Err = below(pointer(i), outcomes[i].Err)
	}
	return outcomes
}

// soundOf reads the elements: the commands of those that are sound and that the
// caller may send, their places, and an error for each other element.
func (c *commands) soundOf(ctx context.Context, origin aggregate.Command, elements []jsontext.Value) (sound []aggregate.Command, at []int, errs []error) {
	errs = make([]error, len(elements))
	for i, raw := range elements {
		command, err := c.readElement(origin, raw, pointer(i))
		if err == nil {
			err = c.permit(ctx, command.Name, false)
		}
		if err != nil {
			errs[i] = err
			continue
		}
		sound, at = append(sound, command), append(at, i)
	}
	return sound, at, errs
}

func (c *commands) readElement(command aggregate.Command, raw jsontext.Value, at string) (aggregate.Command, error) {
	element, err := schema.Decode[batchElement](c.elementSchema, raw, at)
	if err != nil {
		return command, err
	}
	if command.ID, err = optionalID(at+"/id", element.ID); err != nil {
		return command, err
	}
	if command.CommandID, err = optionalID(at+"/commandId", element.CommandID); err != nil {
		return command, err
	}
	command.Name = element.Command
	command.Payload = element.Payload
	command.ExpectedVersion = element.ExpectedVersion
	return command, nil
}

// result writes one result of a batch.
func (c *commands) result(r *http.Request, i int, o aggregate.Outcome) (jsontext.Value, error) {
	if o.Err == nil {
		a := acceptedOf(o.Result)
		return json.Marshal(batchAccepted{statusOf(o.Result), a.ID, a.Version, a.CommandID, a.Token, a.Others, o.Result.Replayed})
	}
	return c.failed(r, i, o.Err)
}

// failed writes the result of a command of a batch that failed. A fault is logged
// here, since the batch itself succeeds.
func (c *commands) failed(r *http.Request, i int, err error) (jsontext.Value, error) {
	p := problemOf(err, "")
	if p.Status >= http.StatusInternalServerError {
		c.opts.Logger.LogAttrs(r.Context(), slog.LevelError, "command of a batch",
			slog.String("requestId", requestIDOf(r.Context())), slog.Int("index", i),
			slog.String("code", string(p.Code)), slog.String("error", err.Error()))
	}
	return json.Marshal(batchFailed{p.Status, p}, jsontext.AllowInvalidUTF8(true))
}

// pointer is the JSON pointer to element i of the body.
func pointer(i int) string { return "/" + strconv.Itoa(i) }

// below puts at in front of the paths into a body that err names.
func below(at string, err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = make([]events.Field, len(e.Fields))
	for i, f := range e.Fields {
		if strings.HasPrefix(f.Path, "/") {
			f.Path = at + f.Path
		}
		moved.Fields[i] = f
	}
	return &moved
}

// splitArray returns the elements of a JSON array of 1 to MaxBatch elements. It
// leaves it to the elements' readers to refuse duplicate names.
func splitArray(body jsontext.Value) ([]jsontext.Value, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	if k := d.PeekKind(); k != jsontext.KindBeginArray && k != jsontext.KindInvalid {
		return nil, events.Malformed("", "must be an array of commands")
	}
	_, err := d.ReadToken()
	var elements []jsontext.Value
	for err == nil && len(elements) <= MaxBatch && d.PeekKind() != jsontext.KindEndArray {
		var element jsontext.Value
		if element, err = d.ReadValue(); err == nil {
			elements = append(elements, element.Clone())
		}
	}
	if len(elements) > MaxBatch {
		return nil, events.Malformed("", fmt.Sprintf("must have at most %d commands", MaxBatch))
	}
	if err == nil {
		_, err = d.ReadToken()
	}
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			err = nil
		} else if err == nil {
			return nil, events.Malformed("", "trailing data")
		}
	}
	switch {
	case err != nil:
		return nil, unsound(err)
	case len(elements) == 0:
		return nil, events.Malformed("", "must not be empty")
	}
	return elements, nil
}

// unsound is the error of a body that can't be read as JSON.
func unsound(err error) error {
	f := schema.Unreadable("", err)
	return events.Malformed(f.Path, f.Message)
}
