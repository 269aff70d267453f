package run

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"daybook/events"
)

type ring struct {
	Times int `json:"times"`
}

func (ring) CommandName() string { return "ring" }

// TestTraffic: commands go out one by one, under keys that no other start uses, until
// the steps end; a rejection is part of it, and a malformed one ends it with a word.
func TestTraffic(t *testing.T) {
	t.Parallel()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("Idempotency-Key"), r.Header.Get("X-Daybook-Actor") + r.Header.Get("X-Daybook-Tenant"), string(body)}, " "))
		switch {
		case strings.Contains(string(body), `"times":2`):
			w.WriteHeader(http.StatusUnprocessableEntity)
		case strings.Contains(string(body), `"times":9`):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte("at most 8"))
		}
	}))
	defer server.Close()
	demo := func(run string, step int) (string, events.Payload) { return run + "-bell", ring{step} }
	send := func(steps int, tenant string) (words string) {
		var out bytes.Buffer
		seen = nil
		tr := newTraffic(demo, server.URL, tenant, time.UnixMilli(36), &out)
		tr.pause, tr.steps = time.Microsecond, steps
		tr.send(t.Context())
		return out.String()
	}
	if words := send(4, "acme"); words != "" || len(seen) != 4 || seen[3] != `POST /commands/ring demo-10-3 demoacme {"id":"10-bell","payload":{"times":3}}` {
		t.Errorf("%q, sent %q", words, seen)
	}
	if words := send(20, ""); len(seen) != 10 || !strings.Contains(words, "ring is answered 400 at most 8") {
		t.Errorf("%q, sent %d", words, len(seen))
	}
	ended, end := context.WithCancel(t.Context())
	end()
	var out bytes.Buffer
	seen = nil
	if newTraffic(demo, server.URL, "", time.Time{}, &out).send(ended); len(seen) > 0 || out.Len() > 0 {
		t.Errorf("%q, sent %q", out.String(), seen)
	}
}
