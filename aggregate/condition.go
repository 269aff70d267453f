package aggregate

import (
	"slices"

	"daybook/events"
)

// Condition is what the sender of a command asks of its stream's version, besides
// ExpectedVersion. The zero value asks nothing.
type Condition struct {
	// Exists asks for a stream that exists.
	Exists bool `json:"exists,omitzero"`
	// In, when not nil, lists the versions that the stream may be at; an empty
	// list lets none pass.
	In []int64 `json:"in,omitzero"`
	// NotIn lists versions that the stream must not be at.
	NotIn []int64 `json:"notIn,omitempty"`
}

// IsZero reports whether the condition asks nothing.
func (c Condition) IsZero() bool { return !c.Exists && c.In == nil && len(c.NotIn) == 0 }

func (c Condition) holds(version int64) bool {
	return !(c.Exists && version == 0) && (c.In == nil || slices.Contains(c.In, version)) && !slices.Contains(c.NotIn, version)
}

// expect compares what a command asks of its stream's version with the version.
func expect(c Command, version int64) error {
	var err *events.Error
	switch v := c.ExpectedVersion; {
	case v != nil && *v != version:
		err = events.Errorf(events.CodeVersionConflict, "the stream is at version %d, not %d", version, *v)
	case !c.Condition.holds(version) && version == 0:
		err = events.Errorf(events.CodeVersionConflict, "the stream does not exist")
	case !c.Condition.holds(version):
		err = events.Errorf(events.CodeVersionConflict, "the stream is at version %d, which the request's condition excludes", version)
	default:
		return nil
	}
	err.Version = version
	return err
}
