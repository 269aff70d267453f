//go:build !race

package cli

const slower = 1
