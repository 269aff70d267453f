package view

import (
	"encoding/json/jsontext"
)

// Row is one row as queries answer it.
type Row struct {
	Key string
	// JSON is the row's object: its key as "id", its fields, and in a view that
	// follows one stream the stream's version as "version".
	JSON jsontext.Value
	// Version changes with the row: it is the stream's version, or counts the
	// writes of a keyed row. It is 0 for a keyed row that was caught up in
	// memory: such an answer has no version.
	Version int64
	// Shape counts the versions of the view up to the one that made the row, from
	// the one that the installation began with, 1: the same stream's version looks
	// another way in another version of the view.
	Shape int
	// Parked says that the row is behind, because the view can't apply a commit
	// of its stream, or of a stream that contributes to it.
	Parked bool
}
