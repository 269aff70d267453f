package cli

import (
	"bytes"
	"context"
	"daybook/inspect"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"daybook/internal/testdomain"
)

func TestTailOfThePast(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.school(5)
	lines := decode[inspect.StreamEvent](t, s.want(exitOK, "tail", "-since", "1h", "-count", "12", "-json"))
	if len(lines) != 12 || lines[0].Stream == "" || len(lines[0].Data) == 0 {
		t.Errorf("got %+v", lines)
	}
	for _, args := range [][]string{
		{"-aggregate", "member", "-event", "member-created", "-count", "5"},
		{"-aggregate", "member", "-count", "6"},
		{"-stream", "member/u1", "-actor", "tester", "-count", "2"},
	} {
		r := s.want(exitOK, append([]string{"tail", "-since", "1h", "-poll", "5ms"}, args...)...)
		if got := r.lines(); fmt.Sprint(len(got)) != args[len(args)-1] || strings.Contains(r.out, "course") {
			t.Errorf("%q: %q", args, got)
		}
	}
	if r := s.want(exitOK, "tail", "-for", "1ns"); r.out != "" {
		t.Errorf("got %q", r.out)
	}
}

func TestTailFilters(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	line := inspect.StreamEvent{Stream: "member/7", Name: "member-created", Actor: "ann", Time: at}
	for name, test := range map[string]struct {
		filter eventFilter
		want   bool
	}{
		"none":            {eventFilter{}, true},
		"aggregate":       {eventFilter{aggregates: []string{"course", "member"}}, true},
		"other aggregate": {eventFilter{aggregates: []string{"course"}}, false},
		"event":           {eventFilter{names: []string{"member-created"}}, true},
		"other event":     {eventFilter{names: []string{"member-renamed"}}, false},
		"actor":           {eventFilter{actors: []string{"ann"}}, true},
		"other actor":     {eventFilter{actors: []string{"bob"}}, false},
		"stream":          {eventFilter{stream: "member/7"}, true},
		"other stream":    {eventFilter{stream: "member/8"}, false},
		"since":           {eventFilter{since: at}, true},
		"since later":     {eventFilter{since: at.Add(time.Second)}, false},
	} {
		if got := test.filter.takes(&line, at); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for text, want := range map[string]time.Time{"": {}, "10m": at.Add(-10 * time.Minute), "2026-01-02T00:00:00+01:00": time.Date(2026, 1, 1, 23, 0, 0, 0, time.UTC)} {
		if got, err := parseSince(text, at); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// watched is an output that says when it is written to.
type watched struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.wrote <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// TestTailFollows: without -since only what comes is shown, and being stopped is
// a good end.
func TestTailFollows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.send("create-member", "old", `{"name":"Ann","email":"a@example.com"}`)
	ctx, stop := context.WithCancel(t.Context())
	out := &watched{wrote: make(chan struct{}, 1)}
	var errors bytes.Buffer
	code := make(chan int)
	go func() {
		code <- run(ctx, testdomain.App(), []string{"tail", "-poll", "5ms", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"}, nil, out, &errors)
	}()
	for i := range 1000 { // until the tail has begun, and shows one
		s.send("rename-member", "old", `{"name":"Ann `+strings.Repeat("n", i%50+1)+`"}`)
		select {
		case <-out.wrote:
		case <-time.After(10 * time.Millisecond):
			continue
		}
		break
	}
	stop()
	if c := <-code; c != exitOK || errors.Len() > 0 {
		t.Errorf("code %d, %q", c, errors.String())
	}
	if text := out.String(); !strings.Contains(text, "member-renamed") || strings.Contains(text, "member-created") {
		t.Errorf("got %q", text)
	}
}
