// Package names holds the names that the functions, their deployment, the local
// stack and the command line must agree on: environment variables, functions,
// tables, queues, metrics and the stack's outputs. It imports nothing.
package names
