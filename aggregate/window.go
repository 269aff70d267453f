package aggregate

import (
	"daybook/events"
)

// rememberedCommands is how many commands before a snapshot it carries: the
// least number of commands of a stream whose repeat is recognised.
const rememberedCommands = 128

// window holds the commands of a stream whose repeats are recognised: those a
// snapshot carried and those of the commits since, oldest first. It is a value
// whose backing array only grows, so copies stay right.
type window []events.Remembered

// find returns what is remembered of the command with this key. The newest
// comes first: a repeat usually follows soon.
func (w window) find(key events.Digest) (events.Remembered, bool) {
	for i := len(w) - 1; i >= 0; i-- {
		if w[i].Key == key {
			return w[i], true
		}
	}
	return events.Remembered{}, false
}

// last returns the last n entries.
func (w window) last(n int) window { return w[max(0, len(w)-n):] }

// with returns the window with the commands of c added. c follows the commit
// at version before.
func (w window) with(c *events.Commit) window {
	started := c.Version == int64(len(c.Events))
	for _, command := range c.Commands {
		w = append(w, events.Remembered{
			Key:     digest(command.ID),
			Digest:  command.Digest,
			Version: command.Version,
			Started: started && command.Version > 0,
		})
		if command.Version > 0 {
			started = false
		}
	}
	return w
}
