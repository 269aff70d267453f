// Package fulfilment is what the sample shop does because of orders: the process
// manager that reserves stock for them, and the integration events that other
// systems hear of them.
//
// Like all of domain it imports packages events, aggregate, view and process and
// the standard library, and calls no clock and no random source.
package fulfilment
