//go:build !race

package dynamo

const slowdown = 1
