// Package fulfilment has the samples of docs/processes.md: a process manager and an
// outbox of the sample shop's orders, shorter than those of the shop.
package fulfilment
