package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"net/http"
	"strings"

	"daybook/events"
	"daybook/process"
)

// mediaCloudEvent is the media type of integration events.
const mediaCloudEvent = "application/cloudevents+json"

// The parts of an AsyncAPI 3.0 document that the description of integration events
// uses.
type (
	asyncDocument struct {
		AsyncAPI           string                    `json:"asyncapi"`
		Info               asyncInformation          `json:"info"`
		DefaultContentType string                    `json:"defaultContentType"`
		Channels           map[string]channel        `json:"channels"`
		Operations         map[string]asyncOperation `json:"operations"`
	}
	asyncInformation struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	channel struct {
		Address     *string            `json:"address"` // null: it differs by deployment
		Title       string             `json:"title"`
		Description string             `json:"description"`
		Messages    map[string]message `json:"messages"` // by type
	}
	message struct {
		Name        string         `json:"name"`
		Title       string         `json:"title"`
		Summary     string         `json:"summary"`
		ContentType string         `json:"contentType"`
		Payload     jsontext.Value `json:"payload"`
		Examples    []asyncExample `json:"examples,omitempty"`
	}
	asyncExample struct {
		Name    string         `json:"name"`
		Payload jsontext.Value `json:"payload"`
	}
	asyncOperation struct {
		Action   string `json:"action"`
		Channel  ref    `json:"channel"`
		Summary  string `json:"summary"`
		Messages []ref  `json:"messages"`
	}
	ref struct {
		Ref string `json:"$ref"`
	}
)

// outboxes are the processes that publish.
func (o Options) outboxes() (all []process.Description) {
	for _, r := range o.Processes {
		if d := r.Describe(); len(d.Publishes) > 0 {
			all = append(all, d)
		}
	}
	return all
}

// messages answers GET /asyncapi.json.
func (q *queries) messages(r *http.Request) (*answer, error) {
	d, err := q.asyncAPI()
	if err != nil {
		return nil, err
	}
	return d.answer(r), nil
}

// describeMessages writes the AsyncAPI description: a channel for each outbox, with
// its integration events.
func describeMessages(o Options) (*description, error) {
	d := asyncDocument{
		AsyncAPI: "3.0.0",
		Info: asyncInformation{
			Title: o.Title, Version: o.Version,
			Description: "Integration events, published as CloudEvents 1.0 in the structured form: each at least once, those of one subject in order. The id is that of the event whenever it is published again.",
		},
		DefaultContentType: mediaCloudEvent,
		Channels:           map[string]channel{},
		Operations:         map[string]asyncOperation{},
	}
	for _, outbox := range o.outboxes() {
		c := channel{
			Title:       "Integration events of " + outbox.Name,
			Description: "On AWS the event bus of the deployment, where detail is the CloudEvent and detail-type its type; on one machine what the local stack's -outbox says, one line for each.",
			Messages:    map[string]message{},
		}
		send := asyncOperation{
			Action: "send", Summary: "Publishes what follows from events of " + strings.Join(outbox.Aggregates, ", ") + ".",
			Channel: ref{"#/channels/" + outbox.Name},
		}
		source := strings.ToLower(o.Title) + "-dev/" + outbox.Name
		for _, of := range outbox.Publishes {
			if _, known := c.Messages[of.Type]; !known {
				send.Messages = append(send.Messages, ref{"#/channels/" + outbox.Name + "/messages/" + of.Type})
			}
			c.Messages[of.Type] = messageOf(o, of, outbox, source)
		}
		d.Channels[outbox.Name] = c
		d.Operations["publish-"+outbox.Name] = send
	}
	return newDescription(d)
}

// messageOf describes an integration event of an outbox.
func messageOf(o Options, of process.Integration, outbox process.Description, source string) message {
	data := of.Schema()
	members := map[string]jsontext.Value{
		"specversion":     one("1.0"),
		"id":              jsontext.Value(`{"type":"string","format":"uuid","description":"The same whenever the event is published again: deduplicate by it."}`),
		"source":          jsontext.Value(`{"type":"string","format":"uri-reference","description":"The deployment and the outbox."}`),
		"type":            one(of.Type),
		"subject":         jsontext.Value(`{"type":"string","description":"The stream."}`),
		"time":            jsontext.Value(`{"type":"string","format":"date-time","description":"When the command was accepted."}`),
		"datacontenttype": one("application/json"),
		"dataschema":      one(of.DataSchema),
		"sequence":        jsontext.Value(`{"type":"string","pattern":"^[0-9]{20}$","description":"The stream's version after the event: orders the events of a subject."}`),
		"correlationid":   jsontext.Value(`{"type":"string","description":"Shared by all that one request set off."}`),
		"traceparent":     jsontext.Value(`{"type":"string","description":"The W3C trace context of the request that set the event off."}`),
		"causationid":     jsontext.Value(`{"type":"string","description":"The event it was made of, as a consistency token."}`),
		"data":            data,
	}
	required := []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "sequence", "causationid", "data"}
	subject, tenant := outbox.Aggregates[0]+"/7", ""
	causation := subject + "@1"
	if o.Tenants {
		tenant, required = "acme", append(required, "tenant")
		subject = string(events.Stream(subject).In(tenant))
		members["tenant"] = jsontext.Value(`{"type":"string","description":"The tenant that the stream belongs to. The subject begins with it."}`)
	}
	m := message{
		Name: of.Type, Title: of.Type, Summary: "Made of the event " + of.Event + ".", ContentType: mediaCloudEvent,
		Payload: closed(members, required...),
	}
	var known struct {
		Examples []jsontext.Value `json:"examples"`
	}
	if err := json.Unmarshal(data, &known); err != nil || len(known.Examples) == 0 {
		return m
	}
	m.Examples = []asyncExample{{Name: of.Event, Payload: exampleOf(process.CloudEvent{
		SpecVersion: "1.0", ID: exampleCommandID, Source: source, Type: of.Type, Subject: subject, Tenant: tenant, Time: exampleMoment(),
		DataContentType: "application/json", DataSchema: of.DataSchema, Sequence: "00000000000000000001",
		Correlation: exampleRequestID, Causation: causation, Data: known.Examples[0],
	})}}
	return m
}

// asyncAPIOperation describes GET /asyncapi.json.
func asyncAPIOperation() *operation {
	return documentOperation("get-asyncapi", "The integration events", "What the outboxes publish, as CloudEvents.", "AsyncAPI 3.0.")
}
