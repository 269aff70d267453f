package eventstest

import (
	"bytes"
	"context"
	"encoding/json/v2"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"daybook/events"
)

// broken is a Store that breaks one rule: where a function is set, it stands in
// for the method.
type broken struct {
	events.Store
	load    func(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error)
	append  func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error)
	read    func(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error)
	commits func(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error)
	started func(ctx context.Context, streams []events.Stream) ([]bool, error)
	scan    func(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, string, error)

	appendAll func(ctx context.Context, as []events.Append) ([]events.Commit, error)
	spent     func(ctx context.Context, now time.Time, tenant string, ids []string) ([]*events.Spent, error)
	holders   func(ctx context.Context, keys []string) ([]events.Held, error)
	scanHeld  func(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error)
}

func (b *broken) Load(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
	if b.load != nil {
		return b.load(ctx, stream, snapshot)
	}
	return b.Store.Load(ctx, stream, snapshot)
}

func (b *broken) Append(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
	if b.append != nil {
		return b.append(ctx, at, c)
	}
	return b.Store.Append(ctx, at, c)
}

func (b *broken) Read(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
	if b.read != nil {
		return b.read(ctx, stream, from, limit)
	}
	return b.Store.Read(ctx, stream, from, limit)
}

func (b *broken) Commits(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
	if b.commits != nil {
		return b.commits(ctx, stream, numbers)
	}
	return b.Store.Commits(ctx, stream, numbers)
}

func (b *broken) Started(ctx context.Context, streams []events.Stream) ([]bool, error) {
	if b.started != nil {
		return b.started(ctx, streams)
	}
	return b.Store.Started(ctx, streams)
}

func (b *broken) Scan(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
	if b.scan != nil {
		return b.scan(ctx, segment, segments, cursor)
	}
	return b.Store.Scan(ctx, segment, segments, cursor)
}

func (b *broken) AppendAll(ctx context.Context, as []events.Append) ([]events.Commit, error) {
	if b.appendAll != nil {
		return b.appendAll(ctx, as)
	}
	return b.Store.AppendAll(ctx, as)
}

func (b *broken) Spent(ctx context.Context, now time.Time, tenant string, ids []string) ([]*events.Spent, error) {
	if b.spent != nil {
		return b.spent(ctx, now, tenant, ids)
	}
	return b.Store.Spent(ctx, now, tenant, ids)
}

func (b *broken) Holders(ctx context.Context, keys []string) ([]events.Held, error) {
	if b.holders != nil {
		return b.holders(ctx, keys)
	}
	return b.Store.Holders(ctx, keys)
}

func (b *broken) ScanHeld(ctx context.Context, segment, segments int, cursor string) ([]events.Held, string, error) {
	if b.scanHeld != nil {
		return b.scanHeld(ctx, segment, segments, cursor)
	}
	return b.Store.ScanHeld(ctx, segment, segments, cursor)
}

// fault is a way to break a store, and the rule that must notice.
type fault struct {
	name, rule string
	plant      func(b *broken, m *Memory)
}

func TestSuiteNotices(t *testing.T) {
	t.Parallel()
	checks := map[string]func(context.Context, events.Store) error{}
	for _, r := range rules() {
		checks[r.name] = r.check
	}
	noticed := map[string]bool{}
	for _, f := range slices.Concat(appendFaults(), fieldFaults(), readFaults(), scanFaults(), claimFaults(), onceFaults(), severalFaults()) {
		check, ok := checks[f.rule]
		if !ok {
			t.Fatalf("%s: there is no rule %q", f.name, f.rule)
		}
		noticed[f.rule] = true
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			m := new(Memory)
			b := &broken{Store: m}
			f.plant(b, m)
			if err := check(t.Context(), b); err == nil {
				t.Errorf("rule %q passes", f.rule)
			}
		})
	}
	for name := range checks {
		if !noticed[name] {
			t.Errorf("no fault shows that rule %q can fail", name)
		}
	}
}

