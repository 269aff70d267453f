package project

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"daybook"
	"daybook/aggregate"
	"daybook/aggregate/aggregatetest"
	"daybook/events"
	"daybook/events/eventstest"
	"daybook/process"
	"daybook/view"
	"daybook/view/viewtest"
)

// The declarations that the mistakes below are made with.
type (
	account  struct{ Exists bool }
	accounts struct {
		Owner string `json:"owner"`
	}
	accountOpened struct {
		Owner string `json:"owner"`
	}
	accountClosed struct{}
	openAccount   struct {
		Owner string `json:"owner" rule:"min=1,max=100"`
	}
	closeAccount struct{}
)

func (accountOpened) EventName() string  { return "account-opened" }
func (accountClosed) EventName() string  { return "account-closed" }
func (openAccount) CommandName() string  { return "open-account" }
func (closeAccount) CommandName() string { return "close-account" }

// Types that are mistakes.
type (
	openedRenamed struct {
		Owner string `json:"owner"`
	}
	openedAgain struct{}
	lossyState  struct {
		Open bool `json:"-"`
	}
	misspelt struct {
		Owner string `json:"owner" rule:"minimum=1"`
	}
	unwritable struct {
		Owner func() `json:"owner"`
	}
	reserved struct {
		Version int64 `json:"version"`
	}
)

func (openedRenamed) EventName() string { return "account-started" }
func (openedAgain) EventName() string   { return "account-opened" }
func (misspelt) CommandName() string    { return "open-account" }
func (unwritable) CommandName() string  { return "open-account" }

func opens(account, accountOpened) account { return account{true} }

// sound is an aggregate without mistakes.
func sound() *aggregate.Definition[account] {
	return aggregate.New[account]("account").Event(opens).
		Command(func(_ account, c openAccount) aggregate.Decision { return aggregate.Emit(accountOpened(c)) }, aggregate.Creates())
}

func row(accounts, accountOpened, view.Meta) accounts { return accounts{} }

func soundView() *view.RowView[accounts] { return view.New[accounts]("accounts", "account").On(row) }

// check is what App.Check says, which the project's own TestApp calls.
func check(of []aggregate.Aggregate, views []view.View, processes ...process.Reactor) string {
	return fmt.Sprint(daybook.App{Name: "bank", Aggregates: of, Views: views, Processes: processes}.Check())
}

func list[T any](all ...T) []T { return all }

// failing records the failures of a helper of tests.
type failing struct {
	testing.TB
	said strings.Builder
}

func (f *failing) Helper()                           {}
func (f *failing) Error(args ...any)                 { fmt.Fprintln(&f.said, args...) }
func (f *failing) Errorf(format string, args ...any) { fmt.Fprintf(&f.said, format+"\n", args...) }
func (f *failing) Fatal(args ...any)                 { f.Error(args...); panic(f) }
func (f *failing) Fatalf(format string, args ...any) { f.Errorf(format, args...); panic(f) }

// failures are what a helper of tests says is wrong.
func failures(t *testing.T, f func(testing.TB)) (said string) {
	rec := &failing{TB: t}
	defer func() {
		if v := recover(); v != nil && v != any(rec) {
			panic(v)
		}
		said = rec.said.String()
	}()
	f(rec)
	return ""
}

// goldens says what a helper of golden files says of a file as it was stored.
func goldens(t *testing.T, name, text string, compare func(tb testing.TB, dir string)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return failures(t, func(tb testing.TB) { compare(tb, dir) })
}

const (
	storedEvent = `{"data":{"name":"Ann"},"shape":"{name:string}"}`
	storedView  = `{"view":"accounts","version":1,"kind":"rows","aggregates":["account"],"events":["account-opened"],"row":{"name":"string"},"indexes":{}}`
)

// ofAccount is an application of one aggregate.
func ofAccount(of aggregate.Aggregate) string { return check(list(of), nil) }

// withView is a sound aggregate with a view.
func withView(v view.View) string { return check(list[aggregate.Aggregate](sound()), list(v)) }

// withProcess is a sound aggregate and view with a process manager or an outbox.
func withProcess(r process.Reactor) string {
	return check(list[aggregate.Aggregate](sound()), list[view.View](soundView()), r)
}

// nothing decides any command to nothing.
func nothing[C events.Payload](account, C) aggregate.Decision { return aggregate.Nothing() }

