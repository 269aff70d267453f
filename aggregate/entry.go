package aggregate

import (
	"time"

	"daybook/events"
	"daybook/personal"
)

// reset makes the entry that of a stream without commits.
func (e *entry) reset(of Aggregate) {
	e.warm, e.personal = false, false
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

// appended takes in the next commit, which this handler stored; s is its state. With
// personal values it is folded from what the store returned: they have their keys now.
func (e *entry) appended(of Aggregate, c *events.Commit, s state) {
	if carries(c) {
		var err error
		if s, err = e.state.evolve(c.Events); err != nil {
			e.warm = false
			return
		}
	}
	e.advance(of, c, s)
}

// carries reports whether the commit says something of a person.
func carries(c *events.Commit) bool {
	for _, e := range c.Events {
		if personal.Carries(e.Data) {
			return true
		}
	}
	return c.Snapshot != nil && personal.Carries(c.Snapshot.State)
}

// expire makes an entry cold that may hold values of a person whose key was deleted
// since it was loaded.
func (e *entry) expire(now time.Time) {
	e.warm = e.warm && !(e.personal && now.UnixMilli()-e.since >= personal.KeyTTL.Milliseconds())
	if !e.warm {
		e.since = now.UnixMilli()
	}
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
	e.personal = e.personal || carries(c)
	e.memory.window = e.memory.window.with(c)
	if fits(of, c) {
		e.gathered, e.carrier = 0, c.Number
		e.snapshot = len(c.Snapshot.State) + 20*min(len(c.Snapshot.Commands), rememberedCommands)
		e.bytes = len(c.Snapshot.State)
		return
	}
	e.gathered += sizeWithoutKept(c)
	for _, event := range c.Events {
		e.bytes += len(event.Data)
	}
}

func fits(of Aggregate, c *events.Commit) bool {
	return c.Snapshot != nil && c.Snapshot.Schema == of.stateSchema()
}