func appendFaults() []fault {
	// onConflict replaces the answer of an append whose position is taken.
	onConflict := func(answer func(m *Memory, at events.Position, c, winner events.Commit) (events.Commit, error)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				got, err := m.Append(ctx, at, c)
				if w, ok := events.WinnerOf(err); ok {
					return answer(m, at, c, *w)
				}
				return got, err
			}
		}
	}
	// before changes what is appended.
	before := func(change func(c *events.Commit)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				c.Events = slices.Clone(c.Events)
				change(&c)
				return m.Append(ctx, at, c)
			}
		}
	}
	return []fault{
		{"a loser is told it won", "one winner", onConflict(func(_ *Memory, _ events.Position, c, w events.Commit) (events.Commit, error) {
			c.Stream, c.Number, c.Version = w.Stream, w.Number, w.Version
			return c, nil
		})},
		{"losers get another code", "one winner", onConflict(func(*Memory, events.Position, events.Commit, events.Commit) (events.Commit, error) {
			return events.Commit{}, events.Errorf(events.CodeBusy, "busy")
		})},
		{"nobody wins", "one winner", func(b *broken, _ *Memory) {
			b.append = func(_ context.Context, at events.Position, _ events.Commit) (events.Commit, error) {
				return events.Commit{}, events.Conflict(events.Commit{Stream: at.Stream()})
			}
		}},
		{"a conflict says nothing of the winner", "a conflict hands over the winner", onConflict(func(*Memory, events.Position, events.Commit, events.Commit) (events.Commit, error) {
			return events.Commit{}, events.Errorf(events.CodeConflict, "taken")
		})},
		{"the winner lacks its snapshot", "a conflict hands over the winner", onConflict(func(_ *Memory, _ events.Position, _, w events.Commit) (events.Commit, error) {
			w.Snapshot = nil
			return events.Commit{}, events.Conflict(w)
		})},
		{"the newest commit counts as the winner", "a conflict hands over the winner", onConflict(func(m *Memory, at events.Position, _, _ events.Commit) (events.Commit, error) {
			all, _ := m.Load(context.Background(), at.Stream(), 0)
			return events.Commit{}, events.Conflict(all[len(all)-1])
		})},
		{"only some events are stored", "atomic append", before(func(c *events.Commit) { c.Events = c.Events[:len(c.Events)/2+1] })},
		{"a commit for each event", "atomic append", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				var last events.Commit
				for i := range c.Events {
					one := c
					one.ID, one.Events = c.ID+strconv.Itoa(i), c.Events[i:i+1]
					var err error
					if last, err = m.Append(ctx, at, one); err != nil {
						return last, err
					}
					at = events.After(&last)
				}
				last.Events = c.Events
				return last, nil
			}
		}},
		{"the commit decides where it goes", "the position decides", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				if c.Stream != "" {
					at = events.Start(c.Stream)
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"an own lost answer is a conflict", "own lost answer", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				if there, _ := m.Read(ctx, at.Stream(), at.Number()+1, 1); len(there) > 0 {
					return events.Commit{}, events.Conflict(there[0])
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"an own lost answer is written again", "own lost answer", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				there, _ := m.Read(ctx, at.Stream(), at.Number()+1, 1)
				if len(there) > 0 && there[0].ID == c.ID {
					at = events.After(&there[0])
					c.ID += "'"
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"what is over the limit is stored cut", "size limit", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				got, err := m.Append(ctx, at, c)
				if events.CodeOf(err) == events.CodeTooLarge {
					c.Events = []events.Event{{Name: "cut", Schema: 1, Data: []byte(`{}`)}}
					if _, err := m.Append(ctx, at, c); err != nil {
						return got, err
					}
				}
				return got, err
			}
		}},
		{"too large has another code", "size limit", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				got, err := m.Append(ctx, at, c)
				if events.CodeOf(err) == events.CodeTooLarge {
					return got, events.Errorf(events.CodeInternal, "refused")
				}
				return got, err
			}
		}},
		{"half the limit is over it", "size limit", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				if len(c.Events[0].Data) > events.MaxCommitSize/2 {
					return events.Commit{}, events.Errorf(events.CodeTooLarge, "too large")
				}
				return m.Append(ctx, at, c)
			}
		}},
		{"a context is not looked at", "a context that ended", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				return m.Append(context.WithoutCancel(ctx), at, c)
			}
		}},
		{"an expired context is another code", "a context that ended", func(b *broken, m *Memory) {
			b.read = func(ctx context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
				if errors.Is(ctx.Err(), context.DeadlineExceeded) {
					return nil, events.Errorf(events.CodeUnavailable, "timed out")
				}
				return m.Read(ctx, stream, from, limit)
			}
		}},
		{"a cancelled append writes", "a context that ended", func(b *broken, m *Memory) {
			b.append = func(ctx context.Context, at events.Position, c events.Commit) (events.Commit, error) {
				got, err := m.Append(context.WithoutCancel(ctx), at, c)
				if ctx.Err() != nil {
					return events.Commit{}, events.Wrap(events.CodeCanceled, ctx.Err(), "given up")
				}
				return got, err
			}
		}},
	}
}

