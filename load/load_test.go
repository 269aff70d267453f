package load_test

import (
	"bytes"
	"encoding/json/v2"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/events/eventstest"
	"daybook/internal/testdomain"
	"daybook/load"
	"daybook/view"
	"daybook/workload"
)

// server answers in memory, on the clock of the bubble.
type server struct {
	service func(at time.Duration) time.Duration // how long a request takes that comes then
	refuse  func(at time.Duration) bool          // whether it is refused for overload
	lag     time.Duration

	mu       sync.Mutex
	begun    time.Time
	free     time.Time // when the one worker is free; with serial
	serial   bool
	versions map[string]int64
	since    map[string]time.Time
}

func newServer() *server {
	return &server{
		service: func(time.Duration) time.Duration { return 5 * time.Millisecond }, refuse: func(time.Duration) bool { return false },
		begun: time.Now(), versions: map[string]int64{}, since: map[string]time.Time{},
	}
}

// Do answers a request.
func (s *server) Do(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	now := time.Now()
	at := now.Sub(s.begun)
	wait := s.service(at)
	if s.serial {
		s.free = later(s.free, now).Add(wait)
		wait = s.free.Sub(now)
	}
	refused := s.refuse(at)
	s.mu.Unlock()
	if refused {
		return respond(http.StatusServiceUnavailable, `{}`, "1"), nil
	}
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(wait):
	}
	if r.Method == http.MethodPost {
		return s.command(r)
	}
	return s.query(r)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *server) command(r *http.Request) (*http.Response, error) {
	var c struct{ ID string }
	if err := json.UnmarshalRead(r.Body, &c, json.MatchCaseInsensitiveNames(true)); err != nil || c.ID == "" {
		return nil, errors.Join(errors.New("a command without an id"), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.versions[c.ID]++
	s.since[c.ID] = time.Now()
	return respond(http.StatusCreated, string(must(json.Marshal(map[string]int64{"version": s.versions[c.ID]}))), ""), nil
}

func (s *server) query(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, id, single := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !single {
		return respond(http.StatusOK, `{"items":[{"id":"a","name":"Ann","email":"ann@example.com","active":true,"version":1}]}`, ""), nil
	}
	version := s.versions[id]
	if time.Since(s.since[id]) < s.lag {
		version--
	}
	if version <= 0 {
		return respond(http.StatusNotFound, `{"code":"not-found"}`, ""), nil
	}
	return respond(http.StatusOK, string(must(json.Marshal(map[string]any{"id": id, "version": version, "email": "x", "active": true, "name": "n"}))), ""), nil
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func respond(status int, body, retryAfter string) *http.Response {
	h := http.Header{}
	if retryAfter != "" {
		h.Set("Retry-After", retryAfter)
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// app is the part of the test's domain about members.
func app() daybook.App {
	return daybook.App{Name: "members", Aggregates: []aggregate.Aggregate{testdomain.Member}, Views: []view.View{testdomain.Members}}
}

func options(t *testing.T, s *server) load.Options {
	t.Helper()
	handler, err := aggregate.NewHandler(&eventstest.Memory{}, app().Aggregates, nil)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := workload.Find(t.Context(), app().Commands(), handler.Handle)
	if err != nil {
		t.Fatal(err)
	}
	s.begun = time.Now()
	return load.Options{App: app(), Plans: plans, URL: "http://api", Send: s.Do, Rate: 100, For: 9 * time.Second, Queries: 0.5, Streams: 5, Seed: 1, Run: "t"}
}

func run(t *testing.T, s *server, o load.Options) load.Report {
	t.Helper()
	r, err := load.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A calm server: the rate is what was asked for, latencies are the server's, and the lag
// is that of the rows.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.lag = 80 * time.Millisecond
		r := run(t, s, options(t, s))
		if n := r.Commands.Count + r.Queries.Count; n < 800 || n > 1000 || r.Queries.Count < n/3 || r.Failed+r.Overloaded+r.Unseen > 0 {
			t.Errorf("%d requests, %+v", n, r.Counts)
		}
		if r.Commands.P50 < 4.9 || r.Commands.Max > 5.2 || r.Queries.P999 > 5.2 {
			t.Errorf("commands %+v, queries %+v", r.Commands, r.Queries)
		}
		if r.Lag.Count < 20 || r.Lag.P50 < 80 || r.Lag.Max > 300 {
			t.Errorf("lag %+v", r.Lag)
		}
		for _, name := range []string{"create-member", "rename-member", "deactivate-member", "reactivate-member", "members", "members/by-name", "members/by-email"} {
			if r.Sent[name] == 0 {
				t.Errorf("%s was not sent: %v, %v", name, r.Sent, r.Skipped)
			}
		}
		if r.Sent["check-member"] > 0 {
			t.Error("an internal command was sent over HTTP")
		}
		if len(r.Intervals) < 9 || len(r.Intervals) > 11 {
			t.Errorf("%d intervals of a second", len(r.Intervals))
		}
	})
}

// The point of an open load: a server that stands still for a second is seen by every
// request that was meant to begin in that second, not by one.
func TestLatencyCountsFromTheIntendedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		s.serial = true
		stopped := false
		s.service = func(at time.Duration) time.Duration {
			if at > 4*time.Second && !stopped {
				stopped = true
				return time.Second
			}
			return time.Millisecond
		}
		o := options(t, s)
		o.Rate, o.InFlight = 50, 1 // the client waits too
		r := run(t, s, o)
		if r.Commands.Max < 900 || r.Queries.P99 < 700 {
			t.Errorf("a second of silence in ten is hidden: commands %+v, queries %+v", r.Commands, r.Queries)
		}
		if r.Commands.P50 > 50 {
			t.Errorf("the other requests are slow too: %+v", r.Commands)
		}
	})
}

