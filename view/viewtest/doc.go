// Package viewtest helps to test views and what keeps them: Memory, the tables
// of views in memory; Run, the conformance suite that every driver.Table passes;
// and Given, which shows the rows that commits make.
//
// It imports packages events and view, testing and the standard library.
package viewtest
