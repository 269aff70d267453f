package view

import "daybook/events"

// StreamKey returns the key of the item that belongs to a stream in the table of
// v: its row's, or its checkpoint's in a keyed view. That item's Commit is the
// last one applied. ok is false when v does not follow the stream.
func StreamKey(v View, stream events.Stream) (key string, ok bool) {
	d := v.definition()
	if !d.follows(stream) {
		return "", false
	}
	if d.kind == KindRows {
		return ItemKey(stream.ID()), true
	}
	return checkpointKey(stream), true
}
