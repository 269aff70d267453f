// Package explain tells what became of a command, a commit, a row, a claimed value,
// a timer or an integration event: the chain of causes and effects from the command
// that began it, with times, with what is still to come, and with why something
// stopped.
//
// No index leads from a cause to its effects. Each commit keeps its cause, which
// leads upwards. Downwards, a reactor's declaration says what it asks for because of
// an event, with the ids that a runner gives (process.Derive); those ids are looked
// for in the streams that the commands go to, from the time of the event on. It
// reads an installation through package inspect and writes nothing.
package explain
