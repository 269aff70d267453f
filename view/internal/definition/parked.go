package definition

// A stream is parked in a view when the view can't apply its next commit for a
// permanent reason. Two items say so:
//
//   - the stream's own item (its row, or its checkpoint in a keyed view) has
//     Parked set, so that a projector and a reader know from what they read
//     anyway; in a keyed view the rows that the stream contributes to count it;
//   - a record under a reserved key holds the fault, and is in ParkedIndex.
//
// Parking writes both in one transaction, with the rows as they were before the
// commit. Redriving clears the item first and deletes the record last, so that a
// redrive that is broken off is found in the list and done again.

// Values of Item.Parked in the item of one stream.
const (
	ParkedCounted   = 1 // and counted by the rows it contributes to
	ParkedUncounted = 2 // those rows could not be written; of keyed views only
)
