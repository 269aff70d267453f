package explain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"daybook/events"
	"daybook/explain"
	"daybook/explain/explaintest"
)

// TestStuckJobs: each of these jobs got stuck in another way, and the explanation
// names the cause of each, in the tree, among the causes and in the text.
func TestStuckJobs(t *testing.T) {
	t.Parallel()
	if len(explaintest.Stuck) < 20 {
		t.Fatalf("only %d jobs", len(explaintest.Stuck))
	}
	for _, job := range explaintest.Stuck {
		t.Run(job.Name, func(t *testing.T) {
			t.Parallel()
			w := explaintest.New(t)
			x := w.Explain(job.Plant(w))
			text := x.Text()
			if !job.Names(x.Causes) {
				t.Errorf("no cause is %s and says %q:\n%s", job.State, job.Says, text)
			}
			for _, s := range job.Says {
				if !strings.Contains(text, s) {
					t.Errorf("the text lacks %q:\n%s", s, text)
				}
			}
		})
	}
}

// TestSound: a job that went well has no cause, and its whole chain is there.
func TestSound(t *testing.T) {
	t.Parallel()
	w := explaintest.New(t)
	id := w.Place("1", explaintest.Place{Units: 2, Bay: "b7"})
	w.RunAll()
	w.Now = w.Now.Add(time.Hour)
	x := w.Explain(id)
	if len(x.Causes) > 0 || x.Waiting > 0 || x.Partial || len(x.Roots) != 1 || !x.Roots[0].Asked {
		t.Fatalf("got\n%s", x.Text())
	}
	for _, s := range []string{
		"command a command to job/1 (c-2) by ann", "commit job/1@1: job-placed", "row jobs/1", "process dispatch",
		"timer deadline: reject-job to job/1 - cancelled by a later event", "reserve-units to depot/d", "by process/dispatch",
		"commit depot/d@2: depot-units-reserved", "claim bay=b7 - held by depot/d", "commit job/1@2: job-confirmed",
		"message com.example.jobs.job-confirmed.v1", "nothing is stuck",
	} {
		if !strings.Contains(x.Text(), s) {
			t.Errorf("the text lacks %q:\n%s", s, x.Text())
		}
	}
}

// TestARejectionThatParks: the ledger keeps what the aggregate said.
func TestARejectionThatParks(t *testing.T) {
	t.Parallel()
	w := explaintest.New(t)
	w.Place("1", explaintest.Place{Units: 9, Trap: "strict"})
	w.RunAll()
	if x := w.Explain("job/1"); len(x.Causes) != 2 || x.Causes[1].Code != "out-of-stock" || x.Causes[1].Text != "there are 5 units only" {
		t.Errorf("got\n%s", x.Text())
	}
}

// TestTokens: whatever the question is about leads to the same chain.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := explaintest.New(t)
	id := w.Place("1", explaintest.Place{Units: 2, Bay: "b7"})
	w.RunAll()
	published, timer := w.Outside.Published(), ""
	for _, e := range w.Outside.Done() {
		if e.Timer != nil {
			timer = e.Timer.Name
		}
	}
	if len(published) != 1 || timer == "" {
		t.Fatalf("%d messages, timer %q", len(published), timer)
	}
	commits, err := w.Store.Read(t.Context(), "depot/d", 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for token, asked := range map[string]string{
		id: "a command to job/1", "job/1@1": "job/1@1", "depot/d@2": "depot/d@2", "job/1": "job/1@1", "jobs/1": "jobs/1",
		"bay=b7": "bay=b7", "dispatch job/1 deadline": "deadline: reject-job to job/1", published[0].ID: "com.example.jobs.job-confirmed.v1",
		commits[0].ID: "depot/d@2", commits[0].Commands[0].ID: "reserve-units to depot/d",
	} {
		x := w.Explain(token)
		if len(x.Roots) != 1 || x.Roots[0].Name != "a command to job/1" {
			t.Errorf("%s leads elsewhere:\n%s", token, x.Text())
		}
		if !marked(x.Roots, asked) {
			t.Errorf("%s: %s is not marked:\n%s", token, asked, x.Text())
		}
	}
	for _, token := range []string{"job/9@1", "job/1@9", "job/9", "nothing-of-this-id", "dispatch job/1 nothing", "bay=b8", "\n"} {
		if x, err := explain.Explain(t.Context(), w.Installation, token, nil); err == nil {
			t.Errorf("%q is explained:\n%s", token, x.Text())
		} else if code := events.CodeOf(err); code != events.CodeNotFound && code != events.CodeMalformed {
			t.Errorf("%q: %v", token, err)
		}
	}
	if x := w.Explain("loads/d"); !strings.Contains(x.Text(), "explain one of them: job/…") {
		t.Errorf("a row that many streams feed:\n%s", x.Text())
	}
}

