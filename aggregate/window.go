package aggregate

import (
	"time"

	"daybook/events"
)

// rememberedCommands is how many commands before a snapshot it carries at least.
const rememberedCommands = 128

// A stream is busy while its last 128 commands are younger than the time for
// which repeats are recognised. The commits of a busy stream are indexed by
// blocks: the last commit of a block carries a snapshot with the commands of the
// whole block, so that a reader finds the commands of a day in few small items,
// at numbers that it can work out.
const (
	// BlockCommits is the number of commits of a block: rememberedCommands, so that
	// any snapshot reaches back to the last block, and that of a block is as large as
	// the others, where each commit answers one command.
	BlockCommits = rememberedCommands
	// maxBlockCommands is the largest number of commands of a block; a block
	// with more of them has no snapshot of its own, and its commits are read.
	maxBlockCommands = 2048
	// maxBlockState is the largest state, in bytes, of which a snapshot is taken
	// only to end a block: a larger one costs more than reading the commits does.
	maxBlockState = 16 << 10
)

// blockStart returns the number of the first commit of the block of a commit.
func blockStart(number int64) int64 { return (number-1)/BlockCommits*BlockCommits + 1 }

// blockEnd returns the number of the last commit of the block of a commit.
func blockEnd(number int64) int64 { return blockStart(number) + BlockCommits - 1 }

// clockTolerance is by how much the clocks of two instances may differ without
// a repeat being missed.
const clockTolerance = time.Hour

// hourMillis is an hour in milliseconds: the unit in which a snapshot says when
// its commands were accepted.
const hourMillis = int64(time.Hour / time.Millisecond)

// hourOf returns the first full hour since 1970 at or after a time in Unix
// milliseconds.
func hourOf(millis int64) int32 { return int32((millis + hourMillis - 1) / hourMillis) }

// oldest returns the first hour (see events.CommandRecord) of commands that must be
// recognised at now, in Unix milliseconds, if they are for the given time.
// Commands of an hour below it need not be.
func oldest(now int64, idempotentFor time.Duration) int32 {
	return int32((now - (idempotentFor + clockTolerance).Milliseconds()) / hourMillis)
}

// window holds the commands of a stream whose repeats are recognised: those a
// snapshot carried and those of the commits since, oldest first. It is a value
// whose backing array only grows, so copies stay right.
type window []events.CommandRecord

// find returns what is remembered of the command with this key. The newest
// comes first: a repeat usually follows soon.
func (w window) find(key events.Digest) (events.CommandRecord, bool) {
	for i := len(w) - 1; i >= 0; i-- {
		if w[i].Key == key {
			return w[i], true
		}
	}
	return events.CommandRecord{}, false
}

// with returns the window with the commands of c added. c follows the commit
// at version before.
func (w window) with(c *events.Commit) window {
	started := c.Version == int64(len(c.Events))
	hour := hourOf(c.Time.UnixMilli())
	for _, command := range c.Commands {
		w = append(w, events.CommandRecord{
			Key:     digest(command.ID),
			Digest:  command.Digest,
			Version: command.Version,
			Started: started && command.Version > 0,
			Commit:  c.Number,
			Hour:    hour,
		})
		if command.Version > 0 {
			started = false
		}
	}
	return w
}