// changed plants a change into every commit that Load returns and Append is
// given back.
func changed(change func(c *events.Commit)) func(*broken, *Memory) {
	return func(b *broken, m *Memory) {
		b.load = func(ctx context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
			cs, err := m.Load(ctx, stream, snapshot)
			for i := range cs {
				cs[i].Events = slices.Clone(cs[i].Events)
				if s := cs[i].Snapshot; s != nil {
					cs[i].Snapshot = &events.Snapshot{Schema: s.Schema, State: s.State, Commands: s.Commands}
				}
				change(&cs[i])
			}
			return cs, err
		}
	}
}

func fieldFaults() []fault {
	const rule = "every field comes back"
	data := func(change func(data []byte) []byte) func(c *events.Commit) {
		return func(c *events.Commit) {
			for i := range c.Events {
				c.Events[i].Data = change(c.Events[i].Data)
			}
		}
	}
	return []fault{
		{"numbers become float64", rule, changed(data(func(b []byte) []byte {
			var v any
			if json.Unmarshal(b, &v) != nil {
				return b
			}
			out, err := json.Marshal(v, json.Deterministic(true))
			if err != nil {
				return b
			}
			return out
		}))},
		{"control characters go", rule, changed(data(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`\u0000`), nil) }))},
		{"the actor goes", rule, changed(func(c *events.Commit) { c.Actor = "" })},
		{"correlation is the first command", rule, changed(func(c *events.Commit) { c.Correlation = c.Commands[0].ID })},
		{"causation is the first command", rule, changed(func(c *events.Commit) { c.Causation = c.Commands[0].ID })},
		{"ids become lower case", rule, changed(func(c *events.Commit) { c.ID = strings.ToLower(c.ID) })},
		{"claims go", rule, changed(func(c *events.Commit) { c.Claims = nil })},
		{"releases go", rule, changed(func(c *events.Commit) { c.Releases = nil })},
		{"every command is once-only", rule, changed(func(c *events.Commit) {
			c.Commands = slices.Clone(c.Commands)
			for i := range c.Commands {
				c.Commands[i].Once = true
			}
		})},
		{"one command is kept", rule, changed(func(c *events.Commit) { c.Commands = c.Commands[:1] })},
		{"schema versions stop at 127", rule, changed(func(c *events.Commit) {
			for i := range c.Events {
				c.Events[i].Schema = min(c.Events[i].Schema, 127)
			}
		})},
		{"events change places", rule, changed(func(c *events.Commit) { slices.Reverse(c.Events) })},
		{"remembered commands go", rule, changed(func(c *events.Commit) {
			if c.Snapshot != nil {
				c.Snapshot.Commands = nil
			}
		})},
		{"the hours of remembered commands go", rule, changed(func(c *events.Commit) {
			if c.Snapshot != nil {
				s := *c.Snapshot
				s.Commands = slices.Clone(s.Commands)
				for i := range s.Commands {
					s.Commands[i].Hour = 0
				}
				c.Snapshot = &s
			}
		})},
		{"where a window begins goes", rule, changed(func(c *events.Commit) {
			if c.Snapshot != nil {
				s := *c.Snapshot
				s.From = 0
				c.Snapshot = &s
			}
		})},
		{"a null state goes", rule, changed(func(c *events.Commit) {
			if c.Snapshot != nil && string(c.Snapshot.State) == "null" {
				c.Snapshot = nil
			}
		})},
		{"times before 1971 go", rule, changed(func(c *events.Commit) {
			if c.Time.Year() < 1971 {
				c.Time = time.Time{}
			}
		})},
		{"times in seconds", "time in milliseconds", changed(func(c *events.Commit) { c.Time = c.Time.Truncate(time.Second) })},
		{"times in a zone", "time in milliseconds", changed(func(c *events.Commit) { c.Time = c.Time.In(time.FixedZone("x", 3600)) })},
		{"no size", "size is told", changed(func(c *events.Commit) { c.Size = 0 })},
	}
}

