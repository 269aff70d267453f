package api

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"time"

	"daybook/events"
	"daybook/personal"
)

const (
	defaultEvents = 100
	maxEvents     = 1000
	// maxHistory bounds the data of one answer in bytes. Lambda answers at most
	// 6 MB, and an event has at most 400 KB.
	maxHistory = 4 << 20
	// maxRead is the largest number of commits read at once: what they hold
	// is in memory together.
	maxRead = 128
	// maxVersion is the greatest version that JSON numbers hold exactly
	// everywhere.
	maxVersion = 1 << 53
)

// history is the answer to GET /streams/{aggregate}/{id}.
type history struct {
	Events []pastEvent `json:"events"`
	Next   int64       `json:"next,omitzero"` // from of the next page, if there may be one
}

// pastEvent is an event as it was stored: data of its schema version, not brought
// to a newer one.
type pastEvent struct {
	Version     int64          `json:"version"` // of the stream after the event
	Name        string         `json:"name"`
	Schema      int            `json:"schema"`
	Data        jsontext.Value `json:"data"`
	Time        time.Time      `json:"time"`
	Actor       string         `json:"actor,omitzero"`
	CommandID   string         `json:"commandId,omitzero"`
	Correlation string         `json:"correlation,omitzero"`
	Causation   string         `json:"causation,omitzero"`
}

// stream answers GET /streams/{aggregate}/{id}.
func (q *queries) stream(aggregate, id string) endpoint {
	return func(r *http.Request) (*answer, error) {
		params, err := parameters(r, "from", "limit")
		if err != nil {
			return nil, err
		}
		from, err := whole(params, "from", 1, maxVersion)
		if err != nil {
			return nil, err
		}
		limit, err := whole(params, "limit", defaultEvents, maxEvents)
		if err != nil {
			return nil, err
		}
		stream, err := events.ParseStream(string(events.StreamOf(aggregate, id)))
		if err != nil {
			return nil, noStream() // no stream can have such a name
		}
		tenant := tenantOf(r.Context())
		if err := events.CheckTenant(q.opts.Tenants, tenant); err != nil {
			return nil, err
		}
		past, err := q.past(r.Context(), stream.In(tenant), from, int(limit))
		if err != nil {
			return nil, err
		}
		body, err := json.Marshal(past)
		if err != nil {
			return nil, err
		}
		return &answer{status: http.StatusOK, contentType: "application/json", body: body}, nil
	}
}

// past reads up to limit events of stream, beginning with version from.
func (q *queries) past(ctx context.Context, stream events.Stream, from int64, limit int) (*history, error) {
	out := &history{Events: []pastEvent{}}
	number := int64(1) // where version 1 always is
	if from > 1 {
		var err error
		if number, err = q.locate(ctx, stream, from); err != nil || number == 0 {
			return out, err
		}
	}
	for size := 0; ; {
		ask := min(limit-len(out.Events)+1, maxRead) // one more, to know of a next page
		if size > 0 {                                // as many as fit, if they are like those before
			ask = max(1, min(ask, (maxHistory-size)*len(out.Events)/size))
		}
		commits, err := q.history.Read(ctx, stream, number, ask)
		if err != nil {
			return nil, err
		}
		if len(commits) == 0 && number == 1 {
			return nil, noStream()
		}
		for i := range commits {
			for j := range commits[i].Events {
				e := eventOf(&commits[i], j)
				if e.Version < from {
					continue
				}
				if len(out.Events) == limit || size > 0 && size+len(e.Data) > maxHistory {
					out.Next = e.Version
					return out, nil
				}
				out.Events = append(out.Events, e)
				size += len(e.Data)
			}
		}
		if len(commits) < ask {
			return out, nil
		}
		number += int64(len(commits))
	}
}

func noStream() error { return events.Errorf(events.CodeNotFound, "there is no such stream") }

// eventOf is event i of a commit.
func eventOf(c *events.Commit, i int) pastEvent {
	e := pastEvent{
		Version: c.First() + int64(i), Name: c.Events[i].Name, Schema: c.Events[i].Schema, Data: personal.Plain(c.Events[i].Data),
		Time: c.Time, Actor: c.Actor, Correlation: c.Correlation, Causation: c.PlainCausation(),
	}
	for _, command := range c.Commands {
		if command.Version >= e.Version {
			e.CommandID = command.ID
			break
		}
	}
	return e
}
