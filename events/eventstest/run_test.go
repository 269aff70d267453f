package eventstest

import (
	"testing"

	"daybook/events"
)

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	Run(t, func(*testing.T) events.Store { return new(Memory) })
}