// Refusals for overload are counted apart and do not make latencies look short; that the
// server recovers is seen.
func TestOverloadAndRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		o := options(t, s)
		o.Surge = 5
		s.refuse = func(at time.Duration) bool { return at > 4*time.Second && at < 7*time.Second }
		r := run(t, s, o)
		if r.Overloaded < 500 || r.WithoutRetryAfter > 0 || r.Failed > 0 {
			t.Errorf("%+v", r.Counts)
		}
		if r.Commands.P50 < 4.9 {
			t.Errorf("refusals are among the latencies: %+v", r.Commands)
		}
		if len(r.Phases) != 3 || r.Phases[1].Rate()+float64(r.Phases[1].Overloaded)/3 < 400 || r.Phases[0].Overloaded > 0 {
			t.Errorf("phases %+v", r.Phases)
		}
		if r.Recovery == nil || *r.Recovery < 0.5 || *r.Recovery > 2.5 {
			t.Errorf("recovered after %v s, want about one", r.Recovery)
		}

		s = newServer()
		o = options(t, s)
		o.Surge = 2
		s.refuse = func(at time.Duration) bool { return at > 4*time.Second }
		if r := run(t, s, o); r.Recovery != nil {
			t.Errorf("a server that refuses to the end recovered after %g s", *r.Recovery)
		}
	})
}

// Failures, a load that is ended early, and limits.
func TestFailuresAndLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		o := options(t, s)
		begun := time.Now()
		o.Send = func(r *http.Request) (*http.Response, error) {
			if time.Since(begun) > 5*time.Second {
				return respond(http.StatusInternalServerError, `{"code":"internal"}`, ""), nil
			}
			return s.Do(r)
		}
		o.Watch = func() load.Resources {
			return load.Resources{Bytes: 100 << 20, Goroutines: int(time.Since(begun) / time.Second)}
		}
		r := run(t, s, o)
		if r.Failed < 100 || len(r.Errors) == 0 {
			t.Fatalf("%+v, %v", r.Counts, r.Errors)
		}
		if broken := r.Broken(load.Limits{P99: 4, P99Lag: 0.001, Failed: 1, Growth: 3, Bytes: 1 << 20}); len(broken) < 6 {
			t.Errorf("broken %q", broken)
		}
		if broken := r.Broken(load.Limits{P99: 1e6, P99Lag: 1e6, Failed: 1e6, Growth: 50, Bytes: 1 << 40}); r.Unseen == 0 && len(broken) > 0 {
			t.Errorf("broken %q", broken)
		}
	})
}

func TestWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		o := options(t, s)
		o.Weights = map[string]float64{"sing": 1}
		if _, err := load.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "members/by-name") || len(s.versions) > 0 {
			t.Errorf("an unknown name has a weight: %v; %d streams were written", err, len(s.versions))
		}
		o = options(t, s)
		o.Weights = map[string]float64{"rename-member": 1, "members": 1}
		r := run(t, s, o)
		if len(r.Sent) != 2 && len(r.Sent) != 3 || r.Sent["rename-member"] == 0 || r.Sent["members"] == 0 {
			t.Errorf("weights: %v", r.Sent)
		}
		o = options(t, s)
		o.Send = func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
		if _, err := load.Run(t.Context(), o); err == nil {
			t.Error("an API that does not answer is no error")
		}
	})
}

// A view hides a row after some command: that is no lag, and nothing waits for it to the
// end.
func TestRowsThatAViewHides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		o := options(t, s)
		gone := map[string]bool{}
		o.Send = func(r *http.Request) (*http.Response, error) {
			path := r.URL.Path
			answer, err := s.Do(r)
			s.mu.Lock()
			defer s.mu.Unlock()
			_, id, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			if err == nil && r.Method == http.MethodGet && gone[id] {
				return respond(http.StatusNotFound, "{}", ""), nil
			}
			if path != "/commands/deactivate-member" {
				return answer, err
			}
			var c struct {
				ID string `json:"id"`
			}
			body, bodyErr := r.GetBody()
			if err := errors.Join(bodyErr, json.UnmarshalRead(body, &c)); err != nil {
				return nil, err
			}
			gone[c.ID] = true
			return answer, err
		}
		r := run(t, s, o)
		if r.Unseen > 0 || r.Skipped["lag of deactivate-member"] == "" || r.Lag.Count == 0 || r.Lag.Max > 1000 {
			t.Errorf("unseen %d, left out %v, lag %+v", r.Unseen, r.Skipped, r.Lag)
		}
	})
}

// The plot is well-formed, and each of its lines lies within its panel.
func TestPlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		o := options(t, s)
		o.Watch = func() load.Resources { return load.Resources{Bytes: 100 << 20, Goroutines: 30} }
		r := run(t, s, o)
		for _, report := range []load.Report{r, {}, {Intervals: []load.Part{{Seconds: 1}, {From: 1, Seconds: 1, Commands: load.Latency{Count: 1, P50: 1e5, P99: 1e5, P999: 1e5}}}}} {
			var b bytes.Buffer
			if err := report.Plot(&b); err != nil {
				t.Fatal(err)
			}
			paths := 0
			for d := xml.NewDecoder(&b); ; {
				token, err := d.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
					paths++
					for _, a := range e.Attr {
						if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.Contains(a.Value, " -") {
							t.Errorf("%s=%q", a.Name.Local, a.Value)
						}
					}
				}
			}
			if paths < 12 {
				t.Errorf("%d paths", paths)
			}
		}
	})
}
