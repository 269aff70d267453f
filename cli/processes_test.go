package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/events"
	"daybook/follow"
	"daybook/inspect"
	"daybook/internal/testdomain"
	"daybook/process"
	"daybook/process/processtest"
)

type memberEvent struct {
	Name string `json:"name,omitzero"`
}

type (
	memberRenamed    memberEvent
	deactivateMember struct{}
	changeEmail      struct {
		Email string `json:"email"`
	}
)

func (memberEvent) EventName() string        { return "member-created" }
func (memberRenamed) EventName() string      { return "member-renamed" }
func (deactivateMember) CommandName() string { return "deactivate-member" }
func (changeEmail) CommandName() string      { return "change-member-email" }

// greeter renames everybody who comes, and tells others of it.
func greeter() []process.Reactor {
	type memory struct {
		Name string `json:"name,omitzero"`
	}
	return []process.Reactor{
		process.New[memory]("greeter", "member").
			Sends(deactivateMember{}, changeEmail{}).
			On(func(_ memory, e memberEvent, m process.Meta) (memory, process.Reaction) {
				return memory(e), process.Do(process.After("nap", time.Minute, process.Send(m.ID(), deactivateMember{})))
			}).
			On(func(b memory, _ memberRenamed, m process.Meta) (memory, process.Reaction) {
				return b, process.Do(process.Send(m.ID(), changeEmail{strings.ToLower(b.Name) + "@example.org"}))
			}),
		process.NewOutbox[struct{}]("news", "member").
			Publish("com.example.member-created", 1, func(_ struct{}, e memberEvent, _ process.Meta) memberEvent { return e }),
	}
}

// processSite is a site with process managers, whose command lines use them.
type processSite struct {
	*site
	reactors []process.Reactor
	recorder *processtest.Recorder
}

// withProcesses is the test domain with other process managers.
func withProcesses(reactors []process.Reactor) daybook.App {
	app := testdomain.App()
	app.Processes = reactors
	return app
}

func newProcessSite(t *testing.T) *processSite {
	return &processSite{site: newSite(t), reactors: greeter(), recorder: &processtest.Recorder{}}
}

