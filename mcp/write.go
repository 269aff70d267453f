package mcp

import (
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"

	"daybook/aggregate"
	"daybook/events"
)

// asked is a command as an agent gives it.
type asked struct {
	Command         string         `json:"command"`
	ID              string         `json:"id"`
	Payload         jsontext.Value `json:"payload"`
	ExpectedVersion *integer       `json:"expectedVersion"`
	Key             string         `json:"idempotencyKey"`
}

var commandProperties = []property{
	{"command", `{"type":"string","description":"the name of a command; describe tells its payload"}`, true},
	{"id", `{"type":"string","description":"of the aggregate; a command that creates may leave it out"}`, false},
	{"payload", `{"type":["object","string"],"description":"an object, or the same as JSON text, which an integer beyond 2^53 needs"}`, false},
	{"expectedVersion", `{` + integerSchema + `,"description":"refuse the command unless the stream is at this version"}`, false},
}

const keySchema = `{"type":"string","minLength":1,"maxLength":128,"description":"an id of your choice for this command; sending again under the same one has no further effect and gives the first answer again"}`

func writeTools(w Writer) []tool {
	return []tool{
		{name: "dry_run", title: "Try a command without storing anything",
			description: "Decides the command on the streams as they are: the events that it would store, the states before and after, claims, cost, or why it would be rejected.",
			properties:  commandProperties,
			call: calling(func(ctx context.Context, a asked) (any, error) {
				c, err := a.read()
				if err != nil {
					return nil, err
				}
				return w.DryRun(ctx, c)
			})},
		{name: "send", title: "Send a command", writes: true,
			description: "Sends the command through the API, with the rights of the credentials, and returns the consistency token, which explain takes.",
			properties:  append(append([]property{}, commandProperties...), property{"idempotencyKey", keySchema, true}),
			call: calling(func(ctx context.Context, a asked) (any, error) {
				c, err := a.read()
				if err != nil {
					return nil, err
				}
				if err := events.ValidateID("idempotencyKey", a.Key); err != nil {
					return nil, err
				}
				c.CommandID = a.Key
				return w.Send(ctx, c)
			})},
	}
}

// read makes the command.
func (a asked) read() (aggregate.Command, error) {
	c := aggregate.Command{Name: a.Command, ID: a.ID, Payload: jsontext.Value("{}")}
	switch a.Payload.Kind() {
	case 0, 'n':
	case '{':
		if n := rounded(a.Payload); n != "" {
			return c, mayBeRounded("payload", n+" in an object")
		}
		c.Payload = a.Payload
	case '"':
		var text string
		if err := json.Unmarshal(a.Payload, &text); err != nil {
			return c, err
		}
		if c.Payload = jsontext.Value(text); !c.Payload.IsValid() {
			return c, events.Malformed("payload", "is not JSON")
		}
	default:
		return c, events.Malformed("payload", "is an object, or an object as JSON text")
	}
	if a.ExpectedVersion != nil {
		version := int64(*a.ExpectedVersion)
		c.ExpectedVersion = &version
	}
	return c, nil
}
