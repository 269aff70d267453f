package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/aggregate"
	"daybook/dynamo"
	"daybook/follow"
	"daybook/inspect/inspecttest"
	"daybook/internal/testdomain"
	"daybook/process"
	"daybook/process/processtest"
	"daybook/rehearse"
)

// tellSite is a school with a process manager whose commands are handled.
type tellSite struct {
	*site
	recorder processtest.Recorder
}

// Handle handles a command of a process manager.
func (s *tellSite) Handle(ctx context.Context, r process.Request) error {
	_, err := s.handler.Handle(ctx, inspecttest.CommandOf(r))
	return err
}

// react hands all commits of members, in order, to the reactors.
func (s *tellSite) react(reactors ...process.Reactor) {
	s.t.Helper()
	codec, err := aggregate.Codec(testdomain.Aggregates())
	if err != nil {
		s.t.Fatal(err)
	}
	effects := s.recorder.Effects()
	effects.Commands = s
	ledger := dynamo.NewProcesses(s.client, dynamo.TableName("school-"+testStage, dynamo.ProcessesTable()))
	runner, err := process.NewRunner(s.store, codec, ledger, reactors, effects, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	page, _, err := s.store.Scan(s.t.Context(), 0, 1, "")
	if err != nil {
		s.t.Fatal(err)
	}
	var ds []follow.Delivery
	for i := range page {
		ds = append(ds, follow.Delivery{Stream: page[i].Stream, Number: page[i].Number, Commit: &page[i], Sequence: fmt.Sprint(i)})
	}
	if r := runner.Handle(s.t.Context(), ds); r.Err != nil || len(r.Faults) > 0 {
		s.t.Fatalf("%+v", r)
	}
}

// teller changes the address of a member who is renamed, and sets a timer for each
// who comes.
func teller(remembered, domain string, nap time.Duration, extra bool) process.Reactor {
	type memory struct {
		Name string `json:"name,omitzero"`
	}
	return process.New[memory]("teller", "member").
		Sends(deactivateMember{}, changeEmail{}).
		On(func(_ memory, e memberEvent, m process.Meta) (memory, process.Reaction) {
			steps := []process.Step{process.After("nap", nap, process.Send(m.ID(), deactivateMember{}))}
			if extra {
				steps = append(steps, process.Send(m.ID(), changeEmail{"extra@example.org"}))
			}
			return memory{remembered + e.Name}, process.Do(steps...)
		}).
		On(func(b memory, e memberRenamed, m process.Meta) (memory, process.Reaction) {
			if domain == "" {
				return b, process.Reaction{}
			}
			return b, process.Do(process.Send(m.ID(), changeEmail{strings.ToLower(e.Name) + "@" + domain}))
		})
}

// TestRehearseComparesProcesses: commands by their ids and payloads, timers and
// memories by the ledger; what nothing stored proves is named so.
func TestRehearseComparesProcesses(t *testing.T) {
	t.Parallel()
	s := &tellSite{site: newSiteInMemory(t)}
	s.send("create-member", "u1", `{"name":"Ann","email":"ann@example.com"}`)
	s.send("create-member", "u2", `{"name":"Bob","email":"bob@example.com"}`)
	s.send("rename-member", "u1", `{"name":"Anna"}`)
	s.react(teller("", "example.org", time.Minute, false))
	s.send("create-member", "u3", `{"name":"Eve","email":"eve@example.com"}`) // not handled yet
	s.project()
	of := func(r process.Reactor) daybook.App {
		app := testdomain.App()
		app.Processes = []process.Reactor{r}
		return app
	}
	for name, test := range map[string]struct {
		reactor process.Reactor
		differs bool
		want    []string
	}{
		"the same":        {teller("", "example.org", time.Minute, false), false, nil},
		"another payload": {teller("", "example.net", time.Minute, false), true, []string{"command changed member/u1@2 change-member-email"}},
		"no command":      {teller("", "", time.Minute, false), true, []string{"command dropped member/u1@2 "}},
		"another command": {teller("", "example.org", time.Minute, true), true, []string{
			"command unproven member/u1@1 change-member-email", "command unproven member/u2@1 change-member-email",
		}},
		"another time":   {teller("", "example.org", time.Hour, false), true, []string{"timer changed member/u1 nap", "timer changed member/u2 nap"}},
		"another memory": {teller("the ", "example.org", time.Minute, false), true, []string{"memory changed member/u1 ", "memory changed member/u2 "}},
	} {
		code := exitOK
		if test.differs {
			code = exitFound
		}
		for _, memory := range []string{"64", "1"} {
			r := decode[rehearsal](t, s.as(of(test.reactor), s.transport, code, "rehearse", "-json", "-memory", memory))[0]
			if len(r.Processes) != 1 || r.Processes[0].Name != "teller" {
				t.Fatalf("%s: %+v", name, r.Processes)
			}
			got := []string(nil)
			for _, e := range r.Processes[0].Samples {
				got = append(got, fmt.Sprintf("%s %s %s %s", e.Kind, e.Change, e.Event, e.Name))
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: got %q, want %q", name, got, test.want)
			}
			if p := r.Processes[0]; !test.differs && (p.Commands[rehearse.EffectSame] != 1 || p.Timers[rehearse.EffectSame] != 2) {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
	if r := s.as(of(teller("", "example.net", time.Minute, false)), s.transport, exitFound, "rehearse"); !strings.Contains(r.out, "teller\tchanged\tcommand change-member-email\tmember/u1@2\tu1\n") ||
		!strings.Contains(r.out, "teller: commands 1 changed; timers 2 same; 0 memories differ, 0 streams would be parked\n") {
		t.Errorf("got %s", r.out)
	}
}