// deliver hands all commits to the process managers; commands go to the recorder.
func (s *processSite) deliver() process.Report {
	s.t.Helper()
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		s.t.Fatal(err)
	}
	ledger := dynamo.NewProcesses(s.client, dynamo.TableName("school-"+testStage, dynamo.ProcessesTable()))
	runner, err := process.NewRunner(s.store, codec, ledger, s.reactors, s.recorder.Effects(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var ds []follow.Delivery
	for _, stream := range []events.Stream{"member/bad", "member/good"} {
		commits, err := s.store.Load(s.t.Context(), stream, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		for i := range commits {
			ds = append(ds, follow.Delivery{Stream: stream, Number: commits[i].Number, Commit: &commits[i]})
		}
	}
	return runner.Handle(s.t.Context(), ds)
}

func (s *processSite) want(code int, args ...string) result {
	s.t.Helper()
	return s.wantFrom("", code, args...)
}

func (s *processSite) wantFrom(stdin string, code int, args ...string) result {
	s.t.Helper()
	var out, errors bytes.Buffer
	a := &app{
		stdin: strings.NewReader(stdin), stdout: &out, stderr: &errors,
		of: withProcesses(s.reactors), timers: s.recorder, publisher: s.recorder,
	}
	args = append(args, "-stage", testStage, "-endpoint", s.endpoint, "-region", "us-east-1")
	if got := a.run(s.t.Context(), args); got != code {
		s.t.Fatalf("daybook %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, &out, &errors)
	}
	return result{code, out.String(), errors.String()}
}

// TestParkedProcesses lists and redrives process managers beside views.
func TestParkedProcesses(t *testing.T) {
	t.Parallel()
	s := newProcessSite(t)
	s.send("create-member", "good", `{"name":"Ann","email":"a@example.com"}`)
	s.send("create-member", "bad", `{"name":"Bob","email":"b@example.com"}`)
	s.send("rename-member", "bad", `{"name":"Bobby"}`)
	s.recorder.Answer = func(process.Request) error { return &events.Error{Code: "no-mail-today", Rejected: true} }
	if r := s.deliver(); len(r.Faults) != 1 || r.Err != nil {
		t.Fatalf("got %+v", r)
	}
	s.project()
	line := decode[inspect.ParkedStream](t, s.want(exitFound, "parked", "-check", "-json"))[0]
	if line.Process != "greeter" || line.View != "" || line.Stream != "member/bad" || line.Commit != 2 || line.Code != "no-mail-today" {
		t.Errorf("got %+v", line)
	}
	if r := s.want(exitOK, "parked", "members", "news"); r.out != "" {
		t.Errorf("got %q", r.out)
	}
	if lines := s.want(exitOK, "parked", "greeter").lines(); len(lines) != 1 || lines[0][0] != "greeter" {
		t.Errorf("got %q", lines)
	}
	if r := s.want(exitUsage, "parked", "nobody"); !strings.Contains(r.errors, "greeter") || !strings.Contains(r.errors, "members") {
		t.Errorf("got %q", r.errors)
	}
	s.want(exitNotFound, "redrive", "greeter", "course/1")
	// The command line decides the command by the domain's own code.
	if r := s.want(exitOK, "redrive"); r.out != "greeter\tmember/bad\t3\t-\n" {
		t.Errorf("got %q", r.out)
	}
	commits, err := s.store.Load(t.Context(), "member/bad", 0)
	if err != nil || len(commits) != 3 || commits[2].Actor != "process/greeter" || string(commits[2].Events[0].Data) != `{"email":"bob@example.org"}` {
		t.Errorf("got %+v, %v", commits, err)
	}
	if r := s.want(exitOK, "redrive", "greeter", "member/bad", "-json"); !strings.Contains(r.out, `"process":"greeter"`) || !strings.Contains(r.out, `"commit":3`) {
		t.Errorf("got %q", r.out)
	}
	if r := s.want(exitOK, "parked", "-check"); r.out != "" {
		t.Errorf("got %q", r.out)
	}
}

// TestNoProcessesTable: a deployment from before there were processes is left in
// peace, unless one is asked about by its name.
func TestNoProcessesTable(t *testing.T) {
	t.Parallel()
	s := newProcessSite(t)
	if _, err := s.client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("school-test-processes")}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"parked", "redrive"} {
		if r := s.want(exitOK, command); !strings.Contains(r.errors, "no table school-test-processes") {
			t.Errorf("%s: %q", command, r.errors)
		}
		if r := s.want(exitOK, command, "members"); r.errors != "" {
			t.Errorf("%s members: %q", command, r.errors)
		}
		if r := s.want(exitFailed, command, "greeter"); !strings.Contains(r.errors, "no table school-test-processes") {
			t.Errorf("%s greeter: %q", command, r.errors)
		}
	}
}

// TestImportIsHistory: nobody reacts to what is imported, but knows it.
func TestImportIsHistory(t *testing.T) {
	t.Parallel()
	for _, react := range []bool{false, true} {
		t.Run(fmt.Sprint("react ", react), func(t *testing.T) {
			t.Parallel()
			s := newProcessSite(t)
			file := filepath.Join(t.TempDir(), "members.jsonl")
			text := bytes.ReplaceAll(history(t, 1, 3, 1), []byte("member/00000"), []byte("member/good"))
			text = bytes.Replace(text, []byte("member-renamed"), []byte("member-created"), 1)
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"import", "-yes", file}
			if react {
				args = append(args, "-react")
			}
			for range 2 {
				s.want(exitOK, args...)
			}
			r := s.deliver()
			if want := map[bool]int{false: 0, true: 4}[react]; r.Handled != want || len(r.Faults) > 0 {
				t.Errorf("handled %d, want %d: %+v", r.Handled, want, r)
			}
			if react {
				return
			}
			s.raw("member/good", events.Event{Name: "member-renamed", Schema: 1, Data: []byte(`{"name":"Eve"}`)})
			if r := s.deliver(); r.Handled != 1 || r.Skipped != 4 {
				t.Errorf("got %+v", r)
			}
			sent := s.recorder.Requests()
			if len(sent) != 1 || !slices.Equal([]string{sent[0].Command, string(sent[0].Payload)}, []string{"change-member-email", `{"email":"ann 0@example.org"}`}) {
				t.Errorf("got %+v", sent)
			}
		})
	}
}

// TestImportWaitsForTheYoung: a commit that was just accepted elsewhere has to
// age, or a runner would not look whether it is history.
func TestImportWaitsForTheYoung(t *testing.T) {
	t.Parallel()
	i := &importer{session: &session{app: &app{}}, runner: &process.Runner{}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.asHistory(ctx, []events.Commit{{Time: time.Now()}}); err == nil {
		t.Error("it did not wait")
	}
	if err := i.asHistory(ctx, []events.Commit{{Time: time.Now().Add(-time.Hour)}}); err != nil {
		t.Errorf("it waited for an old commit: %v", err)
	}
}
