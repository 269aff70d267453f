package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"

	"daybook/simulation/settings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var r runner
	flag.IntVar(&r.runs, "runs", 400, "how many seeds the simulator may take for each fault")
	flag.BoolVar(&r.tests, "tests", true, "run the tests that find faults, beside the simulator")
	flag.BoolVar(&r.simulate, "simulator", true, "run the simulator")
	write := flag.Bool("write", false, "write the findings to the table of "+pageFile)
	flag.Parse()
	if err := r.all(ctx, flag.Args(), *write); err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

// runner plants bugs one after the other.
type runner struct {
	runs            int
	tests, simulate bool
}

// all plants the bugs with the given names, or all. Its error tells of each that was
// not found or could not be planted.
func (r runner) all(ctx context.Context, names []string, write bool) error {
	all, err := bugs()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(b bug) bool { return b.name == name }) {
			return fmt.Errorf("there is no bug %q in simulation/planted/bugs", name)
		}
	}
	found, errs := map[string]string{}, []error(nil)
	for _, b := range all {
		if len(names) > 0 && !slices.Contains(names, b.name) {
			continue
		}
		findings, err := r.one(ctx, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.name, err))
			continue
		}
		found[b.name] = row(b, findings)
	}
	if write {
		errs = append(errs, writeTable(found))
	}
	return errors.Join(errs...)
}

// writeTable puts the rows into the page's table, beside those that are there.
func writeTable(found map[string]string) error {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		return err
	}
	rows, err := rowsOf(string(page))
	if err != nil {
		return err
	}
	for name, row := range found {
		rows[name] = row
	}
	text, err := withRows(string(page), rows)
	if err != nil {
		return err
	}
	return os.WriteFile(pageFile, []byte(text), 0o644)
}

var errNotFound = errors.New("the planted fault was not found")

// one plants a bug and lets every instrument that it names look for it.
func (r runner) one(ctx context.Context, b bug) ([]string, error) {
	dir, err := os.MkdirTemp("", "daybook-planted-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	overlay, err := b.overlay(root, dir)
	if err != nil {
		return nil, err
	}
	var findings []string
	var errs []error
	for _, f := range b.finds {
		if f.simulate && !r.simulate || !f.simulate && !r.tests {
			continue
		}
		begun := time.Now()
		finding, err := r.look(ctx, overlay, f)
		if err != nil {
			finding = "not found by " + f.String()
			errs = append(errs, fmt.Errorf("%v: %w", f, err))
		}
		fmt.Printf("%-28s %-90s %5.1f s\n", b.name, finding, time.Since(begun).Seconds())
		findings = append(findings, finding)
	}
	return findings, errors.Join(errs...)
}

// look lets one instrument look for a planted bug, and says what it took.
func (r runner) look(ctx context.Context, overlay string, f find) (string, error) {
	if f.simulate {
		return r.simulator(ctx, overlay, f)
	}
	out, err := run(ctx, nil, "go", "test", "-count=1", "-timeout", "5m", "-overlay", overlay, "-run", f.pattern, f.test)
	switch {
	case err == nil:
		return "", errNotFound
	case !strings.Contains(out, "--- FAIL:") || strings.Contains(out, "[build failed]"):
		return "", fmt.Errorf("the test did not run: %w\n%s", err, out)
	}
	return f.String(), nil
}

// violated is how a simulation tells of the first seed that breaks something.
var violated = regexp.MustCompile(`seed (\d+) breaks ("[^"]*")`)

// simulator runs seeds from 1 on until one finds the bug.
func (r runner) simulator(ctx context.Context, overlay string, f find) (string, error) {
	s := settings.Settings{Seed: 1, Runs: r.runs}
	out, err := run(ctx, []string{settings.Env + "=" + s.String()}, "go", "test", "-count=1", "-timeout", "10m", "-overlay", overlay, "-run", f.pattern, f.test)
	if err == nil {
		return "", errNotFound
	}
	m := violated.FindStringSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("the simulator did not run: %w\n%s", err, out)
	}
	return f.String() + ", seed " + m[1] + ": " + m[2], nil
}

// shop simulates the sample shop.
var shop = find{true, "./domain", settings.Tests}

// run runs a command, with more in its environment, and returns what it printed.
func run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
