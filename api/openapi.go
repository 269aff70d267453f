package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"sync"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
)

// description is a description of the API and its entity tag.
type description struct {
	body []byte
	tag  string
}

// described answers GET /openapi.json.
func (q *queries) described(r *http.Request) (*answer, error) {
	views, err := q.querier.Describe(r.Context())
	if err != nil {
		return nil, err
	}
	d, err := q.openAPI.of(views)
	if err != nil {
		return nil, err
	}
	return d.answer(r), nil
}

// newDescription writes a description: the same declarations give the same text.
func newDescription(document any) (*description, error) {
	body, err := json.Marshal(document, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &description{body: body, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

func (d *description) answer(r *http.Request) *answer {
	a := &answer{status: http.StatusOK, contentType: "application/json", body: d.body, header: http.Header{}}
	a.header.Set("ETag", d.tag)
	a.header.Set("Cache-Control", "private, no-cache")
	if notModified(r.Header, d.tag) {
		a.status, a.contentType, a.body = http.StatusNotModified, "", nil
	}
	return a
}

// openAPI keeps the description of the views' versions that were described last.
// It is safe for concurrent use.
type openAPI struct {
	opts       Options
	aggregates []aggregate.Aggregate

	mu       sync.Mutex
	versions string // that known describes
	known    *description
}

func (o *openAPI) of(views []view.Description) (*description, error) {
	versions := ""
	for _, v := range views {
		versions += fmt.Sprintf("%s %d,", v.Name, v.Version)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known != nil && o.versions == versions {
		return o.known, nil
	}
	var commands []aggregate.Description
	for _, a := range o.aggregates {
		commands = append(commands, a.Describe()...)
	}
	d, err := describe(o.opts, commands, views, o.eventTypes())
	if err == nil {
		o.versions, o.known = versions, d
	}
	return d, err
}

// describe writes the OpenAPI 3.1 description of an API: the same declarations
// give the same text.
func describe(o Options, commands []aggregate.Description, views []view.Description, declared []events.Type) (*description, error) {
	commands = aggregate.Public(commands)
	d := document{
		OpenAPI: "3.1.0",
		Info: information{
			Title:   o.Title,
			Version: o.Version,
			License: license{Name: o.License, Identifier: o.License},
			Description: "Commands are decided and entered as versioned events; queries read rows that follow. " +
				"A command answers a consistency token; a query that is given it (after) sees at least what the command did.",
		},
		// Relative to the address of the description: it holds behind any stage.
		Servers: []serverURL{{URL: ".", Description: "Where this description came from."}},
		Tags: []tag{
			{Name: "commands", Description: "Ask for a change. A repeated command id gets the first answer again."},
			{Name: "views", Description: "Rows, as the events made them."},
			{Name: "streams", Description: "Events, as they were entered."},
			{Name: "service", Description: "The service itself."},
		},
		Paths: map[string]pathItem{
			"/":                         {Get: rootOperation(exampleEntrance(o, commands, views))},
			"/health":                   {Get: healthOperation()},
			"/openapi.json":             {Get: descriptionOperation()},
			"/streams/{aggregate}/{id}": {Get: historyOperation(commands, views, declared)},
		},
		Components: sharedComponents(kindsOf(o.Tenants)),
		Security:   []map[string][]string{},
	}
	if len(o.outboxes()) > 0 {
		d.Paths["/asyncapi.json"] = pathItem{Get: asyncAPIOperation()}
	}
	later := o.Statuses != nil
	payloads := make([]payload, len(commands))
	for i, c := range commands {
		p, err := payloadOf(c)
		if err != nil {
			return nil, err
		}
		payloads[i] = p
		d.Components.Schemas[payloadName(c)] = p.raw
		d.Components.Schemas[elementName(c)] = elementSchema(c, p)
		d.Paths["/commands/"+c.Name] = pathItem{Post: commandOperation(c, p, later)}
	}
	if len(commands) > 0 {
		d.Paths["/commands"] = pathItem{Post: batchOperation(commands, payloads, later)}
		if later {
			d.Paths["/commands/{commandId}"] = pathItem{Get: statusOperation()}
			d.Components.Schemas["queued"] = queuedSchema()
			d.Components.Schemas["command-status"] = statusAnswerSchema()
		}
	}
	for _, v := range views {
		d.Components.Schemas[rowName(v)] = v.Schema()
		d.Paths["/"+v.Name] = pathItem{Get: listOperation(v)}
		d.Paths["/"+v.Name+"/{key}"] = pathItem{Get: rowOperation(v)}
	}
	o.Security.secure(&d, commands)
	return newDescription(d)
}
