package cli

import (
	"context"
	"encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/events"
)

func exportCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write commits with their events as JSON Lines, to be imported again",
		Description: "One line is one commit, with all that is stored of it. Lines are in the order of stream\n" +
			"names (by bytes) and commit numbers, so two exports of equal stores are equal byte for byte.\n" +
			"They are sorted on disk, in FILE.parts, from which the same command goes on after a stop.\n" +
			"Damaged streams are left out and named, and the exit code is 3 then.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Value: "-", Usage: "write to `FILE`; - is standard output"},
			&cli.StringSliceFlag{Name: "aggregate", Usage: "only streams of aggregate `NAME`; may be repeated"},
			&cli.IntFlag{Name: "segments", Value: 64, Usage: "read the table in `N` parts"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts at the same time"},
			&cli.IntFlag{Name: "memory", Value: 64, Usage: "`MIB` to sort in"},
		},
		Action: a.export,
	}
}

func (a *app) export(ctx context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("export takes no argument; -o says where to write")
	}
	tenant, err := a.checkTenant(c)
	if err != nil {
		return err
	}
	return a.exportOf(ctx, c, tenant)
}

// exportOf exports the streams of a tenant, of all for "".
func (a *app) exportOf(ctx context.Context, c *cli.Command, tenant string) (err error) {
	x := &exporter{Tenant: tenant, Segments: c.Int("segments"), Aggregates: c.StringSlice("aggregate"), parallel: c.Int("parallel"), memory: c.Int("memory") << 20}
	if x.Segments < 1 || x.parallel < 1 || x.parallel > 256 || x.memory < 1 {
		return usage("-segments, -parallel and -memory must be above 0")
	}
	slices.Sort(x.Aggregates)
	if x.session, err = a.open(ctx, c); err != nil {
		return err
	}
	for _, name := range x.Aggregates {
		if _, err := x.aggregate(name); err != nil {
			return err
		}
	}
	x.Table = x.eventsTable()
	path := c.String("o")
	if path == "-" {
		if x.dir, err = os.MkdirTemp("", "daybook-export-"); err != nil {
			return err
		}
		defer os.RemoveAll(x.dir)
		damaged, err := x.all(ctx, func(write func(io.Writer) error) error { return write(a.stdout) })
		if err != nil {
			return err
		}
		return x.out.result(damaged)
	}
	x.dir = path + ".parts"
	if err := x.resume(); err != nil {
		return err
	}
	damaged, err := x.all(ctx, func(write func(io.Writer) error) error { return writeWhole(path, write) })
	if err != nil {
		return fmt.Errorf("%w; run the same command again to resume from %s", err, x.dir)
	}
	if err := os.RemoveAll(x.dir); err != nil {
		return err
	}
	return x.out.result(damaged)
}

// copySummary is the last line of an export or an import.
type copySummary struct {
	Commits int64         `json:"commits"`
	Events  int64         `json:"events"`
	Seconds float64       `json:"seconds"`
	Skipped int64         `json:"skipped,omitzero"`  // commits of other tenants and aggregates in the file
	Unknown []unknownLine `json:"unknown,omitempty"` // events that this program does not declare
	// Damaged are streams that an export left out, or whose claimed values an import did
	// not store.
	Damaged events.Damages `json:"damaged,omitzero"`
}

// exporter is an export; the exported members are kept beside its parts, which
// belong to no other.
type exporter struct {
	Table      string   `json:"table"`
	Segments   int      `json:"segments"`
	Aggregates []string `json:"aggregates"`
	Tenant     string   `json:"tenant,omitzero"` // "" for all

	*session `json:"-"`
	parallel int
	memory   int // bytes
	dir      string
}

// resume begins the directory of the parts, or goes on with one.
func (x *exporter) resume() error {
	if err := os.MkdirAll(x.dir, 0o777); err != nil {
		return err
	}
	path := filepath.Join(x.dir, "export.json")
	mine, err := json.Marshal(x, json.Deterministic(true))
	if err != nil {
		return err
	}
	theirs, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.WriteFile(path, mine, 0o666)
	case err != nil:
		return err
	case string(theirs) != string(mine):
		return usage("%s holds parts of another export: remove it, or choose another file", x.dir)
	}
	return nil
}

