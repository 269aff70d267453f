//go:build browser

package console_test

import (
	"encoding/json/jsontext"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daybook"
	"daybook/console"
	"daybook/dynamo"
	"daybook/internal/testdomain"
	"daybook/process"
	"daybook/rehearse"
	"daybook/view"
	"daybook/view/admin"
)

// rewritten is the school with a handler of a view, a declaration and a process changed.
func rewritten() daybook.App {
	app := testdomain.App()
	members := view.New[testdomain.MemberRow]("members", "member").
		On(func(_ testdomain.MemberRow, e testdomain.MemberCreated, _ view.Meta) testdomain.MemberRow {
			return testdomain.MemberRow{Name: strings.ToUpper(e.Name), Email: e.Email, Active: true}
		}).
		Index("by-email", view.By("email")).
		Index("by-name", view.All().Then("name")).
		Version(2)
	app.Views = append([]view.View{members}, app.Views[1:]...)
	silent := process.New[struct{}]("enrolment", "booking").
		On(func(m struct{}, _ testdomain.BookingPlaced, _ process.Meta) (struct{}, process.Reaction) {
			return m, process.Reaction{}
		})
	app.Processes = append([]process.Reactor{silent}, app.Processes[1:]...)
	return app
}

// rehearse rehearses an application over the site's own installation.
func (s *site) rehearse(app daybook.App) console.Rehearsal {
	s.t.Helper()
	prefix, client := s.stack.Prefix(), s.stack.Client()
	store := dynamo.NewEventStore(client, dynamo.TableName(prefix, dynamo.EventsTable()))
	found, err := rehearse.Run(s.t.Context(), app, rehearse.Sources{
		Events: store.StrongScan(), Tables: dynamo.NewTables(client, prefix), Ledger: dynamo.NewProcesses(client, dynamo.TableName(prefix, dynamo.ProcessesTable())),
	}, rehearse.Options{Patience: time.Nanosecond, Samples: 30})
	if err != nil {
		s.t.Fatal(err)
	}
	return console.Rehearsal{State: console.RehearsalDone, Commits: found.Commits, Seconds: found.Seconds, Report: &console.RehearsalReport{
		App: app.Name, Build: "v1.2.3", Store: prefix + " in eu-west-1", Began: time.Now(), Report: found, Dollars: 0.04, Region: "eu-west-1", Prices: "2026-11-29",
	}}
}

func decided(data string) []rehearse.DecidedEvent {
	return []rehearse.DecidedEvent{{Name: "member-renamed", Data: jsontext.Value(data)}}
}

// TestRehearsalInABrowser: the page shows how far a rehearsal is, and then what it
// found, with what is and what would be side by side.
func TestRehearsalInABrowser(t *testing.T) {
	s := planted(t)
	b := newBrowser(t)
	b.look(wide, "light")
	b.open(s.stack.ConsoleURL() + "/#/rehearsal")
	b.sees("school rehearse -console") // what to do where there is none
	b.accessible("no rehearsal")

	var done console.Rehearsal
	eventually(t, "all was projected, and the process manager has sent commands", func() bool {
		done = s.rehearse(rewritten())
		r := done.Report
		return r.Views[0].Changes.Rows[admin.ChangeChanged] == 11 && len(r.Processes) > 0 && r.Processes[0].Commands[rehearse.EffectDropped] > 0
	})
	done.Report.Decisions = rehearse.Decisions{Decided: 9, Differ: 2, NotKept: 4, Commands: []rehearse.CommandDecision{{ // no aggregate of the school keeps any
		Name: "rename-member", Counts: map[rehearse.DecisionChange]int64{rehearse.DecisionSame: 7, rehearse.DecisionEvents: 1, rehearse.DecisionRejected: 1},
		Samples: []rehearse.DecisionSample{
			{Change: rehearse.DecisionEvents, At: "member/m1@3", CommandID: "c-3", Before: decided(`{"name":"Kept"}`), After: decided(`{"name":"KEPT"}`)},
			{Change: rehearse.DecisionRejected, At: "member/m1@4", CommandID: "c-4", Before: decided(`{"name":"Late"}`), Code: "too-late"},
		},
	}}}
	begun := done
	begun.State, begun.Commits, begun.Total, begun.Report = console.RehearsalRunning, 11, 34, &console.RehearsalReport{App: "school", Store: "school-local", Began: time.Now()}
	var now atomic.Pointer[console.Rehearsal]
	now.Store(&begun)
	server := s.another(func(o *console.Options) {
		o.App, o.Token = rewritten(), "secret-token"
		o.Rehearsal = func() console.Rehearsal { return *now.Load() }
	})
	b.visit(server.URL + "/console/#token=secret-token/rehearsal")
	b.sees("Read 11 of about 34 commits")
	b.accessible("a rehearsal under way")
	b.shoot("rehearsal-running")
	now.Store(&done)
	b.sees("Something differs")

	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{wide, 390, narrow} {
			b.look(width, theme)
			b.visit(server.URL + "/console/#/rehearsal")
			for _, text := range []string{
				"school-local in eu-west-1", "Events that can't be read", "newest known is 1", // member/m2
				"11 changed", "1 released", "needs v3", "school rebuild members", "row m0 of", "dropped", "0 snapshots compared", "9 kept commands decided again, 2 differ", "4 not kept", "1 rejected", "too-late", "$ 0.04",
			} {
				b.sees(text)
			}
			b.wait(`[...document.querySelectorAll('.beside')].some(e => e.querySelector('del')?.innerText.includes('Ann 0') && e.querySelector('ins')?.innerText.includes('ANN 0'))`)
			if side := eval[bool](b, `(() => { const d = document.querySelector('.beside del').getBoundingClientRect(), i = document.querySelector('.beside ins').getBoundingClientRect(); return i.left >= d.right && i.top === d.top })()`); side != (width == wide) {
				t.Errorf("at %d pixels before and after are side by side: %v", width, side)
			}
			b.wait(`[...document.querySelectorAll('.beside')].some(e => e.querySelector('del')?.innerText.includes('Kept') && e.querySelector('ins')?.innerText.includes('KEPT'))`)
			name := fmt.Sprintf("rehearsal-%s-%d", theme, width)
			b.fits(name)
			if (theme == "light") == (width == wide) {
				b.accessible(name)
			}
			b.shoot(name)
			b.clean(name)
		}
	}

	// The rehearsal of an export is shown without an installation too.
	now.Store(&done)
	away := s.another(func(o *console.Options) {
		gone := dynamo.New(dynamo.Options{Region: "us-east-1", Endpoint: "http://127.0.0.1:1", Credentials: dynamo.StaticCredentials("any", "any"), Attempts: 1})
		o.Tables, o.Sources.Tables = dynamo.NewTables(gone, o.Prefix), dynamo.NewTables(gone, o.Prefix)
		o.Token, o.Rehearsal = "secret-token", func() console.Rehearsal { return *now.Load() }
	})
	b.visit(away.URL + "/console/#token=secret-token/views")
	b.sees("the database is not available")
	b.visit(away.URL + "/console/#/rehearsal")
	b.sees("Something differs")
	b.wait(`!document.querySelector('main').innerText.includes('the database is not available')`)

	failed := done
	failed.State, failed.Error = console.RehearsalFailed, "no answer from the table"
	now.Store(&failed)
	b.visit(server.URL + "/console/#/rehearsal")
	b.sees("It failed: no answer from the table")
}
