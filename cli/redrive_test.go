package cli

import (
	"bytes"
	"encoding/json/v2"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/internal/testdomain"
	"daybook/localstack/mapping"
	"daybook/localstack/stack"
	"daybook/process"
	"daybook/process/processtest"
)

// schoolStack is a local stack whose process function gets nothing, so that bookings
// are parked, and what others ask of its services, as "METHOD path" or the target.
type schoolStack struct {
	t        *testing.T
	endpoint string
	outbox   string // file
	store    *dynamo.EventStore
	handler  *aggregate.Handler
	runner   *process.Runner // whose effects all fail permanently
	mu       sync.Mutex
	asked    []string
}

func newShopStack(t *testing.T) *schoolStack {
	t.Helper()
	s := &schoolStack{t: t, outbox: filepath.Join(t.TempDir(), "outbox.jsonl")}
	nothing := mapping.DefaultSettings()
	nothing.EventNames = []string{"REMOVE"}
	local, err := stack.Start(t.Context(), testdomain.App(), stack.Options{
		DynamoDBAddr: "127.0.0.1:0", Outbox: s.outbox, Mapping: &nothing, LogTo: io.Discard, LogLevel: slog.LevelError,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.listen(local.DynamoDBURL()))
	t.Cleanup(func() {
		server.Close()
		if err := local.Close(); err != nil {
			t.Error(err)
		}
	})
	s.endpoint = server.URL
	client := dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: s.endpoint, Credentials: dynamo.StaticCredentials("any", "any")})
	s.store = dynamo.NewEventStore(client, testdomain.App().Prefix(stack.Stage)+"-events", dynamo.WithClaims(testdomain.App().Prefix(stack.Stage)+"-claims"))
	if s.handler, err = aggregate.NewHandler(s.store, testdomain.Aggregates(), nil); err != nil {
		t.Fatal(err)
	}
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		t.Fatal(err)
	}
	ledger := dynamo.NewProcesses(client, dynamo.TableName(testdomain.App().Prefix(stack.Stage), dynamo.ProcessesTable()))
	broken := &processtest.Recorder{Before: func(method string) error { return events.Errorf("no-such-luck", "%s fails", method) }}
	if s.runner, err = process.NewRunner(s.store, codec, ledger, testdomain.Processes(), broken.Effects(), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// listen hands requests to the stack and writes down those to its services.
func (s *schoolStack) listen(to string) http.Handler {
	target, err := url.Parse(to)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := r.Header.Get("X-Amz-Target")
		if what == "" {
			what = r.Method + " " + strings.Split(r.URL.Path, "/")[1]
		}
		if !strings.HasPrefix(what, "DynamoDB") {
			s.mu.Lock()
			s.asked = append(s.asked, what)
			s.mu.Unlock()
		}
		proxy.ServeHTTP(w, r)
	})
}

// send handles a command, and delivers its commit to the runner.
func (s *schoolStack) send(command, id, payload string) {
	s.t.Helper()
	r, err := s.handler.Handle(s.t.Context(), aggregate.Command{Name: command, ID: id, Payload: []byte(payload), CommandID: command + id})
	if err != nil {
		s.t.Fatalf("%s %s: %v", command, id, err)
	}
	commits := s.commits(r.Stream)
	last := &commits[len(commits)-1]
	s.runner.Handle(s.t.Context(), []follow.Delivery{{Stream: r.Stream, Number: last.Number, Commit: last}})
}

