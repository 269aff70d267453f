package simulationtest

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daybook"
	"daybook/events"
	"daybook/simulation"
	"daybook/simulation/settings"
)

// World is what has happened in a run, for invariants to look at.
type World = simulation.World

// Option changes what Run does.
type Option func(*config)

type config struct {
	simulation.Options
	budget time.Duration
	corpus string
	errs   []error
}

// Always adds an invariant that holds at every moment: it is asked after each commit.
func Always(name string, holds func(*World) error) Option {
	return func(c *config) {
		c.Options.Always = append(c.Options.Always, simulation.Invariant{Name: name, Holds: holds})
	}
}

// Eventually adds an invariant that holds when all that commands have set off is done
// and timers have fired.
func Eventually(name string, holds func(*World) error) Option {
	return func(c *config) {
		c.Options.Eventually = append(c.Options.Eventually, simulation.Invariant{Name: name, Holds: holds})
	}
}

// Weight says how often clients send a command relative to others, whose weight is 1.
// Weight 0 keeps it from being sent; an internal command is sent if it has a weight.
func Weight(command events.Payload, weight int) Option {
	return func(c *config) { c.Weights[command.CommandName()] = weight }
}

// Payload writes the payloads of a command in place of its JSON Schema.
func Payload[C events.Payload](write func(*rand.Rand) C) Option {
	return func(c *config) {
		name, err := events.CommandNameOf[C]()
		c.errs = append(c.errs, err)
		c.Payloads[name] = func(r *rand.Rand) any { return write(r) }
	}
}

// Next deploys another program in the middle of each run: one whose views have raised
// versions, say, and name the older ones as Previous.
func Next(app daybook.App) Option { return func(c *config) { c.Options.Next = &app } }

// Clients sets how many clients send how many commands together in a run, 3 and 12 by
// default. The time of a run grows with the commands, and what can go wrong does.
func Clients(clients, commands int) Option {
	return func(c *config) { c.Clients, c.Commands = clients, commands }
}

// Faults scales the chances of all faults, 1 by default; 0 is a network that does
// nothing wrong.
func Faults(scale float64) Option {
	return func(c *config) {
		if c.Faults = scale; scale == 0 {
			c.Faults = -1
		}
	}
}

// Budget is how long new seeds are tried in go test, a second by default, a quarter of it
// with -short. The command line says it by itself.
func Budget(d time.Duration) Option { return func(c *config) { c.budget = d } }

// Corpus is the folder of recipes that failed once, testdata/simulation by default: one
// recipe for each file, in its first line, and below it what it taught. They are
// replayed each time.
func Corpus(dir string) Option { return func(c *config) { c.corpus = dir } }

// Run runs an application under seeds, each a whole installation with clients that
// race one another, and everything that may go wrong. It fails for the first seed
// whose run breaks what Daybook promises or an invariant, with a shorter run that
// breaks the same. docs/testing.md has it all.
//
// The test must not be parallel, nor below one that is: a run sets the source of all
// randomness of the process. The name of the test function contains "Simulat", so that
// "daybook simulate" finds it.
func Run(t *testing.T, app daybook.App, options ...Option) {
	t.Helper()
	c := &config{
		Options: simulation.Options{Weights: map[string]int{}, Payloads: map[string]func(*rand.Rand) any{}},
		budget:  time.Second, corpus: filepath.Join("testdata", "simulation"),
	}
	for _, o := range options {
		o(c)
	}
	if err := errors.Join(append(c.errs, app.Check())...); err != nil {
		t.Fatal(err)
	}
	asked := os.Getenv(settings.Env)
	s, err := settings.Parse(asked)
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{app: app, config: c, settings: s, tell: asked != ""}
	switch {
	case s.Replay != "":
		r.replay(t)
	case asked != "":
		r.seeds(t)
	default:
		r.inTest(t)
	}
}

type runner struct {
	*config
	app      daybook.App
	settings settings.Settings
	tell     bool // on standard output, how far it is

	runs, requests, commits, accepted int
}

