// Package order is the sample shop's orders: the aggregate "order" and the view
// "orders".
//
// Like all of domain it imports packages events, aggregate and view and the
// standard library, and calls no clock and no random source.
package order
