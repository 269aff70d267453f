package cli

import (
	"bytes"
	"context"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/events"
	"daybook/view"
	"daybook/view/projection"
)

func showCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "show a stream: its events, its state at a version or a time, or what changed",
		ArgsUsage: "AGGREGATE/ID",
		Description: "-at and -diff fold the stream's events: they show the aggregate's state and the rows\n" +
			"of the views that have one row a stream, as they were, whatever the tables hold now.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "at", Usage: "the state at a `VERSION` or TIME (2006-01-02T15:04:05Z)"},
			&cli.StringFlag{Name: "diff", Usage: "what differs between two versions, `A..B`; A.. is to the newest, 0 is before the first"},
			&cli.Int64Flag{Name: "from", Value: 1, Usage: "events from `VERSION` on"},
			&cli.IntFlag{Name: "limit", Value: 1000, Usage: "`N` events at most"},
		},
		ShellComplete: completes(func() []string {
			var words []string
			for _, name := range a.aggregateNames() {
				words = append(words, name+"/")
			}
			return words
		}),
		Action: func(ctx context.Context, c *cli.Command) error { return a.show(ctx, c) },
	}
}

func (a *app) show(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("show takes one stream, such as user/7")
	}
	if c.String("at") != "" && c.String("diff") != "" {
		return usage("-at and -diff exclude one another")
	}
	stream, err := events.ParseStream(c.Args().First())
	if err != nil {
		return usage("%q is not the name of a stream: write AGGREGATE/ID", c.Args().First())
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	of, err := s.aggregate(stream.Aggregate())
	if err != nil {
		return err
	}
	p := &past{session: s, stream: stream, of: of}
	switch {
	case c.String("at") != "":
		return p.showAt(ctx, c.String("at"))
	case c.String("diff") != "":
		return p.showDiff(ctx, c.String("diff"))
	}
	return s.showEvents(ctx, stream, c.Int64("from"), c.Int("limit"))
}

// eventLine is an event of a stream as show and tail write it.
type eventLine struct {
	Stream      events.Stream  `json:"stream"`
	Version     int64          `json:"version"`
	Commit      int64          `json:"commit"`
	Time        time.Time      `json:"time"`
	Name        string         `json:"name"`
	Schema      int            `json:"schema"`
	Actor       string         `json:"actor,omitzero"`
	CommandID   string         `json:"commandId,omitzero"`
	Correlation string         `json:"correlation,omitzero"`
	Causation   string         `json:"causation,omitzero"`
	Data        jsontext.Value `json:"data"`
}

// linesOf are the events of a commit.
func linesOf(c *events.Commit) []eventLine {
	lines := make([]eventLine, len(c.Events))
	for i, e := range c.Events {
		l := eventLine{
			Stream: c.Stream, Version: c.First() + int64(i), Commit: c.Number, Time: c.Time, Name: e.Name, Schema: e.Schema,
			Actor: c.Actor, Correlation: c.Correlation, Causation: c.Causation, Data: e.Data,
		}
		for _, command := range c.Commands {
			if command.Version >= l.Version {
				l.CommandID = command.ID
				break
			}
		}
		lines[i] = l
	}
	return lines
}

// readPage is how many commits are read at once.
const readPage = 100

// eachCommit hands the commits of a stream to f, oldest first, until f says no.
func (s *session) eachCommit(ctx context.Context, stream events.Stream, f func(*events.Commit) (more bool)) error {
	for from := int64(1); ; {
		page, err := s.store.Read(ctx, stream, from, readPage)
		if err != nil {
			return err
		}
		if len(page) == 0 && from == 1 {
			return events.Errorf(events.CodeNotFound, "there is no stream %s in %s", stream, s.eventsTable())
		}
		for i := range page {
			if !f(&page[i]) {
				return nil
			}
		}
		if len(page) < readPage {
			return nil
		}
		from += int64(len(page))
	}
}

func (s *session) showEvents(ctx context.Context, stream events.Stream, from int64, limit int) error {
	if from < 1 || limit < 1 {
		return usage("-from and -limit are at least 1")
	}
	t := s.out.table("VERSION", "COMMIT", "TIME", "EVENT", "ACTOR", "COMMAND ID", "DATA")
	more := int64(0)
	err := s.eachCommit(ctx, stream, func(c *events.Commit) bool {
		for _, l := range linesOf(c) {
			if l.Version < from {
				continue
			}
			if limit--; limit < 0 {
				more = l.Version
				return false
			}
			t.row(l, l.Version, l.Commit, l.Time, l.Name, l.Actor, l.CommandID, l.Data)
		}
		return true
	})
	if err == nil {
		t.end(fmt.Sprintf("no events from version %d on", from))
	}
	if err == nil && more > 0 && s.out.terminal {
		s.out.printf("… go on with -from %d\n", more)
	}
	if err == nil {
		err = s.out.err
	}
	return err
}

// past folds a stream up to where somebody wants to see it.
type past struct {
	*session
	stream events.Stream
	of     aggregate.Aggregate
}

// snapshot is what a stream came to at a version.
type moment struct {
	Stream  events.Stream             `json:"stream"`
	Version int64                     `json:"version"`
	Time    time.Time                 `json:"time,omitzero"` // of the last event within
	State   jsontext.Value            `json:"state,omitzero"`
	Rows    map[string]jsontext.Value `json:"rows"` // by view; null for a row that is hidden or not there yet
}

