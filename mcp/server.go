package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"daybook/aggregate"
	"daybook/events"
	"daybook/inspect"
)

// Bounds of a call.
const (
	maxResult = 256 << 10 // bytes of a result: an agent's context is small
	timeout   = 60 * time.Second
)

// Options say what a server offers.
type Options struct {
	// Installation is what the tools read.
	Installation *inspect.Installation
	// Tenant is the one tenant that the tools are about, "" without tenants.
	Tenant string
	// Version is that of the command line, for the client.
	Version string
	// Write adds the tools that try and send commands; nil for a server that reads
	// only.
	Write Writer
}

// Writer tries commands and sends them. Errors are *events.Error where the command is
// refused.
type Writer interface {
	// DryRun decides a command on the streams as they are, and appends nothing.
	DryRun(ctx context.Context, c aggregate.Command) (any, error)
	// Send sends a command through the API, under its command id.
	Send(ctx context.Context, c aggregate.Command) (any, error)
}

// New returns a server with the tools.
func New(o Options) *sdk.Server {
	app := o.Installation.App()
	s := sdk.NewServer(
		&sdk.Implementation{Name: app.Name, Title: app.Title(), Version: o.Version},
		&sdk.ServerOptions{Instructions: instructions(app.Title(), o.Write != nil), Logger: slog.New(slog.DiscardHandler)},
	)
	tools := readTools(o.Installation, o.Tenant)
	if o.Write != nil {
		tools = append(tools, writeTools(o.Write)...)
	}
	for _, t := range tools {
		s.AddTool(t.declaration(), t.handle)
	}
	return s
}

func instructions(title string, writes bool) string {
	text := "An installation of " + title + ", an event-sourced application: commands are decided by aggregates and stored as events of a stream " +
		"(aggregate/id); views are rows made of events; process managers and outboxes react to events. Begin with describe. " +
		"To find out why something did not happen, use explain with a consistency token (aggregate/id@version), a stream, a row (view/key) or a command's id. " +
		"Integers beyond 2^53 travel as text."
	if writes {
		text += " Use dry_run before send, and send again under the same idempotencyKey after a failure that may be transient."
	}
	return text
}

// Serve serves one client over two streams, one message a line, until in ends or ctx
// does.
func Serve(ctx context.Context, s *sdk.Server, in io.Reader, out io.Writer) error {
	err := s.Run(ctx, &sdk.IOTransport{Reader: io.NopCloser(in), Writer: keptOpen{out}})
	if errors.Is(err, io.EOF) || ctx.Err() != nil {
		return nil
	}
	return err
}

// keptOpen is a writer that a transport can't close.
type keptOpen struct{ io.Writer }

// Close does nothing.
func (keptOpen) Close() error { return nil }

// tool is a tool with a handwritten schema of its arguments.
type tool struct {
	name, title, description string
	properties               []property
	writes                   bool
	call                     func(ctx context.Context, arguments jsontext.Value) (any, error)
}

// property is an argument of a tool.
type property struct {
	name     string
	schema   string // JSON Schema
	required bool
}

func (t tool) declaration() *sdk.Tool {
	members, required := map[string]jsontext.Value{}, []string{}
	for _, p := range t.properties {
		members[p.name] = jsontext.Value(p.schema)
		if p.required {
			required = append(required, p.name)
		}
	}
	input, err := jsonv2.Marshal(struct {
		Type       string                    `json:"type"`
		Properties map[string]jsontext.Value `json:"properties"`
		Required   []string                  `json:"required"`
		Additional bool                      `json:"additionalProperties"`
	}{"object", members, required, false}, jsonv2.Deterministic(true))
	if err != nil {
		input = []byte(`{"type":"object"}`) // the schemas are this package's own
	}
	closed, additive := false, false
	return &sdk.Tool{
		Name: t.name, Title: t.title, Description: t.description, InputSchema: json.RawMessage(input),
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: !t.writes, DestructiveHint: &additive, IdempotentHint: true, OpenWorldHint: &closed},
	}
}

// handle calls the tool. What goes wrong is told in the result, for the agent to
// read; an error of the protocol would end at its client.
func (t tool) handle(ctx context.Context, request *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	result := &sdk.CallToolResult{}
	var text jsontext.Value
	err := events.Guard("tool "+t.name, func() {
		var value any
		var err error
		if value, err = t.call(ctx, arguments(request)); err == nil {
			text, err = write(value)
		}
		if err != nil {
			result.SetError(told(err))
		}
	})
	if err != nil {
		result.SetError(err)
	}
	if result.IsError {
		return result, nil
	}
	result.Content = []sdk.Content{&sdk.TextContent{Text: string(text)}}
	result.StructuredContent = json.RawMessage(text)
	return result, nil
}

func arguments(request *sdk.CallToolRequest) jsontext.Value {
	if raw := bytes.TrimSpace(request.Params.Arguments); len(raw) > 0 && !bytes.Equal(raw, []byte("null")) {
		return jsontext.Value(raw)
	}
	return jsontext.Value("{}")
}

// write writes a result, with every integer beyond 2^53 as text.
func write(value any) (jsontext.Value, error) {
	text, err := jsonv2.Marshal(value, jsontext.AllowInvalidUTF8(true), jsonv2.Deterministic(true))
	if err != nil {
		return nil, err
	}
	if text, err = exact(text); err != nil {
		return nil, err
	}
	if len(text) > maxResult {
		return nil, events.Errorf(events.CodeTooLarge, "the result has %d bytes, more than %d: ask for less, with limit or a narrower question", len(text), maxResult)
	}
	return text, nil
}

// told is an error as the agent reads it: with its code and the faulty arguments.
func told(err error) error {
	e, ok := errors.AsType[*events.Error](err)
	if !ok {
		return err
	}
	text := fmt.Sprintf("%s: %s", e.Code, e.Message)
	if e.Message == "" {
		text = e.Error()
	}
	for _, f := range e.Fields {
		text += fmt.Sprintf("; %s %s", f.Path, f.Message)
	}
	if e.Code == events.CodeVersionConflict {
		text += fmt.Sprintf("; the stream is at version %d", e.Version)
	}
	return errors.New(text)
}
