// Package names holds the names that functions, their deployment and the local
// stack must agree on: environment variables and functions. It imports nothing.
package names
