package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/simulation/settings"
)

// simulated is the package of the functions that simulate.
const simulated = "daybook/simulation/simulationtest"

func simulateCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "simulate",
		Usage:     "run whole installations under seeds, with injected faults",
		ArgsUsage: "[PACKAGE…]",
		Description: "Runs the tests of the project's packages that call simulationtest.Run, those below ./domain\n" +
			"without PACKAGE, under many seeds: each run is an installation with clients that race one\n" +
			"another, on a network that loses and delays. A seed that breaks something is shrunk to few\n" +
			"steps, printed, and can be replayed. Needs Go, and no network. docs/testing.md has it all.\n" +
			"Exits with 3 when a run broke something.",
		Flags: []cli.Flag{
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "begin with seed `N`"},
			&cli.IntFlag{Name: "runs", Usage: "do `N` runs, one per seed; default 1000"},
			&cli.DurationFlag{Name: "for", Usage: "run for a `TIME` in place of a number of runs"},
			&cli.StringFlag{Name: "replay", Usage: "do the one run of a `RECIPE`, as a failure prints it, and print what happens"},
			&cli.BoolFlag{Name: "trace", Usage: "print all requests of a run that fails or is replayed"},
			&cli.IntFlag{Name: "parallel", Usage: "use `N` processes; default: the number of processors"},
		},
		Action: a.simulate,
	}
}

func (a *app) simulate(ctx context.Context, c *cli.Command) error {
	s := settings.Settings{
		Seed: c.Uint64("seed"), Runs: c.Int("runs"), For: c.Duration("for"), Replay: c.String("replay"), Trace: c.Bool("trace"), Program: a.of.Name,
	}
	parallel := c.Int("parallel")
	switch {
	case parallel < 0 || s.Runs < 0 || s.For < 0 || c.IsSet("runs") && s.Runs == 0 || c.IsSet("for") && s.For == 0:
		return usage("-runs and -for must be above 0, and -parallel not negative")
	case s.Runs > 0 && s.For > 0:
		return usage("-runs and -for exclude each other: say how many runs, or for how long")
	case s.Replay != "" && (c.IsSet("seed") || s.Runs > 0 || s.For > 0):
		return usage("-replay is one run: leave out -seed, -runs and -for")
	case c.IsSet("replay"):
		if _, err := settings.ParseRecipe(s.Replay); err != nil {
			return usage("-replay: %w", err)
		}
	case s.Runs == 0 && s.For == 0:
		s.Runs = 1000
	}
	if parallel = cmp.Or(parallel, runtime.NumCPU()); s.Replay != "" {
		parallel = 1
	}
	from := c.Args().Slice()
	if len(from) == 0 {
		from = []string{"./domain/..."}
	}
	packages, err := simulating(ctx, from)
	if err != nil {
		return err
	}
	broken := false
	for _, p := range packages {
		if s.Package = ""; c.Args().Present() {
			s.Package = p.path
		}
		failed, err := a.simulatePackage(ctx, p, s, parallel)
		if err != nil {
			return err
		}
		broken = broken || failed
	}
	if broken {
		return found()
	}
	return nil
}

// testPackage is a package whose tests simulate.
type testPackage struct{ path, dir string }

// simulating returns the packages whose tests call simulationtest.Run.
func simulating(ctx context.Context, patterns []string) (all []testPackage, err error) {
	args := append([]string{"list", "-f", `{{.ImportPath}}{{"\t"}}{{.Dir}}{{"\t"}}{{join .TestImports " "}} {{join .XTestImports " "}}`}, patterns...)
	out, err := goTool(ctx, args...).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("the packages can't be listed; run this in a project of Daybook: %s", strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("the go command is needed to simulate: %w", err)
	}
	for text := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(text), "\t")
		if len(parts) == 3 && strings.Contains(" "+parts[2]+" ", " "+simulated+" ") {
			all = append(all, testPackage{parts[0], parts[1]})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no test of %s calls simulationtest.Run; add one, for example as domain/simulation_test.go (docs/testing.md shows it)", strings.Join(patterns, " "))
	}
	return all, nil
}

// goTool is the go command, with the toolchain that go.mod asks for.
func goTool(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "go", args...)
	// The go command waits for its compilers then, which a kill would leave behind.
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	if t := os.Getenv("GOTOOLCHAIN"); t == "" || t == "local" {
		c.Env = append(os.Environ(), "GOTOOLCHAIN=auto")
	}
	return c
}

// simulatePackage builds a package's tests once and runs them in several processes,
// each with seeds of its own: the randomness of a run is that of its process.
func (a *app) simulatePackage(ctx context.Context, p testPackage, s settings.Settings, parallel int) (broken bool, err error) {
	dir, err := os.MkdirTemp("", "daybook-simulate-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	binary := filepath.Join(dir, "simulate.test")
	build := goTool(ctx, "test", "-c", "-o", binary, p.path)
	if out, err := build.CombinedOutput(); err != nil {
		return false, fmt.Errorf("the tests of %s can't be built: %w\n%s", p.path, err, strings.TrimSpace(string(out)))
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, part := range split(s, parallel) {
		all.Go(func() {
			run := exec.CommandContext(ctx, binary, "-test.run", settings.Tests, "-test.timeout", "0")
			run.Dir = p.dir
			run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
			run.WaitDelay = 10 * time.Second
			run.Env = append(os.Environ(), settings.Env+"="+part.String(), "GOMAXPROCS=1", "GOGC=400")
			out := &lockedWriter{mu: &mu, w: a.stdout}
			run.Stdout, run.Stderr = out, out
			failed := run.Run()
			mu.Lock()
			defer mu.Unlock()
			if _, ended := errors.AsType[*exec.ExitError](failed); ended && ctx.Err() == nil {
				broken = true
			} else if failed != nil {
				err = fmt.Errorf("process %d of the simulation: %w", i+1, failed)
			}
		})
	}
	all.Wait()
	return broken, err
}

// split divides the seeds among processes. A time is given to each, with seeds that
// are far apart.
func split(s settings.Settings, n int) (parts []settings.Settings) {
	if s.Replay != "" || s.Runs == 1 {
		return []settings.Settings{s}
	}
	if s.Runs > 0 {
		n = min(n, s.Runs)
	}
	left := s.Runs
	for i := range n {
		part := s
		if s.Runs > 0 {
			part.Runs = left / (n - i)
			part.Seed = s.Seed + uint64(s.Runs-left)
			left -= part.Runs
		} else {
			part.Seed = s.Seed + uint64(i)<<32
		}
		parts = append(parts, part)
	}
	return parts
}

// lockedWriter keeps the lines of several processes apart.
type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
