//go:build race

package cli

// slower is by what factor large tests are smaller: the race detector makes
// JSON ten times slower, and finds its races in a tenth of the data too.
const slower = 10
