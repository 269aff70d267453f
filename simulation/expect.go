package simulation

import "daybook/events"

// expectation is which version of its stream a command of a client expects.
type expectation uint8

const (
	expectNothing expectation = iota
	expectKnown               // what the client was told last
	expectAhead               // more than that
)

// expectationOf draws what a step expects, from a source of its own.
func expectationOf(seed uint64, s step) (e expectation, ahead int64) {
	if s.kind != sendCommand || s.id == "" || s.command.Across {
		return expectNothing, 0
	}
	random, _ := draw(seed, "expectation "+s.name)
	switch n := random.IntN(8); {
	case n < 3:
		return expectKnown, 0
	case n < 4:
		return expectAhead, 1 + random.Int64N(3)
	}
	return expectNothing, 0
}

// expected returns the version that a command expects, nil for none: the first commands
// of a client, which knows nothing yet, mostly expect none.
func (c *client) expected(s step, stream events.Stream) *int64 {
	kind, ahead := expectationOf(c.network.seed, s)
	var known int64
	if token, err := events.ParseToken(c.tokens[string(stream)]); err == nil {
		known = token.Version
	}
	if kind == expectNothing || kind == expectKnown && known == 0 && !s.command.Creates {
		return nil
	}
	known += ahead
	return &known
}

// expectations: a command that expected a version was decided on it, and one that was
// refused for a newer version is in no commit.
func (c *checker) expectations(op *operation) {
	if op.expected == nil {
		return
	}
	before, found := c.decidedOn(op.stream, op.key)
	if op.accepted && !found {
		before = op.version // it had nothing to write
	}
	switch {
	case op.accepted && before != *op.expected:
		c.fail(checkCommands, "%s: expected version %d, but was decided on version %d", op.step, *op.expected, before)
	case found && op.code == string(events.CodeVersionConflict) && op.version > *op.expected:
		c.fail(checkCommands, "%s: refused, because %s was at version %d in place of %d, but a commit holds it, decided on version %d", op.step, op.stream, op.version, *op.expected, before)
	}
}

// decidedOn is the version of a stream that a command found.
func (c *checker) decidedOn(stream events.Stream, key string) (version int64, found bool) {
	for _, commit := range c.commits[stream] {
		for _, command := range commit.Commands {
			if command.ID == key {
				return version, true
			}
			version = command.Version
		}
		version = commit.Version
	}
	return 0, false
}
