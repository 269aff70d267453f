package aggregate

import (
	"slices"

	"daybook/events"
)

// memory is what an entry knows of the commands that its stream has answered:
// the newest in order, older ones of a busy stream by key. It knows all of the
// commits from number from on. Times arrive as data, as the hours of commits.
type memory struct {
	window  window
	first   int64                         // number of the first commit whose commands are all in window
	history map[events.Digest]memoryEntry // older ones; nil for none
	swept   int                           // size of history after it was pruned last
	from    int64                         // number of the first commit whose commands are all known
	before  int32                         // no command before those was accepted after this hour
}

// memoryEntry is events.CommandRecord of one key.
type memoryEntry struct {
	digest  events.Digest
	version int64
	hour    int32
	started bool
}

// newMemory returns the memory of a stream without commits.
func newMemory() memory { return memory{first: 1, from: 1} }

// restoreMemory returns the memory that the snapshot of a commit carries, without the
// commit's own commands.
func restoreMemory(c *events.Commit) memory {
	m := memory{window: slices.Clone(window(c.Snapshot.Commands)), first: c.Snapshot.From, before: hourOf(c.Time.UnixMilli())}
	if m.first == 0 { // of an older program: 128 commands, or all that there were
		for i := range m.window {
			m.window[i].Commit, m.window[i].Hour = c.Number-1, m.before
		}
		m.first = 1
		if len(m.window) >= rememberedCommands {
			m.first = c.Number
		}
	}
	m.from = m.first
	if len(m.window) > 0 {
		m.before = m.window[0].Hour
	}
	return m
}

// find returns what is remembered of the command with this key, if it counts
// since the hour or is among the newest.
func (m *memory) find(key events.Digest, hour int32) (events.CommandRecord, bool) {
	if r, ok := m.window.find(key); ok {
		return r, true
	}
	if r, ok := m.history[key]; ok && r.hour >= hour {
		return events.CommandRecord{Key: key, Digest: r.digest, Version: r.version, Started: r.started, Hour: r.hour}, true
	}
	return events.CommandRecord{}, false
}

// reaches reports whether all commands since the hour are known.
func (m *memory) reaches(hour int32) bool { return m.from <= 1 || m.before < hour }

// busy reports whether a snapshot's commands, with those of its own commit, are
// not all that count since hour.
func (m *memory) busy(hour int32) bool {
	const n = rememberedCommands - 1
	return len(m.window) >= n && m.window[len(m.window)-n].Hour >= hour
}

// windowSize returns how many of the newest commands to keep at hand when commit
// number comes next: 128, and on a busy stream those of the block so far, within
// bounds.
func (m *memory) windowSize(number int64, hour int32) int {
	n := min(rememberedCommands, len(m.window))
	if !m.busy(hour) {
		return n
	}
	for start := blockStart(number); n < len(m.window) && m.window[len(m.window)-n-1].Commit >= start; n++ {
		if n == maxBlockCommands {
			return rememberedCommands
		}
	}
	return n
}

// whole returns the number of the first commit whose commands are all in the
// window from index i on; next is the number of the next commit.
func (m *memory) whole(i int, next int64) int64 {
	switch {
	case i == 0:
		return m.first
	case i == len(m.window):
		return next
	case m.window[i-1].Commit == m.window[i].Commit:
		return max(m.first, m.window[i].Commit+1)
	}
	return max(m.first, m.window[i].Commit)
}

// endsBlock reports whether the snapshot of commit number, the next one, would
// index a block of a busy stream.
func (m *memory) endsBlock(number int64, hour int32) bool {
	return number == blockEnd(number) && m.first <= blockStart(number) && m.busy(hour)
}

// snapshot sets the commands that the snapshot of commit number, the next one,
// carries. Hours that no longer count are all the same, so that they take no
// room.
func (m *memory) snapshot(s *events.Snapshot, number int64, hour int32) {
	n := min(rememberedCommands, len(m.window))
	if number == blockEnd(number) {
		n = m.windowSize(number, hour)
	}
	i := len(m.window) - n
	s.From = m.whole(i, number)
	s.Commands = slices.Clone(m.window[i:])
	for i := range s.Commands {
		s.Commands[i].Hour = max(s.Commands[i].Hour, hour-1)
	}
}

// cut takes out of the window what later snapshots need not carry, when commit
// number comes next. Ids since hour stay known.
func (m *memory) cut(number int64, hour int32) {
	i := len(m.window) - m.windowSize(number, hour)
	if i == 0 {
		return
	}
	dropped := m.window[:i]
	m.first = m.whole(i, number)
	m.window = slices.Clone(m.window[i:])
	for _, r := range dropped {
		if r.Hour >= hour {
			m.add(r)
		} else {
			m.forgot(r.Hour)
		}
	}
	if len(m.history) > 2*m.swept+rememberedCommands {
		m.sweep(hour)
	}
}

func (m *memory) add(r events.CommandRecord) {
	if m.history == nil {
		m.history = map[events.Digest]memoryEntry{}
	}
	m.history[r.Key] = memoryEntry{r.Digest, r.Version, r.Hour, r.Started}
}

func (m *memory) forgot(hour int32) { m.from, m.before = m.first, max(m.before, hour) }

// sweep forgets what is older than hour. A map that shrinks keeps its memory, so
// a new one takes its place.
func (m *memory) sweep(hour int32) {
	old := m.history
	m.history = nil
	for key, r := range old {
		if r.hour >= hour {
			m.add(events.CommandRecord{Key: key, Digest: r.digest, Version: r.version, Hour: r.hour, Started: r.started})
		} else {
			m.forgot(r.hour)
		}
	}
	m.swept = len(m.history)
}

// bytes estimates the memory that it takes: 40 bytes for a command in order, about 56
// for one by key.
func (m *memory) bytes() int { return 40*cap(m.window) + 56*len(m.history) }
