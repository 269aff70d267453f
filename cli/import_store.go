package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"daybook/events"
	"daybook/follow"
	"daybook/internal/sleep"
	"daybook/parallel"
)

// blockTally is what was stored of a stream of a block.
type blockTally struct {
	commits, events int64
	claims          bool
	end             events.Position
}

// store stores a block. An error is that of the first line that can't be stored; lines
// of other streams behind it may be stored.
func (i *importer) store(ctx context.Context, block map[events.Stream][]importLine) error {
	streams := slices.SortedFunc(maps.Keys(block), func(a, b events.Stream) int { return cmp.Compare(block[a][0].number, block[b][0].number) })
	tallies := make([]blockTally, len(streams))
	failed := &firstFault{}
	parallel.New(i.parallel).Each(len(streams), func(n int) {
		if i.last.Stream() == streams[n] {
			tallies[n].end = i.last
		}
		i.storeStream(ctx, streams[n], block[streams[n]], &tallies[n], failed)
	})
	newest := int64(0)
	for n, t := range tallies {
		i.at.Commits, i.at.Events, i.at.Claims = i.at.Commits+t.commits, i.at.Events+t.events, i.at.Claims || t.claims
		if lines := block[streams[n]]; lines[len(lines)-1].number > newest { // the block ends with it
			newest, i.last = lines[len(lines)-1].number, t.end
		}
	}
	return failed.err()
}

// storeStream stores the lines of one stream, as far as they come before one that failed.
func (i *importer) storeStream(ctx context.Context, stream events.Stream, lines []importLine, t *blockTally, failed *firstFault) {
	commits := make([]events.Commit, 0, len(lines))
	for _, l := range lines {
		c, err := decodeLine(l.text)
		if err != nil {
			failed.at(l.number, err)
			break
		}
		commits = append(commits, moved(*c, stream))
	}
	if failed.before(lines[0].number) || ctx.Err() != nil {
		failed.at(lines[0].number, ctx.Err())
		return
	}
	for len(commits) > 0 { // what is not history is not stored, or processes would react to it
		err := i.asHistory(ctx, commits)
		if err == nil {
			break
		}
		k := commitOf(err, commits)
		failed.at(lines[k].number, err)
		commits = commits[:k]
	}
	for k := range commits {
		c, l := &commits[k], lines[k]
		if failed.before(l.number + 1) {
			return
		}
		var err error
		if t.end, err = i.append(ctx, t.end, c); err != nil {
			failed.at(l.number, err)
			return
		}
		t.commits, t.events, t.claims = t.commits+1, t.events+int64(len(c.Events)), t.claims || claims(c)
		i.bar.add(int64(len(l.text)) >> 10)
	}
}

// commitOf is the place of the commit that an error names, else the first.
func commitOf(err error, commits []events.Commit) int {
	if e, ok := errors.AsType[*follow.CommitError](err); ok {
		return max(0, slices.IndexFunc(commits, func(c events.Commit) bool { return c.Number == e.Number }))
	}
	return 0
}

// firstFault keeps the error of the first line that failed. Lines before it are still
// stored: one of them may be the first.
type firstFault struct {
	mu    sync.Mutex
	line  int64 // 0 for none
	cause error
}

// at takes in an error of a line, nil for none.
func (f *firstFault) at(line int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil && (f.line == 0 || line < f.line) {
		f.line, f.cause = line, err
	}
}

// before reports whether a line before this one has failed.
func (f *firstFault) before(line int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.line > 0 && f.line < line
}

func (f *firstFault) err() error {
	if f.line == 0 {
		return nil
	}
	return fmt.Errorf("line %d: %w", f.line, f.cause)
}

// appendAttempts is how often a commit is tried that fails for a reason that may
// pass.
const appendAttempts = 10

// append stores one commit behind a position, or finds it stored.
func (i *importer) append(ctx context.Context, at events.Position, c *events.Commit) (events.Position, error) {
	at, err := i.position(ctx, at, c)
	if err != nil {
		return at, err
	}
	if at.Version()+int64(len(c.Events)) != c.Version {
		return at, fmt.Errorf("commit %d of %s says version %d, but is at version %d", c.Number, c.Stream, c.Version, at.Version()+int64(len(c.Events)))
	}
	var stored events.Commit
	for attempt := 1; ; attempt++ {
		stored, err = i.session.store.Restore(ctx, at, *c)
		if winner, taken := events.WinnerOf(err); taken {
			return at, fmt.Errorf("commit %d of %s is another commit in the table: %s, not %s", c.Number, c.Stream, winner.ID, c.ID)
		}
		if !events.Transient(err) || ctx.Err() != nil || attempt == appendAttempts {
			break
		}
		if sleep.For(ctx, rand.N(100*time.Millisecond<<min(attempt, 6))) != nil {
			break
		}
	}
	if err != nil {
		return at, i.blame(i.eventsTable(), err)
	}
	want, err := encodeLine(c)
	if err != nil {
		return at, err
	}
	have, err := encodeLine(&stored)
	if err == nil && !bytes.Equal(want, have) {
		err = fmt.Errorf("commit %d of %s is stored with this id, but with another content", c.Number, c.Stream)
	}
	return events.After(&stored), err
}

// position is where a commit goes: behind the one before it in the file, or in
// the table.
func (i *importer) position(ctx context.Context, at events.Position, c *events.Commit) (events.Position, error) {
	switch {
	case c.Number == 1:
		return events.Start(c.Stream), nil
	case at.Stream() == c.Stream && at.Number() == c.Number-1:
		return at, nil
	}
	before, err := i.session.store.Read(ctx, c.Stream, c.Number-1, 1)
	if err != nil {
		return at, i.blame(i.eventsTable(), err)
	}
	if len(before) == 0 {
		return at, fmt.Errorf("commit %d of %s has no preceding commit %d", c.Number, c.Stream, c.Number-1)
	}
	return events.After(&before[0]), nil
}
