//go:build race

package dynamo

// slowdown shortens what takes many requests: the race detector watches them
// about ten times as slowly.
const slowdown = 10
