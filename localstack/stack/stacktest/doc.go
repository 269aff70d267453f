// Package stacktest starts local stacks for tests.
package stacktest
