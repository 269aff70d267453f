package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/internal/peopledomain"
	"daybook/personal"
	"daybook/process"
	"daybook/rehearse"
	"daybook/view"
	"daybook/view/admin"
)

// loudPeople is the town with every handler of a marked field changed: of the view, the
// state and the process manager.
func loudPeople() daybook.App {
	type (
		row    = peopledomain.Row
		state  = peopledomain.State
		memory = peopledomain.Memory
	)
	loud := func(name peopledomain.Text) peopledomain.Text {
		if name.Erased() {
			return name
		}
		return personal.Of(strings.ToUpper(name.Reveal()))
	}
	app := peopledomain.App()
	app.Views = []view.View{view.New[row]("people", "person").
		On(func(_ row, e peopledomain.Registered, _ view.Meta) row {
			r := row{Name: loud(e.Name), Email: e.Email, Initial: peopledomain.Initial(e.Name)}
			if e.Home != nil {
				r.Town = e.Home.Reveal().Town
			}
			return r
		}).
		On(func(r row, e peopledomain.Renamed, _ view.Meta) row {
			r.Name, r.Initial = loud(e.Name), peopledomain.Initial(e.Name)
			return r
		}).
		Index("by-town", view.By("town")), peopledomain.Towns}
	app.Aggregates = []aggregate.Aggregate{aggregate.New[state]("person").
		Event(func(_ state, e peopledomain.Registered) state {
			return state{Exists: true, Name: loud(e.Name), Email: e.Email, Home: e.Home}
		}).
		Event(func(s state, e peopledomain.Renamed) state { s.Name = loud(e.Name); return s }).
		Event(func(s state, _ peopledomain.Forgotten) state { s.Forgotten = true; return s }), peopledomain.Letter}
	app.Processes = []process.Reactor{process.New[memory]("greetings", "person").
		Sends(peopledomain.Write{}).
		On(func(m memory, e peopledomain.Registered, meta process.Meta) (memory, process.Reaction) {
			m.Name = personal.Of("Dear " + e.Name.Reveal()) // of an erased name too
			letter := peopledomain.Write{To: meta.ID(), Text: personal.Of("Dear " + e.Name.Reveal())}
			return m, process.Do(process.After("greeting", peopledomain.Delay, process.Send("greeting-"+meta.ID(), letter)))
		}), peopledomain.Outbox}
	return app
}

// TestRehearseOfPersons: changes of marked fields are found, and reported without the
// values; a person who was erased makes no difference, by the same code or by another.
func TestRehearseOfPersons(t *testing.T) {
	t.Parallel()
	p := newTown(t)
	same := func(persons int64) {
		t.Helper()
		code, out, errs := p.run("", "rehearse", "-json")
		r := decode[rehearsal](t, result{out: out})[0]
		if code != exitOK || r.Differs || r.States.Compared == 0 || r.Views[0].Rows != persons {
			t.Errorf("the same code: %d %s%s", code, out, errs)
		}
	}
	values := p.person7()
	p.settled()
	same(1)
	values = append(values, "Bobby Tables", "bob@example.com")
	p.post("/commands/register-person", `{"id":"8","payload":{"name":"Bobby Tables","email":"bob@example.com"}}`)
	for n := range 20 {
		values = append(values, fmt.Sprintf("Robert %02d", n))
		p.post("/commands/rename-person", fmt.Sprintf(`{"id":"8","payload":{"name":"Robert %02d%s"}}`, n, strings.Repeat(" x", 35)))
	}
	p.settled()
	if code, out, errs := p.run("", "erase", "-yes", "-wait", "500ms", "person/7"); code != exitOK {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	p.settled()
	same(2)

	o := &town{t: t, Stack: p.Stack, of: loudPeople()}
	code, out, errs := o.run("", "rehearse", "-json")
	if code != exitFound {
		t.Fatalf("%d %s%s", code, out, errs)
	}
	r := decode[rehearsal](t, result{out: out})[0]
	people := r.Views[0]
	if !maps.Equal(people.Changes.Rows, map[admin.ChangeKind]int64{admin.ChangeChanged: 1}) || people.Samples[0].Row != "8" || r.Views[1].Changes.Any() {
		t.Errorf("views: %+v", r.Views)
	}
	hidden := func(text []byte) bool { return string(text) == `"[personal]"` }
	if f := people.Samples[0].Fields; len(f) != 1 || f[0].Name != "name" || !hidden(f[0].Stored) || !hidden(f[0].Expected) {
		t.Errorf("fields: %+v", f)
	}
	if r.States.Differ == 0 || slices.ContainsFunc(r.States.Samples, func(s rehearse.StateSample) bool {
		return !strings.HasPrefix(s.At, "person/8@") || !strings.Contains(string(s.Stored), `"name":"[personal]"`)
	}) {
		t.Errorf("states: %+v", r.States)
	}
	greetings := r.Processes[slices.IndexFunc(r.Processes, func(p rehearse.Process) bool { return p.Name == "greetings" })]
	if greetings.Memories != 1 || greetings.Erased != 1 || len(greetings.Samples) != 1 || greetings.Samples[0].Event != "person/8" {
		t.Errorf("processes: %+v", r.Processes)
	}
	_, text, _ := o.run("", "rehearse")
	for _, value := range values {
		if strings.Contains(strings.ToUpper(out+text), strings.ToUpper(value)) {
			t.Errorf("the report has the value %q", value)
		}
	}
}
