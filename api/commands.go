package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"

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
	known         map[string]bool
	commandSchema *schema.Schema
	elementSchema *schema.Schema
}

// NewCommands returns the handler of POST /commands/{command} and POST /commands.
func NewCommands(commander Commander, o *Options) http.Handler {
	c := &commands{
		commander:     commander,
		opts:          o.withDefaults(),
		known:         map[string]bool{},
		commandSchema: mustSchema[commandBody](),
		elementSchema: mustSchema[batchElement](),
	}
	for _, d := range commander.Describe() {
		c.known[d.Name] = true
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
	if len(path) == 2 && !c.known[path[1]] {
		return nil, events.Errorf(events.CodeUnknownCommand, "there is no command %q%s", clip(path[1], maxName), nearest.Hint(path[1], maps.Keys(c.known)))
	}
	if method != http.MethodPost {
		return nil, methodNotAllowed(method, http.MethodPost)
	}
	if len(path) == 1 {
		return c.batch, nil
	}
	return c.command(path[1]), nil
}
