package api_test

import (
	"slices"
	"testing"

	"daybook/api"
)

// What OpenAPI describes is what a web page may send and read.
func TestHeadersOfWebPages(t *testing.T) {
	t.Parallel()
	if got, want := api.RequestHeaders(), []string{"content-type", "idempotency-key", "if-match", "if-none-match", "prefer", "x-correlation-id"}; !slices.Equal(got, want) {
		t.Errorf("a client may send %v, want %v", got, want)
	}
	got := api.ResponseHeaders()
	for _, want := range []string{"daybook-parked", "daybook-stale", "etag", "idempotent-replayed", "location", "preference-applied", "retry-after", "x-correlation-id", "x-request-id"} {
		if !slices.Contains(got, want) {
			t.Errorf("a client can't read %s, only %v", want, got)
		}
	}
}
