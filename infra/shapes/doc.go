// Package shapes compares the declared views with the shape files that are kept
// beside them, before anything is synthesized: a change that a deployed table
// can't follow is refused on the developer's machine.
//
// A file can tell of what was declared before, not of what was deployed. Who
// deletes the file of a deployed version, or never had one, is told by the
// deployment only: its projector and its query function compare the declaration
// with what filled the table.
package shapes
