package cli

import (
	"cmp"
	"context"
	"encoding/json/jsontext"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"uuid"

	"github.com/urfave/cli/v3"

	"daybook/aggregate"
	"daybook/events"
	"daybook/internal/sleep"
	"daybook/personal"
	"daybook/view/admin"
)

func eraseCommand(a *app) *cli.Command {
	return &cli.Command{
		Name:      "erase",
		Usage:     "erase a person: delete the key of everything personal that is stored of a stream",
		ArgsUsage: "AGGREGATE/ID",
		Description: "Sends the aggregate's command that erases, if it has one; deletes the data key, which makes\n" +
			"every stored personal value of the person unreadable at once, in backups too; waits until no\n" +
			"function holds the key; and remakes the rows of the person's streams. It can't be undone. Run it\n" +
			"again after an interruption. docs/privacy.md says what remains.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what would be erased"},
			&cli.BoolFlag{Name: "yes", Usage: "don't ask"},
			&cli.StringFlag{Name: "actor", Usage: "`NAME` to store as the actor of the command"},
			&cli.StringFlag{Name: "values", Usage: "add the person's values to `FILE`, for verify -privacy; it is readable, so delete it then"},
			&cli.DurationFlag{Name: "wait", Value: personal.ErasedAfter, Usage: "how long functions may still hold the key"},
			&cli.IntFlag{Name: "segments", Value: 64, Usage: "read the events table in `N` parts"},
			&cli.IntFlag{Name: "parallel", Value: 8, Usage: "read `N` parts at the same time"},
		},
		Action: a.erase,
	}
}

// erasedLine is the result of an erasure.
type erasedLine struct {
	Subject string          `json:"subject"`
	Key     string          `json:"key,omitzero"` // that was deleted, or would be; none: it was erased before
	Command string          `json:"command,omitzero"`
	Streams []events.Stream `json:"streams"` // that hold values of the person
	Commits int64           `json:"commits"`
	Rows    int             `json:"rows"` // made again
	Rebuild []string        `json:"rebuild,omitempty"`
	DryRun  bool            `json:"dryRun,omitzero"`
}

func (a *app) erase(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("erase takes one stream: AGGREGATE/ID")
	}
	subject, err := a.stream(c, c.Args().First())
	if err != nil {
		return err
	}
	if err := checkParallel(c.Int("parallel")); err != nil {
		return err
	}
	if c.Duration("wait") < 0 || c.Int("segments") < 1 || c.Int("segments") > 1_000_000 {
		return usage("-segments must be from 1 to 1,000,000, and -wait not negative")
	}
	s, err := a.open(ctx, c)
	if err != nil {
		return err
	}
	if s.sealing.Sealer == nil {
		return usage("%s marks no personal values: see docs/privacy.md", a.of.Name)
	}
	if err := s.pin(ctx, c); err != nil {
		return err
	}
	e := &eraser{session: s, subject: subject, line: erasedLine{Subject: string(subject), DryRun: c.Bool("dry-run")}}
	if err := e.find(ctx, c.Int("segments"), c.Int("parallel")); err != nil {
		return err
	}
	if err := e.checkStored(ctx); err != nil {
		return err
	}
	if path := c.String("values"); path != "" {
		if err := e.writeValues(ctx, path); err != nil {
			return err
		}
	}
	if !e.line.DryRun {
		if err := s.confirm(c, fmt.Sprintf("This can't be undone. Erase %s in %d streams?", subject, len(e.line.Streams))); err != nil {
			return err
		}
		if err := e.run(ctx, c.String("actor"), c.Duration("wait")); err != nil {
			return err
		}
	}
	e.report()
	return s.out.err
}

// eraser is one erasure.
type eraser struct {
	*session
	subject events.Stream
	line    erasedLine
}

// find looks for the person's key, and for the streams that hold values of the person.
func (e *eraser) find(ctx context.Context, segments, parallel int) (err error) {
	info, err := e.reachable(ctx)
	if err != nil {
		return err
	}
	if e.line.Key, err = e.sealing.Ring().Key(ctx, string(e.subject)); err != nil {
		return err
	}
	bar := e.progress("looking for values", "commits", info.Items)
	defer bar.end()
	var mu sync.Mutex
	streams := map[events.Stream]bool{}
	err = e.parallelScan(ctx, segments, parallel, func(page []events.Commit) error {
		bar.add(int64(len(page)))
		for i := range page {
			holds, err := holdsValues(&page[i], e.subject)
			if err != nil {
				return err
			}
			if holds {
				mu.Lock()
				streams[page[i].Stream] = true
				e.line.Commits++
				mu.Unlock()
			}
		}
		return nil
	})
	for stream := range streams {
		e.line.Streams = append(e.line.Streams, stream)
	}
	slices.Sort(e.line.Streams)
	for _, d := range e.of.Commands() {
		if d.Erases && d.Aggregate == e.subject.Aggregate() {
			e.line.Command = d.Name
		}
	}
	return err
}

