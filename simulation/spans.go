package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"daybook/aggregate"
	"daybook/functions"
)

// beginCommand lets a command that is about to be handled wait for an event of its own.
// Commands to one stream wait for one another in memory, where no request shows who came
// first: of several that come at one instant, Go's scheduler would pick the first.
func (n *network) beginCommand(ctx context.Context, by, command string) {
	name := by + " " + invocationOf(ctx) + ": " + command
	random, _ := draw(n.seed, name)
	n.pause(fmt.Sprintf("%016x %s", random.Uint64(), name), 0)
}

// beginOf is beginCommand for the handler of somebody who has no spans.
func (n *network) beginOf(by string) func(context.Context, *aggregate.Command) context.Context {
	return func(ctx context.Context, c *aggregate.Command) context.Context {
		n.beginCommand(ctx, by, c.Name+" "+c.CommandID)
		return ctx
	}
}

// commandSpans is how an instance tells that it begins with a command.
type commandSpans struct {
	network  *network
	instance string
}

// Start implements functions.Spans.
func (s commandSpans) Start(ctx context.Context, name string, o functions.SpanOptions) (context.Context, functions.Span) {
	if o.Kind == functions.SpanInternal && strings.HasPrefix(name, "command ") {
		s.network.beginCommand(ctx, s.instance, fmt.Sprint(name, o.Attributes))
	}
	return ctx, noSpan{}
}

// noSpan is a span that goes nowhere.
type noSpan struct{}

// TraceParent implements functions.Span.
func (noSpan) TraceParent() string { return "" }

// End implements functions.Span.
func (noSpan) End(string, ...slog.Attr) {}
