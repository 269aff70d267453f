// Package mcp lets an agent look at an installation over the Model Context Protocol,
// and with Options.Write try commands and send them. Only the command line links it.
//
// The tools read through packages inspect and explain, with the rights of whoever
// opened the installation. Every list is paged and every result bounded. The protocol's
// clients hold numbers as float64, so an integer beyond 2^53 travels as text, in
// results and in arguments alike: such a version or amount keeps its digits.
package mcp