// until reads the stream as far as keep says: how many events of a commit stay.
func (p *past) until(ctx context.Context, keep func(*events.Commit) int) ([]events.Commit, error) {
	var commits []events.Commit
	err := p.eachCommit(ctx, p.stream, func(c *events.Commit) bool {
		n := keep(c)
		if n == 0 {
			return false
		}
		whole := n == len(c.Events)
		c.Version, c.Events = c.First()+int64(n)-1, c.Events[:n]
		commits = append(commits, *c)
		return whole
	})
	return commits, err
}

func upToVersion(version int64) func(*events.Commit) int {
	return func(c *events.Commit) int {
		return int(min(int64(len(c.Events)), max(0, version-c.First()+1)))
	}
}

func upToTime(t time.Time) func(*events.Commit) int {
	return func(c *events.Commit) int {
		if c.Time.After(t) {
			return 0
		}
		return len(c.Events)
	}
}

// moment folds commits; none is the state before the first.
func (p *past) moment(commits []events.Commit) (moment, error) {
	m := moment{Stream: p.stream, Rows: map[string]jsontext.Value{}}
	var es []events.Event
	for _, c := range commits {
		es = append(es, c.Events...)
		m.Version, m.Time = c.Version, c.Time
	}
	var err error
	if m.State, err = aggregate.Fold(p.of, es); err != nil {
		return m, err
	}
	for _, v := range p.views {
		d := v.Describe()
		if d.Kind != view.KindRows || !slices.Contains(d.Aggregates, p.of.Name()) {
			continue
		}
		m.Rows[d.Name] = jsontext.Value("null")
		if len(commits) == 0 {
			continue
		}
		fold, err := projection.NewFold(v, p.codec)
		if err != nil {
			return m, err
		}
		if err := fold.Add(commits); err != nil {
			return m, err
		}
		if row, ok, err := fold.Row(p.stream.ID()); err != nil {
			return m, err
		} else if ok {
			m.Rows[d.Name] = row.JSON
		}
	}
	return m, nil
}

// showAt shows the stream at a version or a time.
func (p *past) showAt(ctx context.Context, at string) error {
	keep, version, err := parseAt(at)
	if err != nil {
		return err
	}
	commits, err := p.until(ctx, keep)
	if err != nil {
		return err
	}
	m, err := p.moment(commits)
	if err != nil {
		return err
	}
	if version > m.Version {
		return events.Errorf(events.CodeNotFound, "%s is at version %d", p.stream, m.Version)
	}
	if p.out.json {
		p.out.value(m)
		return p.out.err
	}
	p.out.printf("%s\tversion %d\t%s\n", m.Stream, m.Version, cell(m.Time))
	p.out.printf("state\t%s\n", cell(m.State))
	for _, name := range slices.Sorted(maps.Keys(m.Rows)) {
		p.out.printf("%s\t%s\n", name, cell(m.Rows[name]))
	}
	return p.out.err
}

// parseAt reads a version or a time; version is 0 for a time.
func parseAt(at string) (keep func(*events.Commit) int, version int64, err error) {
	if version, err := strconv.ParseInt(at, 10, 64); err == nil && version >= 0 {
		return upToVersion(version), version, nil
	}
	t, err := parseTime(at)
	if err != nil {
		return nil, 0, usage("-at %s: it is a version or a time such as 2006-01-02T15:04:05Z", at)
	}
	return upToTime(t), 0, nil
}

func parseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, s) }

// difference is one thing that changed between two versions.
type difference struct {
	Of     string         `json:"of"`    // "state", or the name of a view
	Field  string         `json:"field"` // "" for a row that came or went
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`
}

// showDiff shows what changed between two versions.
func (p *past) showDiff(ctx context.Context, span string) error {
	first, last, ok := strings.Cut(span, "..")
	from, err := strconv.ParseInt(first, 10, 64)
	to := int64(1<<62 - 1)
	if err == nil && last != "" {
		to, err = strconv.ParseInt(last, 10, 64)
	}
	if !ok || err != nil || from < 0 || to < from {
		return usage("-diff %s: it is two versions such as 2..5, the first not above the second", span)
	}
	commits, err := p.until(ctx, upToVersion(to))
	if err != nil {
		return err
	}
	after, err := p.moment(commits)
	if err != nil {
		return err
	}
	if last != "" && to > after.Version || from > after.Version {
		return events.Errorf(events.CodeNotFound, "%s is at version %d", p.stream, after.Version)
	}
	before, err := p.moment(cut(commits, from))
	if err != nil {
		return err
	}
	t := p.out.table("OF", "FIELD", "BEFORE", "AFTER")
	for _, d := range compare(before, after) {
		t.row(d, d.Of, d.Field, d.Before, d.After)
	}
	t.end("nothing changed")
	return p.out.err
}

// cut returns the commits up to a version.
func cut(commits []events.Commit, version int64) []events.Commit {
	var kept []events.Commit
	for _, c := range commits {
		n := upToVersion(version)(&c)
		if n == 0 {
			break
		}
		c.Version, c.Events = c.First()+int64(n)-1, c.Events[:n]
		kept = append(kept, c)
	}
	return kept
}

// compare lists what differs between two moments, sorted.
func compare(before, after moment) []difference {
	all := compareObjects("state", before.State, after.State)
	for _, name := range slices.Sorted(maps.Keys(after.Rows)) {
		all = append(all, compareObjects(name, before.Rows[name], after.Rows[name])...)
	}
	return all
}

func compareObjects(of string, before, after jsontext.Value) []difference {
	if bytes.Equal(before, after) {
		return nil
	}
	var a, b map[string]jsontext.Value
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil || a == nil || b == nil {
		return []difference{{Of: of, Before: before, After: after}}
	}
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	var all []difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !bytes.Equal(a[name], b[name]) {
			all = append(all, difference{Of: of, Field: name, Before: a[name], After: b[name]})
		}
	}
	return all
}
