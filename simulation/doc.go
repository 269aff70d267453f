// Package simulation runs a whole installation of an application under one seed:
// clients, several instances of each function with their caches and clocks, tables,
// queue, timers, event source mappings, an operator who rebuilds and redrives, and a
// network on which everything goes wrong that may. After a run it checks what Daybook
// promises and what the application does. Package simulationtest, below it, is how
// tests use it; docs/testing.md tells what it does and finds.
//
// It runs the product's own functions, mappings and engines through their interfaces.
// Nothing of the product knows of it: rooms_test.go keeps that.
//
// # Why a seed is a run
//
// A run is a bubble of testing/synctest on fake time, with crypto/rand seeded by
// testing/cryptotest: ids and the jitter of pauses repeat. That leaves the order of
// goroutines. They meet at the services only, so each request, and each answer, is an
// event with an instant of its own (type timeline): one event happens, everything that
// it sets off runs until it waits for another event or for time, and then the next
// event happens.
//
// The fate of a request (its latency both ways, a fault) is drawn from the seed and
// its name: who sends what to where, for the how many-th time. So leaving out a
// command or a fault does not move those of all others, which lets a failure be
// shrunk. Requests of one instance, instant and name can't be told apart. They are
// given one fate, none of them a fault, and happen together.
//
// What must not be: a lock that is held while a request is on its way (time stands
// still for ever, and nothing says so), an order that comes from ranging over a map,
// and randomness from the global source of math/rand/v2. Each of them is a fault of
// the product, and was mended there.
package simulation