// checkStored fails where nothing is stored of the subject: a misspelt name would be
// reported as erased.
func (e *eraser) checkStored(ctx context.Context) error {
	if e.line.Key != "" || len(e.line.Streams) > 0 {
		return nil
	}
	started, err := e.store.Started(ctx, []events.Stream{e.subject})
	if err != nil || started[0] {
		return err
	}
	names := namesOf(e.of.Aggregates, aggregate.Aggregate.Name)
	if name := e.subject.Aggregate(); !slices.Contains(names, name) {
		return unknown("aggregate", name, names)
	}
	return events.Errorf(events.CodeNotFound, "nothing is stored of %s: it has no event and no key, and no commit holds values of it", e.subject)
}

// saidIn is what a commit says: the data of its events, and the payloads that it keeps.
func saidIn(c *events.Commit) (all []jsontext.Value) {
	for _, event := range c.Events {
		all = append(all, event.Data)
	}
	for _, command := range c.Commands {
		if command.Kept != nil && len(command.Kept.Payload) > 0 {
			all = append(all, command.Kept.Payload)
		}
	}
	return all
}

// holdsValues reports whether a commit holds sealed values of the subject.
func holdsValues(c *events.Commit, subject events.Stream) (bool, error) {
	place := personal.Place{Subject: string(c.Stream)}
	for _, data := range saidIn(c) {
		subjects, err := personal.Subjects(data, place)
		if err != nil || slices.Contains(subjects, string(subject)) {
			return err == nil, err
		}
	}
	return false, nil
}

// run erases.
func (e *eraser) run(ctx context.Context, actor string, held time.Duration) error {
	if err := e.sendErasing(ctx, actor); err != nil {
		return err
	}
	deleted, err := e.sealing.Ring().Delete(ctx, string(e.subject))
	if err != nil {
		return err
	}
	if deleted {
		e.note("the key of %s was deleted; waiting %v until no function holds it", e.subject, held)
	} else {
		e.note("%s had no key: it was erased before, or nothing was stored", e.subject)
	}
	if err := sleep.For(ctx, held); err != nil {
		return fmt.Errorf("the key is deleted, but rows may still hold copies; run the same command again: %w", err)
	}
	return e.remake(ctx)
}

// sendErasing sends the aggregate's command that erases, to a stream that exists.
func (e *eraser) sendErasing(ctx context.Context, actor string) error {
	if e.line.Command == "" {
		return nil
	}
	started, err := e.store.Started(ctx, []events.Stream{e.subject})
	if err != nil || !started[0] {
		return err
	}
	handler, err := e.handler()
	if err != nil {
		return err
	}
	_, err = handler.Handle(ctx, aggregate.Command{Name: e.line.Command, ID: e.subject.ID(), Tenant: e.subject.Tenant(), CommandID: uuid.New().String(), Actor: actor})
	if err != nil {
		return fmt.Errorf("command %s failed, so nothing was erased: %w", e.line.Command, err)
	}
	return nil
}

// remake makes the rows of the person's streams again, in every table of every view.
func (e *eraser) remake(ctx context.Context) error {
	streams := e.line.Streams
	if !slices.Contains(streams, e.subject) {
		streams = append(slices.Clone(streams), e.subject)
	}
	done, err := admin.Remake(ctx, e.folded, e.codec, e.admin, e.declared, streams)
	e.line.Rows, e.line.Rebuild = done.Rows, done.Keyed
	if err != nil {
		return fmt.Errorf("the key is deleted, but some rows may still hold copies; run the same command again: %w", err)
	}
	return nil
}

// writeValues adds the values of the person that can be read to a file, one per line. What
// an interrupted erasure has written there stays: it can't be read again.
func (e *eraser) writeValues(ctx context.Context, path string) error {
	values, err := e.readable(ctx, e.subject, e.line.Streams)
	if err != nil {
		return err
	}
	if len(values) == 0 {
		e.note("no value of %s can be read: %s stays as it is", e.subject, path)
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		written, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		values = append(values, strings.FieldsFunc(string(written), func(c rune) bool { return c == '\n' })...)
		slices.Sort(values)
		values = slices.Compact(values)
	}
	return os.WriteFile(path, []byte(strings.Join(values, "\n")+"\n"), 0o600)
}

// readable returns the texts of a person's values in streams, sorted, each once.
func (s *session) readable(ctx context.Context, subject events.Stream, streams []events.Stream) ([]string, error) {
	const page = 100
	var all []string
	for _, stream := range streams {
		for from := int64(1); ; from += page {
			cs, err := s.folded.Read(ctx, stream, from, page)
			if err != nil {
				return nil, err
			}
			for _, c := range cs {
				for _, data := range saidIn(&c) {
					values, err := personal.Values(data, string(subject))
					if err != nil {
						return nil, err
					}
					for _, v := range values {
						all = append(all, textsOf(v)...)
					}
				}
			}
			if len(cs) < page {
				break
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (e *eraser) report() {
	state := "erased"
	if e.line.DryRun {
		state = "would be erased"
	}
	table := e.out.table("SUBJECT", "STATE", "KEY", "STREAMS", "COMMITS", "ROWS", "COMMAND")
	table.row(e.line, e.line.Subject, state, cmp.Or(e.line.Key, "-"), len(e.line.Streams), e.line.Commits, e.line.Rows, cmp.Or(e.line.Command, "-"))
	table.flush()
	if len(e.line.Rebuild) > 0 {
		e.note("%s: rows that several streams feed may still depend on erased values, if a Take uses personal values: run %s rebuild for each, switch, and drop the table before",
			strings.Join(e.line.Rebuild, ", "), e.of.Name)
	}
}
