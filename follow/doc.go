// Package follow is what every consumer of the change stream does: it groups the
// records of a batch by stream, hands each consumer the commits that it lacks, in
// order and once, reads the missing ones from the store, parks a stream whose
// commit the consumer can't handle, and redrives it.
//
// A Consumer says what it keeps of a stream, and handles commits; views and
// process managers are such consumers. A Run is the handling of one batch by any
// number of them.
package follow
