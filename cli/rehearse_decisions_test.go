package cli

import (
	"encoding/json/v2"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/rehearse"
)

// Seats are booked in halls, an application that keeps its commands.
type (
	hall struct {
		Booked int64 `json:"booked,omitzero"`
	}
	booked struct {
		Seats int64 `json:"seats"`
	}
	bookSeats booked
)

func (booked) EventName() string      { return "seats-booked" }
func (bookSeats) CommandName() string { return "book-seats" }

// hallApp sells as many seats as a hall has.
func hallApp(seats int64) daybook.App {
	return daybook.App{Name: "school", Aggregates: []aggregate.Aggregate{
		aggregate.New[hall]("hall").KeepCommands().
			Event(func(s hall, e booked) hall { s.Booked += e.Seats; return s }).
			Command(func(s hall, c bookSeats) aggregate.Decision {
				if s.Booked+c.Seats > seats {
					return aggregate.Reject("hall-full", "there are no seats left")
				}
				return aggregate.Emit(booked(c))
			}),
	}}
}

// TestRehearseDecides: commands that would be decided otherwise are listed, of an
// installation and of an export, with no right to write.
func TestRehearseDecides(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	var err error
	if s.handler, err = aggregate.NewHandler(s.store, hallApp(10).Aggregates, nil); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		s.send("book-seats", fmt.Sprint("h", n), `{"seats":4}`)
		s.send("book-seats", fmt.Sprint("h", n), fmt.Sprintf(`{ "seats": %d }`, n))
	}
	path := filepath.Join(t.TempDir(), "export.jsonl")
	s.as(hallApp(10), s.transport, exitOK, "export", "-o", path)
	for _, from := range [][]string{{"rehearse"}, {"rehearse", "-export", path}} {
		guard := &readOnly{to: s.transport}
		if r := s.as(hallApp(10), guard, exitOK, from...); !strings.Contains(r.out, "decisions: 10 commands decided again, 0 differ; 0 not kept") {
			t.Errorf("%q: the same code: %s", from, r.out)
		}
		r := s.as(hallApp(6), guard, exitFound, from...)
		for _, want := range []string{
			"book-seats\trejected\thall/h3@2\tc-8\thall-full\n", "book-seats\trejected\thall/h4@2\tc-10\thall-full\n",
			"decisions: 10 commands decided again, 2 differ; 0 not kept", "decisions of book-seats: 2 rejected, 8 same\n",
		} {
			if !strings.Contains(r.out, want) {
				t.Errorf("%q: %q is not in\n%s", from, want, r.out)
			}
		}
		d := decode[rehearsal](t, s.as(hallApp(6), guard, exitFound, append(from, "-json")...))[0].Decisions
		if d.Decided != 10 || d.Differ != 2 || len(d.Commands) != 1 || d.Commands[0].Counts[rehearse.DecisionRejected] != 2 || d.Commands[0].Samples[0].Code != "hall-full" {
			t.Errorf("%q: %+v", from, d)
		}
		if len(guard.refused) > 0 {
			t.Errorf("%q: was refused %q", from, guard.refused)
		}
	}
}

// TestKeptCommandsAreShown where a stream and a chain are, and are imported as they were.
func TestKeptCommandsAreShown(t *testing.T) {
	t.Parallel()
	s := newSiteInMemory(t)
	var err error
	if s.handler, err = aggregate.NewHandler(s.store, hallApp(10).Aggregates, nil); err != nil {
		t.Fatal(err)
	}
	s.send("book-seats", "h", `{"seats":4}`)
	r := s.as(hallApp(10), s.transport, exitOK, "show", "hall/h", "-json")
	if want := `"command":{"id":"c-1","name":"book-seats","payload":{"seats":4}}`; !strings.Contains(r.out, want) {
		t.Errorf("show: %s", r.out)
	}
	if r := s.as(hallApp(10), s.transport, exitOK, "explain", "hall/h"); !strings.Contains(r.out, "command book-seats to hall/h (c-1)") {
		t.Errorf("explain: %s", r.out)
	}
	path := filepath.Join(t.TempDir(), "export.jsonl")
	s.as(hallApp(10), s.transport, exitOK, "export", "-o", path)
	to := newSiteInMemory(t)
	to.as(hallApp(10), to.transport, exitOK, "import", "-yes", path)
	got, err := to.store.Read(t.Context(), "hall/h", 1, 1)
	if err != nil || len(got) != 1 || got[0].Commands[0].Kept == nil || string(got[0].Commands[0].Kept.Payload) != `{"seats":4}` {
		t.Errorf("imported %+v, %v", got, err)
	}
	for _, part := range []commandPart{{Name: "x"}, {Name: "Bad Name", Payload: []byte(`{}`)}, {Payload: []byte(`{}`)}, {Name: "x", Payload: []byte(`7`)}, {Stream: "hall/h"}} {
		part.Digest = strings.Repeat("0", 16)
		text, err := json.Marshal(part)
		if _, refused := part.command(); err != nil || refused == nil {
			t.Errorf("%s is read", text)
		}
	}
}
