package dynamo

import (
	"errors"

	"daybook/events"
	"daybook/personal"
)

// errUnsealed is the error of a personal value on its way into a table without encryption.
var errUnsealed = errors.New("a personal value is not encrypted: wrap the store with package sealed")

// refuseUnsealed reports a personal value that would be stored readable, because the
// store was not wired for an application with personal values.
func refuseUnsealed(texts ...[]byte) error {
	for _, text := range texts {
		if personal.Carries(text) {
			return events.Wrap(events.CodeInternal, errUnsealed, msgInternal)
		}
	}
	return nil
}

// snapshotOf is the state of a commit's snapshot, nil without one.
func snapshotOf(c *events.Commit) []byte {
	if c.Snapshot == nil {
		return nil
	}
	return c.Snapshot.State
}
