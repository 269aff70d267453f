package simulation

import (
	"slices"
	"testing"

	"daybook/events"
	"daybook/personal"
)

// An erasure that finds no key, since nothing was stored of the person yet, promises
// nothing about what is stored while it waits and is erased later.
func TestErasureOfNothingPromisesNothing(t *testing.T) {
	t.Parallel()
	const person = events.Stream("person/7")
	data, err := personal.Marshal(personal.About(string(person), "Ann Archer"))
	if err != nil {
		t.Fatal(err)
	}
	s := &system{}
	early, late := s.erasing("o1", person), s.erasing("o2", person)
	late.deleted = 0 // the first key that was deleted
	s.past = map[place]pastCommit{{person, 1}: {Commit: events.Commit{Stream: person, Number: 1, Events: []events.Event{{Name: "registered", Data: data}}}}}
	c := &checker{system: s, about: map[events.Stream]map[events.Stream]bool{person: {person: true}}}
	if got := c.needles(early); len(got) > 0 {
		t.Errorf("the first erasure is held to %q", got)
	}
	if got := c.needles(late); !slices.Equal(got, []string{"Ann Archer"}) {
		t.Errorf("the second erasure is held to %q", got)
	}
}
