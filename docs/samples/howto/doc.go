// Package howto has the samples of docs/howto.md: an order that is paid in time or
// cancelled, with the process manager that sees to it, and an aggregate whose streams
// begin with rows of an older system.
package howto
