package stacktest

import (
	"io"
	"log/slog"
	"testing"

	"daybook"
	"daybook/localstack/stack"
)

// Start starts a stack of an application that logs nothing, and closes it when the test
// has ended.
func Start(t testing.TB, app daybook.App, o stack.Options) *stack.Stack {
	t.Helper()
	o.LogTo, o.LogLevel = io.Discard, slog.LevelError
	s, err := stack.Start(t.Context(), app, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
