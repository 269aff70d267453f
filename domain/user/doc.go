// Package user is the sample shop's customers: the aggregate "user" and the
// view "users".
//
// Like all of domain it imports packages events, aggregate and view and the
// standard library, and calls no clock and no random source.
package user