// inTest replays the corpus, and then tries seeds for a while.
func (r *runner) inTest(t *testing.T) {
	t.Helper()
	files, err := os.ReadDir(r.corpus)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(r.corpus, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		recipe, err := simulation.ParseRecipe(line)
		if err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		if res := simulation.Run(t, r.app, recipe, r.Options); len(res.Violations) > 0 {
			t.Errorf("%s: a run that failed before fails again:\n%s%s", f.Name(), res.Report(false), r.again(t, res.Recipe))
			return
		}
	}
	if r.settings = (settings.Settings{Seed: 1, For: r.budget}); testing.Short() {
		r.settings.For /= 4
	}
	r.seeds(t)
}

// chunk is how many seeds are one test below the test: what each run leaves to clean
// up is cleaned up then.
const chunk = 100

// seeds tries one seed after the other.
func (r *runner) seeds(t *testing.T) {
	t.Helper()
	began, told := time.Now(), time.Now()
	more := func() bool {
		if r.settings.Runs > 0 {
			return r.runs < r.settings.Runs
		}
		return r.runs == 0 || time.Since(began) < r.settings.For
	}
	for more() && !t.Failed() {
		seed := r.settings.Seed + uint64(r.runs)
		t.Run(fmt.Sprintf("seeds from %d", seed), func(t *testing.T) {
			for n := 0; n < chunk && more() && !t.Failed(); n++ {
				r.one(t, simulation.Recipe{Seed: r.settings.Seed + uint64(r.runs)})
			}
		})
		if r.tell && more() && time.Since(told) > 10*time.Second {
			told = time.Now()
			fmt.Println(r.summary(time.Since(began)))
		}
	}
	if r.tell {
		fmt.Println(r.summary(time.Since(began)))
	}
}

func (r *runner) summary(took time.Duration) string {
	return fmt.Sprintf("%d runs from seed %d in %v (%.0f per minute): %d requests, %d commands accepted, %d commits",
		r.runs, r.settings.Seed, took.Round(time.Second), float64(r.runs)/took.Minutes(), r.requests, r.accepted, r.commits)
}

// one tries one seed.
func (r *runner) one(t *testing.T, recipe simulation.Recipe) {
	t.Helper()
	r.runs++
	res := simulation.Run(t, r.app, recipe, r.Options)
	r.requests, r.commits, r.accepted = r.requests+res.Requests, r.commits+res.Commits, r.accepted+res.Accepted
	if len(res.Violations) == 0 {
		return
	}
	short := simulation.Shrink(t, r.app, res, r.Options)
	t.Errorf("seed %d breaks %q; a shorter run that does so, of %d steps with %d faults:\n%s%s", recipe.Seed, res.Violations[0].Check,
		len(short.Recipe.Steps), len(short.Recipe.Faults), short.Report(r.settings.Trace), r.again(t, short.Recipe))
}

// again says how to see a run again: by the command line that asked for it, else by the
// application's, which has its name.
func (r *runner) again(t *testing.T, recipe simulation.Recipe) string {
	text := recipe.String()
	command := fmt.Sprintf("%s simulate -replay %q", cmp.Or(r.settings.Program, r.app.Name), text)
	if r.settings.Package != "" {
		command += " " + r.settings.Package
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	return fmt.Sprintf("again: %s\n(or: %s=%q go test -run '^%s$'; keep it as a file of testdata/simulation)", command, settings.Env, "replay "+text, name)
}

// replay does one run and tells of it.
func (r *runner) replay(t *testing.T) {
	t.Helper()
	recipe, err := simulation.ParseRecipe(r.settings.Replay)
	if err != nil {
		t.Fatal(err)
	}
	o := r.Options
	o.Trace = true
	res := simulation.Run(t, r.app, recipe, o)
	if missing := res.Missing(); len(missing) > 0 {
		t.Fatalf("recipe %q: seed %d has no step %s: the recipe is of another test, or the application has changed since", recipe, recipe.Seed, strings.Join(missing, ", "))
	}
	text := fmt.Sprintf("%s: %d violations, %d requests, %d commits, %v of simulated time, hash %016x\n%s", recipe, len(res.Violations),
		res.Requests, res.Commits, res.Took.Round(time.Millisecond), res.Hash, res.Report(r.settings.Trace))
	if len(res.Violations) > 0 {
		t.Error(text)
		return
	}
	fmt.Println(text)
}
