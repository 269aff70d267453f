package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"daybook/aggregate"
	"daybook/events"
	"daybook/events/schema"
	"daybook/nearest"
)

// Commander handles commands; *aggregate.Handler does.
type Commander interface {
	Handle(ctx context.Context, c aggregate.Command) (aggregate.Result, error)
	HandleBatch(ctx context.Context, cs []aggregate.Command) []aggregate.Outcome
	Describe() []aggregate.Description
}

// commands is the write side of the API.
type commands struct {
	commander     Commander
	opts          Options
	public        map[string]aggregate.Description // by name
	commandSchema *schema.Schema
	elementSchema *schema.Schema
}

// NewCommands returns the handler of POST /commands/{command} and POST /commands.
func NewCommands(commander Commander, o *Options) http.Handler {
	c := &commands{
		commander:     commander,
		opts:          o.withDefaults(),
		public:        map[string]aggregate.Description{},
		commandSchema: mustSchema[commandBody](),
		elementSchema: mustSchema[batchElement](),
	}
	for _, d := range aggregate.Public(commander.Describe()) {
		c.public[d.Name] = d
	}
	return &server{opts: c.opts, find: c.find}
}

// mustSchema is for the types of this package, whose rules its tests check.
func mustSchema[T any]() *schema.Schema {
	s, err := schema.Of[T]()
	if err != nil {
		panic(fmt.Sprintf("api: %v", err))
	}
	return s
}

func (c *commands) find(method string, path []string) (endpoint, error) {
	if path[0] != "commands" || len(path) > 2 || len(path) == 2 && path[1] == "" {
		return nil, notFound()
	}
	if len(path) == 2 {
		if _, ok := c.public[path[1]]; !ok {
			return nil, c.unknown(path[1])
		}
	}
	if method != http.MethodPost {
		return nil, methodNotAllowed(method, http.MethodPost)
	}
	if len(path) == 1 {
		return c.batch, nil
	}
	return c.command(path[1]), nil
}

// unknown is the error about a command that is not there for a client: undeclared or
// internal, which it does not tell apart.
func (c *commands) unknown(name string) error {
	return events.Errorf(events.CodeUnknownCommand, "there is no command %q%s", clip(name, maxName), nearest.Hint(name, maps.Keys(c.public)))
}

// permit returns nil for a command that the sender of the request may send, whether it
// is to be handled or queued. alone says that it is not one of a batch.
func (c *commands) permit(ctx context.Context, name string, alone bool) error {
	d, ok := c.public[name]
	if !ok {
		return c.unknown(name)
	}
	g := grantsOf(ctx)
	switch {
	case d.Scope == "", slices.Contains(g.Scopes, d.Scope), g.IAM && alone && g.Route == "/commands/"+name:
		return nil
	case g.IAM:
		return events.Errorf(events.CodeForbidden, "the command %q is allowed by its own path: send it by itself to /commands/%s, with a policy that allows this", name, name)
	}
	return events.Errorf(events.CodeForbidden, "the command %q needs the scope %q, which the caller does not have", name, d.Scope)
}
