package aggregate

import (
	"encoding/json/jsontext"

	"daybook/events"
)

// Fold returns the state that events of a, in order from the first, leave, as
// the JSON that a snapshot of it would hold. Errors have code internal.
func Fold(a Aggregate, es []events.Event) (jsontext.Value, error) {
	if err := a.Err(); err != nil {
		return nil, events.Wrap(events.CodeInternal, err, "the aggregate is not well declared")
	}
	s, err := a.zero().evolve(es)
	if err != nil {
		return nil, err
	}
	kept, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	return kept.State, nil
}
