package cli

import (
	"cmp"
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
	"daybook/view"
	"daybook/view/admin"
	"daybook/view/driver"
)

func verifyCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "compare the views' tables with what the events say they should hold",
		ArgsUsage: "[VIEW…]",
		Description: "Folds every stream and names every row that is missing, extra, stale, parked or different,\n" +
			"with the fields. It only reads, and may run beside commands: what lacks a commit younger\n" +
			"than -patience is waited for. Without VIEW and -fraction it compares the claimed values too,\n" +
			"as claims does. Exits with 3 when it found something.",
		Flags: append([]cli.Flag{
			tableFlag(),
			&cli.FloatFlag{Name: "fraction", Value: 1, Usage: "look at a random `F` of the tables, 0 < F <= 1"},
			&cli.Uint64Flag{Name: "seed", Usage: "`NUMBER` that fixes which part -fraction takes; random by default"},
			&cli.StringFlag{Name: "state", Usage: "keep the progress in `FILE`, from which the same command resumes"},
			&cli.DurationFlag{Name: "patience", Value: 5 * time.Second, Usage: "how long a view may be behind"},
			&cli.IntFlag{Name: "segments", Usage: "read the tables in `N` parts; default 64"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts at the same time"},
			&cli.IntFlag{Name: "limit", Value: 1000, Usage: "list at most `N` findings per view; all are counted"},
			&cli.IntFlag{Name: "memory", Value: 64, Usage: "`MIB` for putting keyed rows together"},
		}, privacyFlags()...),
		ShellComplete: completes(a.viewNames),
		Action:        a.verify,
	}
}

func (a *app) verify(ctx context.Context, c *cli.Command) error {
	if c.IsSet("privacy") {
		return a.verifyPrivacy(ctx, c)
	}
	if c.IsSet("values") || c.IsSet("files") {
		return usage("-values and -files belong to -privacy")
	}
	s, views, err := a.openViews(ctx, c)
	if err != nil {
		return err
	}
	opts := admin.VerifyOptions{
		Segments: c.Int("segments"), Parallel: c.Int("parallel"), Fraction: c.Float("fraction"), Seed: c.Uint64("seed"),
		Patience: c.Duration("patience"), Memory: c.Int("memory") << 20, Findings: c.Int("limit"),
	}
	if !(opts.Fraction > 0) || opts.Parallel < 1 || opts.Memory < 1 || opts.Findings < 1 || opts.Patience < 0 {
		return usage("-fraction, -parallel, -memory and -limit must be above 0, and -patience not negative")
	}
	opts.Patience = max(opts.Patience, 1) // 0 would mean the default
	if opts.Fraction < 1 && !c.IsSet("seed") {
		opts.Seed = uint64(rand.Uint32())
	}
	if err := s.keepState(ctx, c.String("state"), &opts, c.IsSet("seed")); err != nil {
		return err
	}
	total, err := s.verifyTotal(ctx, views, opts.Fraction)
	if err != nil {
		return err
	}
	bar := s.progress("verify", "items", total)
	defer bar.end()
	opts.Progress = func(p admin.VerifyProgress) { bar.set(p.Commits + p.Items) }
	verifier, err := admin.NewVerifier(s.folded, s.codec, s.tables, views, &opts)
	if err != nil {
		return usage("%w", err)
	}
	begin := time.Now()
	report, err := verifier.Verify(ctx)
	bar.end()
	switch {
	case events.CodeOf(err) == events.CodeMalformed:
		return unfitState("state", c.String("state"), err)
	case err != nil && c.String("state") != "":
		return fmt.Errorf("%w; run the same command again to resume from %s", err, c.String("state"))
	case err != nil:
		return err
	}
	claims, err := s.verifyClaims(ctx, c.Args().Present() || opts.Fraction < 1, opts.Parallel, opts.Findings)
	if err != nil {
		return err
	}
	mismatches, err := s.mismatchesOf(ctx, report)
	if err != nil {
		return err
	}
	s.writeReport(report, claims, mismatches, time.Since(begin))
	if err := removeState(c.String("state")); err != nil {
		return err
	}
	return s.out.result(!report.Clean() || !claims.clean() || len(mismatches) > 0)
}

