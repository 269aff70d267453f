// Package product is what the sample shop sells: the aggregate "product", the
// view "products" and the keyed view "categories".
//
// Like all of domain it imports packages events, aggregate and view and the
// standard library, and calls no clock and no random source.
package product
