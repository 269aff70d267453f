// Package rehearse runs an application's code over the events that are stored, writes
// nothing, and reports what deploying that code would change: events that no longer
// decode, rows and index entries, states in snapshots, decisions of commands that were
// kept, and the commands, timers and memories of processes.
//
// Views are compared by view/admin, as for a check of the tables: a rehearsal is that
// check with the newest declarations against the tables that answer. The rest looks at
// the same pages of the events table while they are read, so the table is read once.
package rehearse