func (s *schoolStack) commits(stream events.Stream) []events.Commit {
	s.t.Helper()
	commits, err := s.store.Load(s.t.Context(), stream, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return commits
}

// names are the events of a stream.
func (s *schoolStack) names(stream events.Stream) (names string) {
	for _, c := range s.commits(stream) {
		for _, e := range c.Events {
			names += e.Name + " "
		}
	}
	return names
}

// daybook runs a command line as an operator does, and returns its output and what
// was asked of services meanwhile.
func (s *schoolStack) daybook(args ...string) (string, []string) {
	s.t.Helper()
	s.mu.Lock()
	s.asked = nil
	s.mu.Unlock()
	var out, errors bytes.Buffer
	if code := run(s.t.Context(), testdomain.App(), append(args, "-endpoint", s.endpoint), strings.NewReader(""), &out, &errors); code != exitOK {
		s.t.Fatalf("daybook %s: exit code %d\n%s%s", strings.Join(args, " "), code, &out, &errors)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return out.String(), slices.Sorted(slices.Values(s.asked))
}

// published are types and subjects of what is in the outbox.
func (s *schoolStack) published() (all []string) {
	s.t.Helper()
	text, err := os.ReadFile(s.outbox)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e struct {
			Type    string `json:"type"`
			Subject string `json:"subject"`
			Source  string `json:"source"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, e.Type+" "+e.Subject+" "+e.Source)
	}
	return all
}

// TestRedriveHasEffects: what a process manager or an outbox does because of a
// redrive has the effects that it has in the process function: commands, a timer,
// an integration event.
func TestRedriveHasEffects(t *testing.T) {
	t.Parallel()
	s := newShopStack(t)
	s.send("create-member", "ann", `{"name":"Ann","email":"ann@example.com"}`)
	s.send("add-course", "chess", `{"name":"Chess","area":"c","fee":1,"currency":"EUR","seats":5}`)
	const booking = `{"member":"ann","currency":"EUR","lines":[{"course":"chess","quantity":2,"fee":1}]}`
	s.send("place-booking", "1", booking)
	s.send("place-booking", "2", booking)
	s.send("cancel-booking", "2", `{"reason":"mind changed"}`)
	out, asked := s.daybook("parked")
	if strings.Count(out, "enrolment\tbooking/") != 2 || strings.Count(out, "notices\tbooking/2\t2\t") != 1 || len(asked) > 0 {
		t.Fatalf("parked: %s; %v", out, asked)
	}
	if _, asked = s.daybook("redrive", "members"); len(asked) > 0 {
		t.Errorf("for the redrive of a view it asked for %v", asked)
	}

	out, asked = s.daybook("redrive")
	if strings.Count(out, "enrolment\tbooking/") != 2 || strings.Count(out, "notices\tbooking/2\t2\t-") != 1 {
		t.Errorf("redrive: %s", out)
	}
	// Each booking's timer is set, and cancelled by the outcome of the booking.
	want := []string{"AWSEvents.PutEvents", "DELETE schedules", "DELETE schedules", "GET 2015-03-31", "POST schedules", "POST schedules"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if names := s.names("booking/1"); names != "booking-placed booking-confirmed " {
		t.Errorf("booking 1 has %s", names)
	}
	if names := s.names("course/chess"); strings.Count(names, "reserved") != 2 || strings.Count(names, "released") != 1 {
		t.Errorf("the course has %s", names)
	}
	s.daybook("redrive", "notices", "booking/1")
	if got, want := s.published(), []string{
		"com.example.school.booking-cancelled.v1 booking/2 school-local/notices", "com.example.school.booking-confirmed.v1 booking/1 school-local/notices",
	}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
}

// TestRedriveWithoutEffects: where nobody tells where effects go, nothing is done.
func TestRedriveWithoutEffects(t *testing.T) {
	t.Parallel()
	s := newProcessSite(t)
	s.send("create-member", "good", `{"name":"Ann","email":"a@example.com"}`)
	var out, errors bytes.Buffer
	a := &app{of: withProcesses(s.reactors), stdin: strings.NewReader(""), stdout: &out, stderr: &errors}
	args := []string{"redrive", "greeter", "member/good", "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1"}
	if code := a.run(t.Context(), args); code != exitFailed || !strings.Contains(errors.String(), "function school-test-process at "+s.endpoint) {
		t.Errorf("exit code %d: %s%s", code, &out, &errors)
	}
}