func readFaults() []fault {
	load := func(f func(m *Memory, stream events.Stream, snapshot int) ([]events.Commit, error)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.load = func(_ context.Context, stream events.Stream, snapshot int) ([]events.Commit, error) {
				return f(m, stream, snapshot)
			}
		}
	}
	all := func(m *Memory, stream events.Stream) []events.Commit {
		cs, _ := m.Load(context.Background(), stream, 0)
		return cs
	}
	read := func(f func(m *Memory, stream events.Stream, from int64, limit int) ([]events.Commit, error)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.read = func(_ context.Context, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
				return f(m, stream, from, limit)
			}
		}
	}
	commits := func(f func(numbers []int64, cs []*events.Commit) []*events.Commit) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.commits = func(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
				cs, err := m.Commits(ctx, stream, numbers)
				return f(numbers, cs), err
			}
		}
	}
	started := func(f func(m *Memory, streams []events.Stream) []bool) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.started = func(_ context.Context, streams []events.Stream) ([]bool, error) { return f(m, streams), nil }
		}
	}
	const stops, pages = "load stops at a snapshot", "read pages"
	return []fault{
		{"a missing stream is an error", "no stream is empty", load(func(m *Memory, stream events.Stream, _ int) ([]events.Commit, error) {
			return nil, events.Errorf(events.CodeNotFound, "no such stream")
		})},
		{"newest first", "order across pages", load(func(m *Memory, stream events.Stream, _ int) ([]events.Commit, error) {
			cs := all(m, stream)
			slices.Reverse(cs)
			return cs, nil
		})},
		{"one page is all", "order across pages", load(func(m *Memory, stream events.Stream, _ int) ([]events.Commit, error) {
			cs := all(m, stream)
			return cs[max(0, len(cs)-25):], nil
		})},
		{"the commit at a page's border comes twice", "order across pages", read(func(m *Memory, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
			cs, err := m.Read(context.Background(), stream, from, limit)
			if len(cs) > 20 {
				cs = slices.Insert(cs, 20, cs[20])
			}
			return cs, err
		})},
		{"snapshots are ignored", stops, load(func(m *Memory, stream events.Stream, _ int) ([]events.Commit, error) { return all(m, stream), nil })},
		{"any snapshot will do", stops, load(func(m *Memory, stream events.Stream, snapshot int) ([]events.Commit, error) {
			cs := all(m, stream)
			for i := len(cs) - 1; i >= 0 && snapshot > 0; i-- {
				if cs[i].Snapshot != nil {
					return cs[i:], nil
				}
			}
			return cs, nil
		})},
		{"the oldest matching snapshot", stops, load(func(m *Memory, stream events.Stream, snapshot int) ([]events.Commit, error) {
			cs := all(m, stream)
			i := slices.IndexFunc(cs, func(c events.Commit) bool {
				return snapshot > 0 && c.Snapshot != nil && c.Snapshot.Schema == snapshot
			})
			return cs[max(i, 0):], nil
		})},
		{"what follows the snapshot, without it", stops, load(func(m *Memory, stream events.Stream, snapshot int) ([]events.Commit, error) {
			cs, err := m.Load(context.Background(), stream, snapshot)
			if len(cs) > 1 && cs[0].Number > 1 {
				cs = cs[1:]
			}
			return cs, err
		})},
		{"without a snapshot, no stream", stops, load(func(m *Memory, stream events.Stream, snapshot int) ([]events.Commit, error) {
			cs, err := m.Load(context.Background(), stream, snapshot)
			if snapshot > 0 && len(cs) > 0 && (cs[0].Snapshot == nil || cs[0].Snapshot.Schema != snapshot) {
				cs = nil
			}
			return cs, err
		})},
		{"from is left out", pages, read(func(m *Memory, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
			if from < 1<<60 {
				from++
			}
			return m.Read(context.Background(), stream, from, limit)
		})},
		{"limit is not kept", pages, read(func(m *Memory, stream events.Stream, from int64, _ int) ([]events.Commit, error) {
			return m.Read(context.Background(), stream, from, 100)
		})},
		{"reading stops at a snapshot", pages, read(func(m *Memory, stream events.Stream, from int64, limit int) ([]events.Commit, error) {
			cs, err := m.Read(context.Background(), stream, from, limit)
			i := slices.IndexFunc(cs, func(c events.Commit) bool { return c.Snapshot != nil })
			return cs[max(i, 0):], err
		})},
		{"commits that are missing are left out", "commits by number", commits(func(_ []int64, cs []*events.Commit) []*events.Commit {
			return slices.DeleteFunc(cs, func(c *events.Commit) bool { return c == nil })
		})},
		{"commits in the order of their numbers", "commits by number", commits(func(numbers []int64, cs []*events.Commit) []*events.Commit {
			slices.SortFunc(cs, func(a, b *events.Commit) int {
				switch {
				case a == nil || b == nil:
					return 0
				case a.Number < b.Number:
					return -1
				}
				return 1
			})
			return cs
		})},
		{"the newest commit is not seen yet", "commits by number", func(b *broken, m *Memory) {
			b.commits = func(ctx context.Context, stream events.Stream, numbers []int64) ([]*events.Commit, error) {
				cs, err := m.Commits(ctx, stream, numbers)
				for i, n := range numbers {
					if after, _ := m.Read(ctx, stream, n+1, 1); len(after) == 0 {
						cs[i] = nil
					}
				}
				return cs, err
			}
		}},
		{"every stream has started", "started", started(func(_ *Memory, streams []events.Stream) []bool {
			return slices.Repeat([]bool{true}, len(streams))
		})},
		{"repeats are dropped", "started", started(func(m *Memory, streams []events.Stream) []bool {
			got, _ := m.Started(context.Background(), slices.Compact(slices.Sorted(slices.Values(streams))))
			return got
		})},
		{"in the order of names", "started", started(func(m *Memory, streams []events.Stream) []bool {
			got, _ := m.Started(context.Background(), slices.Sorted(slices.Values(streams)))
			return got
		})},
		{"only streams of one commit", "started", started(func(m *Memory, streams []events.Stream) []bool {
			got := make([]bool, len(streams))
			for i, s := range streams {
				got[i] = len(all(m, s)) == 1
			}
			return got
		})},
	}
}