// all reads, sorts and merges. It reports whether damaged streams were left out.
func (x *exporter) all(ctx context.Context, open func(write func(io.Writer) error) error) (damaged bool, err error) {
	info, err := x.reachable(ctx)
	if err != nil {
		return false, err
	}
	begin := time.Now()
	bar := x.progress("reading", "commits", info.Items)
	err = inParallel(ctx, x.Segments, x.parallel, func(ctx context.Context, segment int) error {
		return x.part(ctx, segment, bar)
	})
	bar.end()
	if err != nil {
		return false, err
	}
	runs, err := filepath.Glob(filepath.Join(x.dir, "*.run"))
	if err != nil {
		return false, err
	}
	bar = x.progress("writing", "commits", info.Items)
	w := &lineWriter{session: x.session, bar: bar}
	err = open(func(to io.Writer) error {
		return mergeRuns(ctx, x.dir, runs, openRuns, func(r record) error { return w.write(to, r) })
	})
	bar.end()
	if err != nil {
		return false, err
	}
	took := time.Since(begin)
	x.noteDamaged(w.damaged, "the export leaves them out")
	x.summary(copySummary{Commits: w.commits, Events: w.events, Seconds: took.Seconds(), Damaged: w.damaged},
		fmt.Sprintf("exported %s in %d commits", rate(w.events, "events", took), w.commits))
	return w.damaged.Count > 0, nil
}

// part reads one part of the table into sorted runs. A part that was read whole
// has a file that says so.
func (x *exporter) part(ctx context.Context, segment int, bar *progress) error {
	name := filepath.Join(x.dir, fmt.Sprintf("part-%07d", segment))
	if _, err := os.Stat(name + ".done"); err == nil {
		return nil
	}
	old, err := filepath.Glob(name + "-*.run")
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	s := &runWriter{name: name, limit: max(1<<10, x.memory/x.parallel)}
	w := walk{store: x.store, bar: bar}
	w.commit = func(c *events.Commit) error {
		if !x.wants(c.Stream) {
			return nil
		}
		line, err := encodeLine(c)
		if err != nil {
			return err
		}
		return s.add(record{stream: string(c.Stream), number: c.Number, events: int64(len(c.Events)), line: line})
	}
	w.damaged = func(d events.Damage) error {
		if !x.wants(d.Stream) {
			return nil
		}
		line, err := json.Marshal(d)
		if err != nil {
			return err
		}
		return s.add(record{stream: string(d.Stream), number: damageRecord, line: line})
	}
	if err := w.segment(ctx, segment, x.Segments); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	return os.WriteFile(name+".done", nil, 0o666)
}

func (x *exporter) wants(stream events.Stream) bool {
	return (x.Tenant == "" || x.Tenant == stream.Tenant()) && (len(x.Aggregates) == 0 || slices.Contains(x.Aggregates, stream.Aggregate()))
}

// damageRecord is the number of the record that says that a stream is damaged: it sorts
// before the stream's commits.
const damageRecord = 0

// lineWriter writes lines in their order, but for those of damaged streams.
type lineWriter struct {
	*session
	bar             *progress
	stream          string
	number          int64
	lost            string // the damaged stream
	damaged         events.Damages
	commits, events int64
}

func (w *lineWriter) write(to io.Writer, r record) error {
	if r.number == damageRecord {
		var d events.Damage
		if err := json.Unmarshal(r.line, &d); err != nil {
			return err
		}
		w.lost = r.stream
		w.damaged.Add(d)
		return nil
	}
	w.bar.add(1)
	if r.stream == w.lost {
		return nil
	}
	if r.stream != w.stream {
		w.stream, w.number = r.stream, 0
	}
	if r.number != w.number+1 { // another program has read it
		return fmt.Errorf("what was read of %s lacks commit %d: remove the directory", r.stream, w.number+1)
	}
	w.number, w.commits, w.events = r.number, w.commits+1, w.events+r.events
	_, err := to.Write(r.line)
	return err
}

// writeWhole writes a file that appears when it is whole.
func writeWhole(path string, write func(io.Writer) error) error {
	if strings.HasSuffix(path, string(filepath.Separator)) {
		return usage("-o %s is a directory", path)
	}
	next := path + ".new"
	f, err := os.Create(next)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(next, path)
}
