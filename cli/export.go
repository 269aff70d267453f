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
			"They are sorted on disk, in FILE.parts, from which the same command goes on after a stop.",
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
		return x.all(ctx, func(write func(io.Writer) error) error { return write(a.stdout) })
	}
	x.dir = path + ".parts"
	if err := x.resume(); err != nil {
		return err
	}
	err = x.all(ctx, func(write func(io.Writer) error) error { return writeWhole(path, write) })
	if err != nil {
		return fmt.Errorf("%w; run the same command again to resume from %s", err, x.dir)
	}
	return os.RemoveAll(x.dir)
}

// copySummary is the last line of an export or an import.
type copySummary struct {
	Commits int64         `json:"commits"`
	Events  int64         `json:"events"`
	Seconds float64       `json:"seconds"`
	Unknown []unknownLine `json:"unknown,omitempty"` // events that this program does not declare
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

// all reads, sorts and merges.
func (x *exporter) all(ctx context.Context, open func(write func(io.Writer) error) error) error {
	info, err := x.reachable(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	bar := x.progress("reading", "commits", info.Items)
	err = inParallel(ctx, x.Segments, x.parallel, func(ctx context.Context, segment int) error {
		return x.part(ctx, segment, bar)
	})
	bar.end()
	if err != nil {
		return err
	}
	runs, err := filepath.Glob(filepath.Join(x.dir, "*.run"))
	if err != nil {
		return err
	}
	bar = x.progress("writing", "commits", info.Items)
	w := &lineWriter{session: x.session, bar: bar}
	err = open(func(to io.Writer) error {
		return mergeRuns(ctx, x.dir, runs, openRuns, func(r record) error { return w.write(ctx, to, r) })
	})
	bar.end()
	if err == nil {
		took := time.Since(begin)
		x.summary(copySummary{Commits: w.commits, Events: w.events, Seconds: took.Seconds()}, fmt.Sprintf("exported %s in %d commits", rate(w.events, "events", took), w.commits))
	}
	return err
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
	for page, err := range events.Pages(ctx, x.store.Scan, segment, x.Segments) {
		if err != nil {
			return err
		}
		bar.add(int64(len(page)))
		for i := range page {
			if !x.wants(page[i].Stream) {
				continue
			}
			line, err := encodeLine(&page[i])
			if err != nil {
				return err
			}
			r := record{stream: string(page[i].Stream), number: page[i].Number, events: int64(len(page[i].Events)), line: line}
			if err := s.add(r); err != nil {
				return err
			}
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	return os.WriteFile(name+".done", nil, 0o666)
}

func (x *exporter) wants(stream events.Stream) bool {
	return (x.Tenant == "" || x.Tenant == stream.Tenant()) && (len(x.Aggregates) == 0 || slices.Contains(x.Aggregates, stream.Aggregate()))
}

// lineWriter writes lines in their order and sees to it that no stream has a
// gap: a commit that the scan passed by is read.
type lineWriter struct {
	*session
	bar             *progress
	stream          string
	number          int64
	commits, events int64
}

func (w *lineWriter) write(ctx context.Context, to io.Writer, r record) error {
	if r.stream != w.stream {
		w.stream, w.number = r.stream, 0
	}
	if missing := r.number - w.number - 1; missing > 0 {
		page, err := w.store.Read(ctx, events.Stream(r.stream), w.number+1, int(missing))
		if err != nil {
			return err
		}
		for i := range page {
			line, err := encodeLine(&page[i])
			if err != nil {
				return err
			}
			if err := w.put(to, line, page[i].Number, int64(len(page[i].Events))); err != nil {
				return err
			}
		}
	}
	return w.put(to, r.line, r.number, r.events)
}

func (w *lineWriter) put(to io.Writer, line []byte, number, events int64) error {
	w.number, w.commits, w.events = number, w.commits+1, w.events+events
	w.bar.add(1)
	_, err := to.Write(line)
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
