// Package expect is what the test kits (aggregatetest, processtest, daybooktest)
// share: how they compare what came with what was expected, and how they say so.
package expect