func scanFaults() []fault {
	scan := func(f func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error)) func(*broken, *Memory) {
		return func(b *broken, m *Memory) {
			b.scan = func(_ context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
				return f(m, segment, segments, cursor)
			}
		}
	}
	sees, resumes := "scan sees all once", "scan is resumable"
	ctx := context.Background()
	return []fault{
		{"a commit is left out", sees, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			page, next, err := m.Scan(ctx, segment, segments, cursor)
			if len(page) > 5 {
				page = slices.Delete(page, 5, 6)
			}
			return page, next, err
		})},
		{"segments are ignored", sees, scan(func(m *Memory, _, _ int, cursor string) ([]events.Commit, string, error) {
			return m.Scan(ctx, 0, 1, cursor)
		})},
		{"the last segment is empty", sees, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			if segments > 1 && segment == segments-1 {
				return nil, "", nil
			}
			return m.Scan(ctx, segment, segments, cursor)
		})},
		{"streams are spread over segments", sees, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			page, next, err := m.Scan(ctx, 0, 1, cursor)
			page = slices.DeleteFunc(page, func(c events.Commit) bool { return int(c.Number)%segments != segment })
			return page, next, err
		})},
		{"newest first in a scan", sees, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			page, next, err := m.Scan(ctx, segment, segments, cursor)
			slices.Reverse(page)
			return page, next, err
		})},
		{"the cursor goes back", sees, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			page, next, err := m.Scan(ctx, segment, segments, cursor)
			if n, convErr := strconv.Atoi(next); convErr == nil && n > 10 {
				next = strconv.Itoa(n - 1)
			}
			return page, next, err
		})},
		{"a scan never ends", sees, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			page, _, err := m.Scan(ctx, segment, segments, "")
			return page, "again", err
		})},
		{"a cursor serves once", resumes, func(b *broken, m *Memory) {
			used := map[string]bool{}
			b.scan = func(ctx context.Context, segment, segments int, cursor string) ([]events.Commit, string, error) {
				if used[cursor] && cursor != "" {
					return nil, "", events.Malformed("cursor", "used")
				}
				used[cursor] = true
				return m.Scan(ctx, segment, segments, cursor)
			}
		}},
		{"a cursor loses a page", resumes, scan(func(m *Memory, segment, segments int, cursor string) ([]events.Commit, string, error) {
			page, next, err := m.Scan(ctx, segment, segments, cursor)
			if n, convErr := strconv.Atoi(next); convErr == nil {
				next = strconv.Itoa(n + 10)
			}
			return page, next, err
		})},
	}
}
