package aggregate

import "daybook/events"

// reset makes the entry that of a stream without commits.
func (e *entry) reset(of Aggregate) {
	e.warm = false
	e.state = of.zero()
	e.position = events.Start(e.position.Stream())
	e.memory = newMemory()
	e.gathered, e.snapshot, e.carrier, e.clock, e.bytes = 0, 0, 0, 0, 0
}

// restore begins with a commit that carries a fitting snapshot.
func (e *entry) restore(of Aggregate, c *events.Commit) error {
	if c.Snapshot == nil || c.Snapshot.Schema != of.stateSchema() {
		return events.Errorf(events.CodeInternal, "%s was loaded from commit %d on, which has no fitting snapshot", c.Stream, c.Number)
	}
	s, err := of.restore(c.Snapshot)
	if err != nil {
		return err
	}
	e.memory = restoreMemory(c)
	e.update(of, c, s)
	return nil
}

// fold takes the next commit in, one that a store returned.
func (e *entry) fold(of Aggregate, c *events.Commit) error {
	if c.Number != e.position.Number()+1 {
		return events.Errorf(events.CodeInternal, "%s has commit %d after commit %d", c.Stream, c.Number, e.position.Number())
	}
	s, err := e.state.evolve(c.Events)
	if err != nil {
		return err
	}
	e.advance(of, c, s)
	return nil
}

// advance takes the next commit in, whose state is known.
func (e *entry) advance(of Aggregate, c *events.Commit, s state) {
	if fits(of, c) {
		e.memory.cut(c.Number+1, oldest(c.Time.UnixMilli(), of.idempotentFor()))
	}
	e.update(of, c, s)
}

func (e *entry) update(of Aggregate, c *events.Commit, s state) {
	e.state, e.position, e.clock = s, events.After(c), c.Time.UnixMilli()
	e.memory.window = e.memory.window.with(c)
	if fits(of, c) {
		e.gathered, e.carrier = 0, c.Number
		e.snapshot = len(c.Snapshot.State) + 20*min(len(c.Snapshot.Commands), rememberedCommands)
		e.bytes = len(c.Snapshot.State)
		return
	}
	e.gathered += c.Size
	for _, event := range c.Events {
		e.bytes += len(event.Data)
	}
}

func fits(of Aggregate, c *events.Commit) bool {
	return c.Snapshot != nil && c.Snapshot.Schema == of.stateSchema()
}
