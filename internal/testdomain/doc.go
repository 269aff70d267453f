// Package testdomain is a small application for the suites of Daybook's rooms, so
// that none of them depends on the sample business: members book seats in courses.
// It has each kind of declaration once, and means nothing beyond that: commands that
// are internal, that need a scope, and that span streams; a unique value; an
// upcaster; views of rows, keyed and spread; a process manager with a timer; and an
// outbox.
package testdomain
