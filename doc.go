// Package daybook is what an application built with Daybook is: a name, and lists
// of its aggregates, views and process managers. Everything that runs it takes an
// App: the functions, the local stack, the command line, and what is deployed.
//
// It imports packages events, aggregate, view and process and the standard library.
package daybook
