package stack_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"daybook/internal/testdomain"
	"daybook/localstack/stack"
)

// TestStartTellsItsSteps: what takes time with large data, and what waits for an
// endpoint, is told before it begins.
func TestStartTellsItsSteps(t *testing.T) {
	t.Parallel()
	var steps []string
	note := func(step string) { steps = append(steps, step) }
	dir := filepath.Join(t.TempDir(), "data")
	s, err := stack.Start(t.Context(), testdomain.App(), stack.Options{Data: dir, LogTo: io.Discard, Doing: note})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	got := strings.Join(steps, "\n")
	for _, want := range []string{"opening the data in " + dir + " (0 MB)", "creating those that are missing\n", "comparing the views", "queues, timers", "functions"} {
		_, rest, ok := strings.Cut(got, want)
		if !ok {
			t.Errorf("%q is not among, or not in the order of, the steps %q", want, steps)
		}
		got = rest
	}
	steps = nil
	refuse := httptest.NewServer(http.NotFoundHandler())
	defer refuse.Close()
	if _, err := stack.Start(t.Context(), testdomain.App(), stack.Options{Endpoint: refuse.URL, LogTo: io.Discard, Doing: note}); err == nil {
		t.Fatal("started on an endpoint that is no DynamoDB")
	}
	if len(steps) != 1 || !strings.HasSuffix(steps[0], " at "+refuse.URL) {
		t.Errorf("steps %q", steps)
	}
}