func marked(nodes []*explain.Node, name string) bool {
	for _, n := range nodes {
		if n.Asked && n.Name == name || marked(n.Effects, name) {
			return true
		}
	}
	return false
}

// TestStillToCome: what waits is not a cause, and a pending timer says when.
func TestStillToCome(t *testing.T) {
	t.Parallel()
	w := explaintest.New(t)
	w.Place("1", explaintest.Place{Units: 1})
	if x := w.Explain("job/1"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "still to come") || !strings.Contains(x.Text(), "command confirm-job to job/1") {
		t.Errorf("just placed:\n%s", x.Text())
	}
	w.Place("2", explaintest.Place{Units: 1, Trap: "nothing"})
	w.RunAll()
	if x := w.Explain("job/2"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "due in 15m0s") {
		t.Errorf("a timer that is set:\n%s", x.Text())
	}
	w.Place("3", explaintest.Place{Units: 9, Trap: "allowed"})
	w.RunAll()
	if x := w.Explain("job/3"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "rejected with out-of-stock, which the reaction allows") {
		t.Errorf("a rejection that is fine:\n%s", x.Text())
	}
	w.Place("4", explaintest.Place{Units: 1, Trap: "hidden"})
	w.RunAll()
	if x := w.Explain("job/4"); len(x.Causes) > 0 || !strings.Contains(x.Text(), "no query returns it") {
		t.Errorf("a hidden row:\n%s", x.Text())
	}
	w.Now = explaintest.Opening.Add(-24 * time.Hour)
	w.Place("5", explaintest.Place{Units: 1})
	w.Now = explaintest.Opening.Add(24 * time.Hour)
	w.RunAll()
	if x := w.Explain("job/5"); !strings.Contains(x.Text(), "it reacts to commits since 2026-01-01T00:00:00.000Z only") {
		t.Errorf("a job of before the process manager:\n%s", x.Text())
	}
}

// TestBounds: an answer is bounded, and says so.
func TestBounds(t *testing.T) {
	t.Parallel()
	w := explaintest.New(t)
	for range 30 {
		w.Send("stock-depot", "d", `{"units":1}`)
	}
	if x := w.Explain("depot/d"); !x.Partial || len(x.Roots) != 20 {
		t.Errorf("%d roots, partial %v", len(x.Roots), x.Partial)
	}
	w.Place("1", explaintest.Place{Units: 1})
	w.RunAll()
	x, err := explain.Explain(t.Context(), w.Installation, "job/1", &explain.Options{Nodes: 4})
	if err != nil || !x.Partial || !strings.Contains(x.Text(), "not all was read") {
		t.Errorf("got %v\n%s", err, x.Text())
	}
}

// TestNothingIsWritten: an explanation only reads.
func TestNothingIsWritten(t *testing.T) {
	t.Parallel()
	w := explaintest.New(t)
	w.Place("1", explaintest.Place{Units: 9})
	w.RunAll()
	tables, ledger := w.Tables.Calls(), w.Ledger.Calls()
	w.Store.Before = func(method string, _ events.Stream) error {
		if strings.HasPrefix(method, "Append") {
			return errors.New("it writes")
		}
		return nil
	}
	w.Explain("job/1")
	if a, b := w.Tables.Calls(), w.Ledger.Calls(); a["Put"] != tables["Put"] || a["Transact"] != tables["Transact"] || b["Save"] != ledger["Save"] {
		t.Errorf("%v and %v became %v and %v", tables, ledger, a, b)
	}
}