// mistakes makes each of the mistakes in the table of AGENTS.md, in its order, and
// returns what says so.
var mistakes = []func(t *testing.T) string{
	func(*testing.T) string { return check(nil, list[view.View](soundView())) },
	func(*testing.T) string {
		return withView(soundView().On(func(a accounts, _ accountClosed, _ view.Meta) accounts { return a }))
	},
	func(t *testing.T) string {
		of := sound().Command(func(account, closeAccount) aggregate.Decision { return aggregate.Emit(accountClosed{}) })
		return failures(t, func(tb testing.TB) {
			aggregatetest.Given(tb, of, accountOpened{"Ann"}).When(closeAccount{}).Then(accountClosed{})
		})
	},
	func(t *testing.T) string {
		return goldens(t, "account-opened.v1.json", storedEvent, func(tb testing.TB, dir string) { eventstest.Golden(tb, dir, sound().Events()...) })
	},
	func(t *testing.T) string {
		of := aggregate.New[account]("account").Event(func(a account, _ openedRenamed) account { return a })
		return goldens(t, "account-opened.v1.json", storedEvent, func(tb testing.TB, dir string) { eventstest.Golden(tb, dir, of.Events()...) })
	},
	func(t *testing.T) string {
		return goldens(t, "accounts.v1.json", storedView, func(tb testing.TB, dir string) { viewtest.Golden(tb, dir, soundView()) })
	},
	func(t *testing.T) string {
		return failures(t, func(tb testing.TB) { eventstest.Golden(tb, t.TempDir(), sound().Events()...) })
	},
	func(*testing.T) string { return ofAccount(sound().Command(nothing[openAccount])) },
	func(*testing.T) string {
		return ofAccount(sound().Event(func(a account, _ openedAgain) account { return a }))
	},
	func(*testing.T) string {
		return ofAccount(aggregate.New[account]("account").Event(func(a account, _ *accountOpened) account { return a }))
	},
	func(*testing.T) string {
		return ofAccount(aggregate.New[lossyState]("account").Event(func(s lossyState, _ accountOpened) lossyState { return s }))
	},
	func(*testing.T) string { return ofAccount(sound().Command(nothing[misspelt])) },
	func(*testing.T) string { return ofAccount(sound().Command(nothing[unwritable])) },
	func(*testing.T) string {
		return ofAccount(sound().Command(nothing[closeAccount], aggregate.Internal(), aggregate.Scope("accounts:close")))
	},
	func(*testing.T) string { return withView(soundView().Index("by-city", view.By("city").Then("owner"))) },
	func(*testing.T) string {
		return withView(view.New[reserved]("accounts", "account").On(func(r reserved, _ accountOpened, _ view.Meta) reserved { return r }))
	},
	func(*testing.T) string { return withView(view.New[accounts]("docs", "account").On(row)) },
	func(*testing.T) string {
		return withView(view.NewKeyed[accounts, accounts]("accounts", "account").On(row))
	},
	func(*testing.T) string {
		return withProcess(process.New[lossyState]("greeter", "account").On(func(s lossyState, _ accountOpened, _ process.Meta) (lossyState, process.Reaction) {
			return s, process.Do()
		}))
	},
	func(*testing.T) string {
		return withProcess(process.New[struct{}]("accounts", "account").React(func(accountOpened, process.Meta) process.Reaction { return process.Do() }))
	},
}

// red finds the text that a row of the table says to look for.
var red = regexp.MustCompile("^\\| .+ \\| .*`([^`]+)`[^`]* \\|$")

// table is the table of mistakes in a text.
func table(t *testing.T, path string) (rows []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "| mistake | what turns it red |\n|---|---|\n")
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.TrimSpace(line))
	}
	return rows
}

// TestMistakesTurnRed makes each mistake of AGENTS.md, of this repository and of a
// project: what turns it red says what the table says.
func TestMistakesTurnRed(t *testing.T) {
	t.Parallel()
	rows := table(t, "templates/root/AGENTS.md.tmpl")
	if len(rows) != 20 || len(mistakes) != 20 || !slices.Equal(rows, table(t, "../AGENTS.md")) {
		t.Fatalf("%d rows, %d mistakes, %d rows in AGENTS.md of the repository, which are the same in each", len(rows), len(mistakes), len(table(t, "../AGENTS.md")))
	}
	for i, line := range rows {
		said := mistakes[i](t)
		if m := red.FindStringSubmatch(line); m == nil || !strings.Contains(said, m[1]) {
			t.Errorf("%s\nsays:\n%s", line, said)
		}
	}
	if said := check(list[aggregate.Aggregate](sound()), list[view.View](soundView())); said != "<nil>" {
		t.Errorf("without a mistake: %s", said)
	}
}

// linksLead checks that the links of a file lead to files.
func linksLead(t *testing.T, dir, name string) (links []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
		links = append(links, m[1])
		if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return links
}

// TestAgentsFindTheGuides: llms.txt lists every page of docs, and its links lead to them.
func TestAgentsFindTheGuides(t *testing.T) {
	t.Parallel()
	linksLead(t, "..", "AGENTS.md")
	listed := linksLead(t, "..", "llms.txt")
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	for _, page := range pages {
		if link := strings.TrimPrefix(filepath.ToSlash(page), "../"); !slices.Contains(listed, link) {
			t.Errorf("llms.txt does not list %s", link)
		}
	}
}
