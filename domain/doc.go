// Package domain is the business: one folder per aggregate, and a list of what
// there is in register.go: a line for each aggregate and each view, and one import
// for each folder. The rest of Daybook follows from that list: routes,
// tables, indexes, permissions and the local stack.
//
// It imports packages events, aggregate, view and process and the standard
// library. Replace the sample shop by your own business here. Two folders of the sample
// are tools of it: catalogue loads one over HTTP, and e2e tests what is deployed.
package domain