// mismatchLine is a table that was filled by another declaration of its view.
type mismatchLine struct {
	View  string `json:"view"`
	Table string `json:"table"`
	Text  string `json:"text"`
}

// mismatchesOf returns those of the tables that were verified.
func (s *session) mismatchesOf(ctx context.Context, r admin.VerifyReport) (lines []mismatchLine, err error) {
	texts, err := s.mismatches(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range r.Views {
		t, err := driver.ParseTarget(v.Name, v.Table)
		if err != nil {
			return nil, err
		}
		if text := texts[t]; text != "" {
			lines = append(lines, mismatchLine{v.Name, v.Table, text})
		}
	}
	return lines, nil
}

// claimReport is what comparing the claimed values gave; nil for not done.
type claimReport struct {
	Held     int64       `json:"held"` // values
	Found    int64       `json:"found"`
	Findings []claimLine `json:"findings"` // at most as many as asked for
}

func (r *claimReport) clean() bool { return r == nil || r.Found == 0 }

// verifyClaims compares all claimed values with the commits, unless the check is
// of a part of the deployment.
func (s *session) verifyClaims(ctx context.Context, partly bool, parallel, limit int) (*claimReport, error) {
	if partly {
		return nil, nil
	}
	r := &claimReport{Findings: []claimLine{}}
	check, err := events.VerifyClaims(ctx, s.store, parallel, func(f events.ClaimFault) error {
		if len(r.Findings) < limit {
			r.Findings = append(r.Findings, claimLine(f))
		}
		return nil
	})
	r.Held, r.Found = check.Held, check.Faults
	return r, err
}

func (s *session) writeClaims(r *claimReport) {
	if r == nil {
		return
	}
	for _, f := range r.Findings {
		s.out.printf("claims\tdifferent\t%s\tholder is %s, should be %s\n", clean(f.Key), cmp.Or(string(f.Holder), "nothing"), cmp.Or(string(f.Owner), "nothing"))
	}
	result := "all as the commits say"
	if r.Found > 0 {
		result = fmt.Sprintf("%d not as the commits say", r.Found)
	}
	s.out.printf("claims: %d values held, %s\n", r.Held, result)
}

// verifyTotal is about how many commits and items the check reads: each commit
// once; each row by its key and in a scan, those of a keyed view in two.
func (s *session) verifyTotal(ctx context.Context, views []view.View, fraction float64) (int64, error) {
	info, err := s.reachable(ctx)
	if err != nil {
		return 0, err
	}
	total := float64(info.Items) * fraction
	for _, v := range views {
		d := v.Describe()
		info, err := s.describe(ctx, s.viewTable(d))
		if err != nil {
			return 0, err
		}
		total += float64(info.Items) * 2 * fraction
		if d.Kind == view.KindKeyed {
			total += float64(info.Items)
		}
	}
	return int64(total), nil
}

// keepState reads the state that an earlier run left, and has this one's kept.
func (s *session) keepState(ctx context.Context, path string, opts *admin.VerifyOptions, seedSet bool) (err error) {
	if path == "" {
		return nil
	}
	info, err := s.reachable(ctx)
	if err != nil {
		return err
	}
	if opts.Origin, err = s.origin(info); err != nil {
		return err
	}
	state, err := readState[admin.VerifyState]("state", path)
	if err != nil {
		return err
	}
	if opts.Resume = state; state != nil && !seedSet {
		opts.Seed = state.Report.Seed
	}
	opts.Save = func(state admin.VerifyState) error { return writeState(path, state) }
	return nil
}

// readState reads the state that an earlier run left, nil for none.
func readState[T any](flag, path string) (*T, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	state := new(T)
	if err := json.Unmarshal(text, state); err != nil {
		return nil, unfitState(flag, path, err)
	}
	return state, nil
}

// writeState replaces a file whole.
func writeState(path string, state any) error {
	text, err := json.Marshal(state, json.Deterministic(true))
	if err != nil {
		return err
	}
	next := filepath.Clean(path) + ".new"
	if err := os.WriteFile(next, append(text, '\n'), 0o666); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// removeState removes the state of work that is done.
func removeState(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// writeReport writes a report as JSON, or as text: a line for each finding, and
// one for each view.
func (s *session) writeReport(r admin.VerifyReport, claims *claimReport, mismatches []mismatchLine, took time.Duration) {
	if s.out.json {
		s.out.value(struct {
			Clean   bool    `json:"clean"`
			Seconds float64 `json:"seconds"`
			admin.VerifyReport
			Claims     *claimReport   `json:"claims,omitzero"`
			Mismatches []mismatchLine `json:"mismatches,omitzero"`
		}{r.Clean() && claims.clean() && len(mismatches) == 0, took.Seconds(), r, claims, mismatches})
		return
	}
	for _, m := range mismatches {
		s.out.printf("%s\tmismatch\ttable %s\t%s\n", m.View, m.Table, clean(m.Text))
	}
	for _, v := range r.Views {
		for _, f := range v.Findings {
			s.out.printf("%s\n", findingText(f))
		}
		if more := v.Found() - int64(len(v.Findings)); more > 0 {
			s.out.printf("%s\t… and %d more\n", v.Name, more)
		}
	}
	for _, v := range r.Views {
		s.out.printf("%s %s: %d rows of %d streams compared, %s\n", v.Name, v.Table, v.Rows, v.Streams, countsText(v))
		if v.Counts[admin.FoundParked] > 0 {
			s.out.printf("%s %s: parked streams stay parked until the cause is fixed and deployed; then run %s redrive %s -table %s\n", v.Name, v.Table, s.of.Name, v.Name, v.Table)
		}
	}
	s.writeClaims(claims)
	s.printDamaged(r.Damaged, "nothing of them was compared")
	if r.Fraction < 1 {
		s.out.printf("a part of %g, seed %d: ", r.Fraction, r.Seed)
	}
	s.out.printf("%d streams, %s folded\n", r.Streams, rate(r.Events, "events", took))
}

func countsText(v admin.ViewReport) string {
	if v.Found() == 0 {
		return "all as the events say"
	}
	return kindsText(v.Counts, "")
}

// kindsText says how many there are of each kind: "2 changed, 1 missing".
func kindsText[K ~string](counts map[K]int64, what string) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d%s %s", counts[kind], what, kind))
	}
	return strings.Join(parts, ", ")
}

// findingText writes a finding: view, kind and item, and behind them what
// differs.
func findingText(f admin.Finding) string {
	what, more := findingParts(f, "should be")
	return strings.Join([]string{f.View, string(f.Kind), what, more}, "\t")
}

// findingParts names what a finding is about, and what is wrong with it: a field is one
// value and, as the verb says, another.
func findingParts(f admin.Finding, verb string) (what, text string) {
	what = "row " + events.Scoped(f.Tenant, f.Row)
	switch {
	case f.Row == "" && f.Stream != "":
		what = "checkpoint of " + string(f.Stream)
	case f.Row == "":
		what = "row " + events.Scoped(f.Tenant, `""`) + ", whose key is empty"
	}
	var more []string
	if f.Applied < f.Last && f.Kind != admin.FoundMissing {
		more = append(more, fmt.Sprintf("commit %d of %d", f.Applied, f.Last))
	}
	for _, d := range f.Fields {
		more = append(more, fmt.Sprintf("%s is %s, %s %s", d.Name, cmp.Or(string(d.Stored), "nothing"), verb, cmp.Or(string(d.Expected), "nothing")))
	}
	if f.Text != "" {
		more = append(more, f.Text)
	}
	return clean(what), clean(strings.Join(more, "; "))
}
