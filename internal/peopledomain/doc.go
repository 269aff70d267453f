// Package peopledomain is a small application whose events, commands, states and rows
// hold personal values in every place that there is: for tests.
package peopledomain
