// Package inspecttest helps to test what reads an installation: World is one in
// memory, of any application, with its views, processes and command queue.
//
// It imports package inspect, the stores in memory of the other rooms, and the
// standard library.
package inspecttest
