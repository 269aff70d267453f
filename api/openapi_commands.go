package api

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"strings"

	"daybook/aggregate"
)

func payloadName(c aggregate.Description) string { return "command." + c.Name }

// payload is what the description has to know of a payload's schema.
type payload struct {
	raw      jsontext.Value
	required bool
	example  jsontext.Value // nil when there is none
}

func payloadOf(c aggregate.Description) (payload, error) {
	if c.Schema == nil {
		return payload{raw: jsontext.Value(`{"type":"object"}`), example: jsontext.Value(`{}`)}, nil
	}
	raw := c.Schema()
	var known struct {
		Required []string         `json:"required"`
		Examples []jsontext.Value `json:"examples"`
	}
	if err := json.Unmarshal(raw, &known); err != nil {
		return payload{}, fmt.Errorf("schema of command %s: %w", c.Name, err)
	}
	p := payload{raw: raw, required: len(known.Required) > 0}
	if len(known.Examples) > 0 {
		p.example = known.Examples[0]
	}
	return p, nil
}

// requiredOf returns the members that the body of a command must have.
func (p payload) requiredOf(c aggregate.Description) []string {
	var names []string
	if !c.Creates {
		names = append(names, "id")
	}
	if p.required {
		names = append(names, "payload")
	}
	return names
}

// idOf is the schema of the id in the body of a command.
func idOf(c aggregate.Description) jsontext.Value {
	if c.Creates {
		return jsontext.Value(`{"type":["string","null"],` + idForm() + `,"description":"Made from the command's id when left out."}`)
	}
	return idSchema()
}

func summaryOf(c aggregate.Description) string {
	if c.Summary != "" {
		return c.Summary
	}
	return strings.ToUpper(c.Name[:1]) + strings.ReplaceAll(c.Name[1:], "-", " ")
}

// commandOperation describes a command. later says that commands can be queued.
func commandOperation(c aggregate.Description, p payload, later bool) *operation {
	body := media{Schema: closed(map[string]jsontext.Value{
		"id":              idOf(c),
		"payload":         schemaRef(payloadName(c)),
		"expectedVersion": schemaRef("expected-version"),
	}, p.requiredOf(c)...)}
	if p.example != nil {
		body.Example = jsontext.Value(`{"id":"7","payload":` + string(p.example) + `}`)
	}
	success := func(description string, version int64, headers ...string) response {
		headers = append(headers, "ETag", "X-Request-Id", "X-Correlation-Id", "Idempotent-Replayed")
		return response{Description: description, Headers: headerRefs(headers...), Content: jsonContent(schemaRef("accepted"), exampleAccepted(c.Aggregate, version))}
	}
	o := &operation{
		OperationID: c.Name,
		Tags:        []string{"commands"},
		Summary:     summaryOf(c),
		Description: "A command on an aggregate " + c.Aggregate + "." + neededScope(c),
		Parameters: []parameter{
			parameterRef("Idempotency-Key"), parameterRef("If-Match"), parameterRef("If-None-Match"), parameterRef("X-Correlation-Id"),
		},
		RequestBody: &requestBody{Required: true, Content: map[string]media{"application/json": body}},
		Responses: with(map[string]response{
			"200": success("Accepted.", 2),
			"201": success("Accepted; it started the stream.", 1, "Location"),
		}, http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity),
	}
	if later {
		o.Parameters = append(o.Parameters, parameterRef("Prefer"))
		o.Responses["202"] = response{
			Description: "Queued, with Prefer: respond-async.",
			Headers:     headerRefs("Location", "Preference-Applied", "Retry-After", "X-Request-Id", "X-Correlation-Id", "Idempotent-Replayed"),
			Content:     jsonContent(schemaRef("queued"), exampleQueued()),
		}
	}
	return o
}

// neededScope is the sentence about the scope that a command needs, with a space in
// front; "" for none. It holds also where no security scheme says so.
func neededScope(c aggregate.Description) string {
	if c.Scope == "" {
		return ""
	}
	return " The caller needs the scope " + c.Scope + ", else the answer is 403 forbidden."
}

func elementName(c aggregate.Description) string { return "batch." + c.Name }

// elementSchema describes a command as an element of a batch.
func elementSchema(c aggregate.Description, p payload) jsontext.Value {
	return closed(map[string]jsontext.Value{
		"command":         one(c.Name),
		"id":              idOf(c),
		"commandId":       jsontext.Value(`{"type":["string","null"],` + idForm() + `,"description":"As Idempotency-Key."}`),
		"payload":         schemaRef(payloadName(c)),
		"expectedVersion": schemaRef("expected-version"),
	}, append([]string{"command"}, p.requiredOf(c)...)...)
}

// batchOperation describes a batch of the commands, whose payloads are given.
func batchOperation(commands []aggregate.Description, payloads []payload, later bool) *operation {
	elements := make([]string, len(commands))
	known := discriminator{PropertyName: "command", Mapping: map[string]string{}}
	var examples []string
	for i, c := range commands {
		elements[i] = string(schemaRef(elementName(c)))
		known.Mapping[c.Name] = "#/components/schemas/" + elementName(c)
		p := payloads[i]
		if p.example != nil && len(examples) < 2 {
			examples = append(examples, `{"command":`+string(text(c.Name))+`,"id":"7","payload":`+string(p.example)+`}`)
		}
	}
	body := media{Schema: jsontext.Value(fmt.Sprintf(`{"type":"array","minItems":1,"maxItems":%d,"items":{"oneOf":[%s],"discriminator":%s}}`, MaxBatch, strings.Join(elements, ","), known.json()))}
	if len(examples) > 0 {
		body.Example = jsontext.Value("[" + strings.Join(examples, ",") + "]")
	}
	o := &operation{
		OperationID: "send-commands",
		Tags:        []string{"commands"},
		Summary:     "Send several commands",
		Description: "Commands on one stream run in order, others side by side; each succeeds or fails by itself. " +
			"An element that is malformed fails alone; a body that is not JSON fails whole.",
		Parameters:  []parameter{parameterRef("X-Correlation-Id")},
		RequestBody: &requestBody{Required: true, Content: map[string]media{"application/json": body}},
		Responses: with(map[string]response{"207": {
			Description: "A result for each command, in order.",
			Headers:     headerRefs("X-Request-Id", "X-Correlation-Id"),
			Content:     jsonContent(jsontext.Value(`{"type":"array","items":`+string(schemaRef("batch-result"))+`}`), exampleResults(commands)),
		}}, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType),
	}
	if later {
		o.Parameters = append(o.Parameters, parameterRef("Prefer"))
		o.Responses["202"] = response{
			Description: "With Prefer: respond-async, at least one command was queued. A result for each, in order: status 202 or its problem.",
			Headers:     headerRefs("Preference-Applied", "Retry-After", "X-Request-Id", "X-Correlation-Id"),
			Content:     jsonContent(jsontext.Value(`{"type":"array","items":`+string(schemaRef("batch-result"))+`}`), exampleQueuedResults()),
		}
	}
	return o
}
