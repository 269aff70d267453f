package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"daybook/functions"
	"daybook/telemetry"
)

// handler is a function that records one span for each invocation.
type handler struct {
	spans  functions.Spans
	traces []string
	fault  string
}

func (h handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	_, span := h.spans.Start(ctx, "work", functions.SpanOptions{Kind: functions.SpanConsumer, Traces: h.traces})
	span.End(h.fault, slog.Int("count", 3), slog.Any("tables", []string{"a", "b"}))
	return payload, nil
}

const (
	first  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	second = "00-11111111111111111111111111111111-2222222222222222-01"
)

// An invocation ends when the collector has its spans. One trace is the parent,
// several are links, each once; what is not a trace context is ignored.
func TestFlushing(t *testing.T) {
	t.Parallel()
	got := make(chan *otlp.Span, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil {
			t.Error(err)
			return
		}
		got <- in.ResourceSpans[0].ScopeSpans[0].Spans[0]
	}))
	defer server.Close()
	e, err := telemetry.New(t.Context(), server.URL, "notes")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		traces []string
		parent bool
		links  int
		fault  string
	}{
		{[]string{"", "nonsense"}, false, 0, ""}, {[]string{first, "", first}, true, 0, "retry"}, {[]string{first, second, first}, false, 2, ""},
	} {
		h := e.Flushing(handler{e.Function("projector"), c.traces, c.fault})
		if answer, err := h.Invoke(t.Context(), []byte("x")); err != nil || string(answer) != "x" {
			t.Fatalf("%s, %v", answer, err)
		}
		select {
		case s := <-got:
			failed := s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR
			if (len(s.ParentSpanId) > 0) != c.parent || len(s.Links) != c.links || failed != (c.fault != "") || !strings.Contains(s.String(), `"b"`) {
				t.Errorf("%v gives %v", c.traces, s)
			}
		default:
			t.Errorf("%v: the invocation ended before its span was exported", c.traces)
		}
	}
}

// A collector that can't be reached changes no answer.
func TestUnreachableCollector(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	e, err := telemetry.New(t.Context(), server.URL, "notes")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := e.Flushing(handler{spans: e.Function("command")})
	if answer, err := h.Invoke(ctx, []byte("x")); err != nil || string(answer) != "x" {
		t.Errorf("%s, %v", answer, err)
	}
}
