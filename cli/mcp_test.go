package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"daybook/api"
	"daybook/internal/testdomain"
)

// agent is a client of the subcommand mcp, over its standard input and output.
type agent struct {
	*testing.T
	*mcp.ClientSession
	ended chan int // the exit code
}

func newAgent(t *testing.T, s *site, args ...string) *agent {
	t.Helper()
	in, toIn := io.Pipe()
	fromOut, out := io.Pipe()
	a := &app{of: testdomain.App(), stdin: in, stdout: out, stderr: io.Discard, transport: s.transport}
	args = append([]string{"mcp", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"}, args...)
	ended := make(chan int, 1)
	go func() {
		ended <- a.run(context.WithoutCancel(t.Context()), args)
		_ = out.Close()
	}()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: fromOut, Writer: toIn}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &agent{t, session, ended}
}

// call returns the text of a tool's result, and whether it is an error.
func (a *agent) call(tool, arguments string) (string, bool) {
	a.Helper()
	r, err := a.CallTool(a.Context(), &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	if err != nil {
		a.Fatalf("%s: %v", tool, err)
	}
	return r.Content[0].(*mcp.TextContent).Text, r.IsError
}

// TestMCP: an agent finds a stream, tries a command, sends it through the API twice
// under one key, and sees the event once. It ends with its input.
func TestMCP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(2)
	server := httptest.NewServer(api.NewCommands(s.handler, nil))
	t.Cleanup(server.Close)
	a := newAgent(t, s, "-write", "-api", server.URL)
	want := func(tool, arguments, want string) {
		t.Helper()
		if got, failed := a.call(tool, arguments); failed || !strings.Contains(got, want) {
			t.Errorf("%s %s: got %s, want %s", tool, arguments, got, want)
		}
	}
	want("list_streams", `{"aggregate":"member"}`, `"stream":"member/`)
	want("explain", `{"token":"member/u1@1"}`, `"asked":"member/u1@1"`)
	rename := `{"command":"rename-member","id":"u1","payload":{"name":"Eve"}`
	want("dry_run", rename+`}`, `"name":"member-renamed"`)
	want("send", rename+`,"idempotencyKey":"k1"}`, `"token":"member/u1@3"`)
	want("send", rename+`,"idempotencyKey":"k1"}`, `"replayed":true`)
	want("show_stream", `{"stream":"member/u1"}`, `"version":3`)
	if got, failed := a.call("send", `{"command":"rename-member","id":"none","payload":{"name":"Eve"},"idempotencyKey":"k2"}`); !failed || !strings.Contains(got, "member-not-found") {
		t.Errorf("got %s", got)
	}
	_ = a.Close()
	if code := <-a.ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// TestMCPWritesNowhereUnasked: a stage on AWS has an API that has to be named.
func TestMCPWritesNowhereUnasked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if r := s.want(exitUsage, "mcp", "-write"); !strings.Contains(r.errors, "-api") {
		t.Errorf("got %q", r.errors)
	}
	s.want(exitUsage, "mcp", "now")
}
