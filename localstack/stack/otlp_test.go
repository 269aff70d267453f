package stack_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"daybook/dynamo"
	"daybook/events"
	"daybook/localstack/stack"
)

// otlpCollector is an OpenTelemetry collector that keeps the spans it gets.
type otlpCollector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []exportedSpan
}

// exportedSpan is a span with its attributes as text.
type exportedSpan struct {
	*otlp.Span
	service    string
	attributes map[string]string
}

func (s exportedSpan) failed() bool { return s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR }

func newCollector(t *testing.T) *otlpCollector {
	t.Helper()
	c := &otlpCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range in.ResourceSpans {
			service := ""
			for _, a := range resource.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.GetStringValue()
				}
			}
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					one := exportedSpan{s, service, map[string]string{}}
					for _, a := range s.Attributes {
						one.attributes[a.Key] = a.Value.String()
					}
					c.spans = append(c.spans, one)
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// named returns the spans of a trace that have a name and a service; an empty trace
// is any.
func (c *otlpCollector) named(trace, service, name string) (found []exportedSpan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if (trace == "" || hex.EncodeToString(s.TraceId) == trace) && s.service == service && s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// exporting runs the notes with a collector, writes a note of the given id and waits
// until it is signed and filed; the traceparent of its commits is returned.
func exporting(t *testing.T, collector, id, traceparent string) string {
	t.Helper()
	s, err := stack.Start(t.Context(), notes(), stack.Options{LogTo: io.Discard, OTLP: collector})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"/commands/write-note", strings.NewReader(`{"id":"`+id+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if traceparent != "" {
		r.Header.Set("traceparent", traceparent)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode >= 300 {
		t.Fatalf("status %d", answer.StatusCode)
	}
	store := dynamo.NewEventStore(s.Client(), dynamo.TableName(s.Prefix(), dynamo.EventsTable()))
	trace := commitsOf(t, store, events.StreamOf("note", id), 3)[0].Trace
	if err := s.Close(); err != nil { // exports what is left
		t.Fatal(err)
	}
	return trace
}

// TestSpans: one command gives spans that are connected from the request to the rows
// and reactions; a conflict is told and is not a failure.
func TestSpans(t *testing.T) {
	t.Parallel()
	const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, traceparent := range map[string]string{"given": given, "own": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t)
			kept := exporting(t, c.URL, "one", traceparent)
			if traceparent != "" && kept != traceparent || events.TraceParent(kept) == "" {
				t.Fatalf("the commit has trace %q", kept)
			}
			trace := kept[3:35]
			request := c.named(trace, "notes-command", "POST")
			command := c.named(trace, "notes-command", "command write-note")
			if len(request) != 1 || len(command) != 1 {
				t.Fatalf("%d spans of the request, %d of the command among %v", len(request), len(command), c.names())
			}
			if string(command[0].ParentSpanId) != string(request[0].SpanId) {
				t.Error("the command's span is not below the request's")
			}
			if traceparent != "" && hex.EncodeToString(request[0].ParentSpanId) != traceparent[36:52] {
				t.Error("the request's span is not below the caller's")
			}
			if traceparent == "" && hex.EncodeToString(command[0].SpanId) != kept[36:52] {
				t.Error("the commit's trace context is not the command's span")
			}
			for span, service := range map[string]string{
				"projector batch": "notes-projector", "process batch": "notes-process", "reaction clerk": "notes-process",
				"command sign-note": "notes-process", "command file-note": "notes-command",
			} {
				if len(c.named(trace, service, span)) == 0 {
					t.Errorf("there is no span %q of %s in the trace", span, service)
				}
			}
			appended := slices.ContainsFunc(c.spans, func(s exportedSpan) bool {
				return string(s.ParentSpanId) == string(command[0].SpanId) && strings.HasPrefix(s.Name, "DynamoDB.") &&
					strings.Contains(s.attributes["aws.dynamodb.table_names"], "notes-local-events") && s.attributes["daybook.attempts"] == "int_value:1"
			})
			if !appended {
				t.Error("there is no span of the append below the command's")
			}
		})
	}
}

// TestConflictIsNoFailure: the command function and the process function write to one
// stream, each with state of its own, so that one meets the other's commit.
func TestConflictIsNoFailure(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	exporting(t, c.URL, "one", "")
	filed := c.named("", "notes-command", "command file-note")
	if len(filed) != 1 || filed[0].attributes["daybook.conflicts"] == "int_value:0" {
		t.Fatalf("filing met no conflict: %v", filed)
	}
	conflicts := 0
	for _, s := range c.spans {
		if strings.Contains(s.attributes["db.response.status_code"], "ConditionalCheckFailedException") ||
			strings.Contains(s.attributes["db.response.status_code"], "TransactionCanceledException") {
			conflicts++
		}
		if s.failed() {
			t.Errorf("%s is a failure: %v", s.Name, s.attributes)
		}
	}
	if conflicts == 0 {
		t.Error("no span tells of a conflict")
	}
}

// TestNothingIsExportedUnasked: without the option no collector is asked, whatever
// the environment says of one.
func TestNothingIsExportedUnasked(t *testing.T) {
	c := newCollector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	if trace := exporting(t, "", "one", ""); trace != "" || len(c.spans) != 0 {
		t.Errorf("trace %q, %d spans", trace, len(c.spans))
	}
}

// names are the names of all spans.
func (c *otlpCollector) names() (all []string) {
	for _, s := range c.spans {
		all = append(all, s.service+": "+s.Name)
	}
	return all
}
