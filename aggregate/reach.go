package aggregate

import (
	"context"
	"slices"
	"time"

	"daybook/events"
	"daybook/parallel"
)

// reach makes sure that the repeats among the round's commands are recognised.
// Commands whose id was generated can't be repeats, and those that are once-only
// are known to the store.
func (r *round) reach(ctx context.Context) error {
	now, lasts := r.now(), time.Duration(0)
	for _, p := range r.ps {
		if !p.keyed || p.once || p.lasts <= lasts {
			continue
		}
		if _, found := r.entry.memory.find(p.key, oldest(now, p.lasts)); !found {
			lasts = p.lasts
		}
	}
	if lasts == 0 {
		return nil
	}
	return r.h.reach(ctx, r, lasts)
}

// reach makes the round's entry know all commands that its stream has answered
// in the given time. An entry that does already, as on all but busy streams, is
// left as it is; else older commits are read, once for as long as the stream is
// warm.
func (h *Handler) reach(ctx context.Context, r *round, lasts time.Duration) error {
	e := r.entry
	now := r.now()
	s := search{h: h, entry: e, hour: oldest(now, lasts)}
	if e.memory.reaches(s.hour) {
		return nil
	}
	r.count(func(p *Attempt) { p.loads++ })
	known := int64(e.memory.before) * hourMillis // the time of the oldest commit that is known, or later
	for most := int64(4); !e.memory.reaches(s.hour); most *= 8 {
		n := s.estimate(now, known)
		var err error
		if known, err = s.extend(ctx, max(1, min(n, most, 512))); err != nil {
			return err
		}
	}
	return nil
}

// search reads the commits before those that an entry knows.
type search struct {
	h     *Handler
	entry *entry
	hour  int32 // of the oldest commands that count
}

// estimate returns how many blocks lie between what is known and what counts, if
// the stream was always as busy as since known.
func (s *search) estimate(now, known int64) int64 {
	commits := s.entry.position.Number() - s.entry.memory.from + 1
	covered := max(now-known, time.Minute.Milliseconds())
	left := max(0, known-int64(s.hour)*hourMillis)
	return commits*left/covered/BlockCommits + 1
}

// block is one block of a stream, as far as the entry does not know it.
type block struct {
	start    int64           // number of its first commit
	end      *events.Commit  // its last commit; nil for a block that has not ended
	commits  []events.Commit // those that are not known, where end does not index them
	commands window          // those that are not known
}

// extend takes in the n blocks before what is known, or those of them that
// count, and returns the time of the oldest commit met, in Unix milliseconds.
func (s *search) extend(ctx context.Context, n int64) (known int64, err error) {
	m := &s.entry.memory
	newest := blockStart(m.from - 1)
	blocks, err := s.blocks(ctx, newest, max(1, newest-(n-1)*BlockCommits))
	if err != nil {
		return 0, err
	}
	known = int64(m.before) * hourMillis
	for i := range blocks {
		b := &blocks[i]
		if b.end != nil {
			known = b.end.Time.UnixMilli()
			if ended := hourOf(known); ended < s.hour {
				m.from, m.before = b.start+BlockCommits, ended // older commits don't count either
				return known, nil
			}
		}
		for _, r := range b.commands {
			m.add(r)
		}
		m.from = b.start
		if len(b.commands) > 0 {
			m.before = b.commands[0].Hour
		}
	}
	m.swept = len(m.history)
	return min(known, int64(m.before)*hourMillis), nil
}

// blocks reads the blocks from the one that starts with commit newest down to the
// one that starts with commit last, without commands of those that don't count.
func (s *search) blocks(ctx context.Context, newest, last int64) ([]block, error) {
	var blocks []block
	for start := newest; start >= last; start -= BlockCommits {
		blocks = append(blocks, block{start: start})
	}
	if err := s.ends(ctx, blocks); err != nil {
		return nil, err
	}
	var whole []*block
	for i := range blocks {
		b := &blocks[i]
		if b.end != nil && hourOf(b.end.Time.UnixMilli()) < s.hour {
			blocks = blocks[:i+1]
			break
		}
		if b.indexed() {
			b.collectCommands()
		} else {
			whole = append(whole, b)
		}
	}
	return blocks, s.inParallel(len(whole), func(i int) (err error) {
		b := whole[i]
		n := min(BlockCommits, s.entry.memory.from-b.start)
		if b.commits, err = s.h.store.Read(ctx, s.entry.position.Stream(), b.start, int(n)); err == nil && int64(len(b.commits)) < n {
			err = events.Errorf(events.CodeInternal, "%s has no commit %d", s.entry.position.Stream(), b.start+int64(len(b.commits)))
		}
		b.collectCommands()
		return err
	})
}

// ends reads the last commits of blocks that have ended.
func (s *search) ends(ctx context.Context, blocks []block) error {
	stream := s.entry.position.Stream()
	if blockEnd(blocks[0].start) > s.entry.position.Number() {
		blocks = blocks[1:]
	}
	chunks := slices.Collect(slices.Chunk(blocks, 100))
	return s.inParallel(len(chunks), func(i int) error {
		numbers := make([]int64, len(chunks[i]))
		for j, b := range chunks[i] {
			numbers[j] = blockEnd(b.start)
		}
		commits, err := s.h.store.Commits(ctx, stream, numbers)
		if err != nil {
			return err
		}
		for j, c := range commits {
			if c == nil {
				return events.Errorf(events.CodeInternal, "%s has no commit %d", stream, numbers[j])
			}
			chunks[i][j].end = c
		}
		return nil
	})
}

// indexed reports whether the last commit names the commands of all others.
func (b *block) indexed() bool {
	return b.end != nil && b.end.Snapshot != nil && b.end.Snapshot.From > 0 && b.end.Snapshot.From <= b.start
}

// collectCommands gathers the block's commands.
func (b *block) collectCommands() {
	if b.indexed() {
		for _, r := range b.end.Snapshot.Commands {
			if r.Commit >= b.start {
				b.commands = append(b.commands, r)
			}
		}
		b.commands = b.commands.with(b.end)
		return
	}
	for i := range b.commits {
		b.commands = b.commands.with(&b.commits[i])
	}
}

// inParallel calls f with 0 to n-1, some at once, and returns the first error.
func (s *search) inParallel(n int, f func(i int) error) error {
	return parallel.New(s.h.opts.Parallel).Try(n, f)
}
